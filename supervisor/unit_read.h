/*
 * unit_read.h - one unit from its file and its drop-ins. Reads files, looks for none.
 */
#pragma once

#include "supervisor/unit_dirs.h"

/*
 * `dirs` NULL: without drop-ins. *unit is NULL when it is masked or a problem was fatal. `user` is
 * whose the unit is where its name has the user's scope. 0 or -ENOMEM.
 */
int unit_read(const char *path, const char *name, const struct unit_dirs *dirs,
	      const struct identity *user, struct unit **unit, bool *masked,
	      struct problems *problems);
