/*
 * journal_cursor.h - how far a log has come: a note in shared memory that is true at every
 *instruction, so that the next process knows what a killed one had done. The owner of a stream is
 *the only one who writes its cursor.
 *
 * The protocol, for n bytes that are at the front of a pipe and were just written to the file at
 *`off`:
 *
 *	cursor_arm()      after_off, after, expect, marker = ~expect; then armed = 1
 *	cursor_consume()  one readv() of n bytes, whose last byte the kernel puts into `marker`
 *	cursor_commit()   off = after_off …; then armed = 0
 *
 * A log may have two pipes (stdout and stderr) that go into one file: one chunk of one pipe is
 *under way at a time, so one marker is enough, and where each stream is in its line is part of what
 *is committed.
 *
 * A system call on a pipe does not stop half-way for a signal: pipe_read() takes all the bytes that
 *are there under one lock. So an armed cursor whose marker is `expect` means that the bytes are
 *gone from the pipe, and any other marker that they are still in it. (A page fault is the one thing
 *that can cut that read short for a process that is being killed; the bytes go where the previous
 *system call has just put the same bytes, so the pages are there.)
 *
 * Nothing here knows the file or touches it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "supervisor/journal.h"
#include "supervisor/journal_record.h"

/* The layout of struct journal_cursor. Only uint64_t and bytes, so that the view through either
 * type is the same. */
struct cursor {
	uint64_t version; /* CURSOR_VERSION, else: never used */
	uint64_t ino;     /* the file that `off` is in; 0: none, append to what is there */
	uint64_t born_ns; /* its birth, where the file system has one: inode numbers come again */
	uint64_t off;     /* what is in the file before here is no longer in the pipe */
	uint64_t lost;    /* bytes read away unwritten, not yet told in the file */
	uint64_t lost_errno;
	uint64_t after_off;
	uint64_t armed;
	uint8_t bol; /* at `off` a record begins: what supervisors know that have no `now` */
	uint8_t after_bol;
	uint8_t expect; /* the last of the bytes to be read away */
	uint8_t marker; /* … becomes that when they are */
	struct lines now, after;
	uint8_t spare[12];
};

#define CURSOR_VERSION 0x31637264u

/* A place to die in, for tests: called at each point where a crash is to be tried. NULL or no
 * function: nothing. */
struct journal_seam {
	void (*step)(void *arg);
	void *arg;
};

static inline void seam_step(const struct journal_seam *seam)
{
	if (seam && seam->step)
		seam->step(seam->arg);
}

/* Forgets everything: the next open appends to what is in the file. */
void cursor_reset(struct cursor *c);
/* Settles what a killed process left half-done; may itself be killed and repeated. */
void cursor_recover(struct cursor *c);
/* The log goes on at the beginning of a line, at `off` of another file. */
void cursor_rebase(struct cursor *c, uint64_t ino, uint64_t born_ns, uint64_t off);

void cursor_arm(struct cursor *c, uint64_t after_off, const struct lines *after, uint8_t last);
/* Reads `n` (at least 1) bytes away, all but the last into `scratch`. Returns 0 or a negative
 * errno. */
int cursor_consume(struct cursor *c, int fd, char *scratch, size_t n);
void cursor_commit(struct cursor *c);
