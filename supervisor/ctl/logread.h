/*
 * logread.h - the files of one log, read as one: where its last N lines begin, found from the end,
 * and copied from there.
 *
 * A compressed file is unpacked when it is reached, and its fd replaced. Files are read with
 * pread(2) only: the fds come from the supervisor and share their position with it.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/err.h"
#include "supervisor/ctl/show.h"

/* A place in a log: offset `at` of file number `file`; 0 is the newest, as docs/control.md orders
 * them. */
struct log_spot {
	size_t file;
	off_t at;
};

/* Where the last `lines` lines begin; a line that has no end yet is one, too. 0 lines: the end. */
int log_find(int *fds, size_t n, uint64_t lines, struct log_spot *spot, struct err *err);
/* Where the first line of that time (microseconds since 1970) or later is; none: the end. Lines
 * without a stamp belong to the one before them. */
int log_find_since(int *fds, size_t n, int64_t us, struct log_spot *spot, struct err *err);

/*
 * Where the log goes. With `terminal` everything but colours (SGR, ECMA-48 8.3.117), tabs and ends
 * of line that would control it becomes "?"; a program's log is nobody's keyboard. Start it as {.fd
 * = …, .terminal = …}.
 */
struct log_out {
	int fd;
	bool terminal;
	bool colored;  /* a colour was passed on: log_out_end() turns it off */
	size_t n_held; /* bytes of a sequence whose end has not come yet */
	char held[32];
};

/* Writes all of it. -EPIPE: the reader has gone, which is no fault. */
int log_out_write(struct log_out *out, const char *bytes, size_t len, struct err *err);
/* What is held back, and the end of a colour. */
int log_out_end(struct log_out *out, struct err *err);

/* Who gets the bytes of a log: 0, or a negative errno, which ends it. */
typedef int log_take(void *to, const char *bytes, size_t len, struct err *err);
/* Of a `struct log_out`. */
int log_take_out(void *to, const char *bytes, size_t len, struct err *err);

/* Copies from *at to what is now the end of the file, and moves *at there. */
int log_copy(int fd, off_t *at, log_take *take, void *to, struct err *err);
/* Copies from the spot to the end of the newest file; the spot is there then. */
int log_copy_from(int *fds, struct log_spot *spot, struct log_out *out, struct err *err);
