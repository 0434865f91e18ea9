/*
 * cat.h - the files of a unit, as they are, each under a line with its path.
 */
#pragma once

#include "common/err.h"
#include "common/strv.h"
#include "supervisor/ctl/show.h"

/* On stdout, the drop-ins behind the file; an empty line before it unless it is the first. What
 * cannot be read is the error, and the others are printed. */
int cat_files(const char *path, const struct strv *dropins, const struct look *look, bool first,
	      struct err *err);
