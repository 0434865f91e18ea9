/*
 * target.h - what is to be pulled: references, and the templates that they become.
 *
 * Pure. All of a run is read and checked before anything is touched.
 */
#pragma once

#include <stddef.h>

#include "common/err.h"
#include "image/options.h"
#include "image/reference.h"

struct target {
	struct reference ref;
	char text[REFERENCE_TEXT_MAX]; /* the reference written out */
	char file[REFERENCE_FILE_MAX]; /* "hakim-js_latest.tar" */
	char *volid;                   /* "local:vztmpl/hakim-js_latest.tar" */
	char *legacy;                  /* the same with ".tar.tar", as the old script had them */
};

struct targets {
	struct target *v;
	size_t n;
};

/* -EINVAL with a sentence: a variant that is not known, a reference that is no good, two targets of
 * one name, none at all. */
int targets_make(const struct options *options, struct targets *targets, struct err *err);
void targets_free(struct targets *targets); /* also for _cleanup_(targets_free) */

/* -EINVAL when it is no name of a node or a store: they become parts of paths. */
int target_name_check(const char *what, const char *name, struct err *err);
