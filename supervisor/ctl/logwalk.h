/*
 * logwalk.h - the lines of one log, over all its files, one after the other: forward or backward. A
 * file that was left behind is closed on request, for one that was compressed takes memory.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "supervisor/ctl/logread.h"

struct log_walk {
	int *fds; /* newest first; not owned, but closed and made -1 where `drop` says so */
	size_t n;
	struct log_spot first; /* it goes back no further … */
	struct log_spot end;   /* … and no further on */
	struct log_spot at;    /* between two lines */
	bool drop;             /* each file is wanted once only */
	char *buf;             /* owned */
	size_t size, len;
	size_t file; /* what is in `buf`: of which file, from where on */
	off_t from;
};

/* All of the log as it is now; with `whole` without a last line that has no end yet. */
int log_walk_begin(struct log_walk *w, int *fds, size_t n, bool whole, struct err *err);
void log_walk_free(struct log_walk *w);

/* The next line, without its end, until the next call. 1, or 0: there is none. */
int log_walk_next(struct log_walk *w, const char **line, size_t *len, struct err *err);
/* The one before. */
int log_walk_prev(struct log_walk *w, const char **line, size_t *len, struct err *err);
