/*
 * lognew.h - logs that begin while those of a pattern are followed. The directory is watched where
 * the caller may read it; where not, there are none.
 */
#pragma once

#include "supervisor/ctl/logmerge.h"

/* An inotify fd, or -1: nobody will hear of them. */
int log_new_watch(const struct log_set *set);
/*
 * Hands each log that matches a pattern of the set and is not in it to `add`, which owns the files
 * then. With `all` it looks at the whole directory, else at what the fd says. `add` returns a
 * negative errno to end it.
 */
int log_new_take(struct log_set *set, int fd, bool all,
		 int (*add)(struct log_set *set, const char *name, struct log_files *files));
