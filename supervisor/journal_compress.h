/*
 * journal_compress.h - old files of logs become NAME.log.N.zst, by a process of the lowest priority
 * (hakim-log-zstd), one at a time. The thread of the journal never waits for it: it starts it,
 * hears of its end by a pidfd, and only then gives the result its name; so a number that has
 * changed by a rotation meanwhile does no harm, and what a dead life has left half-written never
 * has a name that is read.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "supervisor/journal_file.h"

struct compress {
	const char *program; /* hakim-log-zstd; NULL: nothing is compressed */
	int pidfd;           /* of the process, -1: none runs */
	dev_t dev;           /* of the file that it reads */
	ino_t ino;
	char name[LOG_NAME_MAX + 8];
};

/*
 * Starts it for the oldest file of the log that is not compressed yet. 1: started, 0: there is
 * none, or a negative errno.
 */
int compress_start(struct compress *c, const struct log_file *f);
/* The process has ended: gives the result its name and removes the plain file. -EIO: it has failed.
 */
int compress_end(struct compress *c, const char *dir);
/* Removes what an earlier life has left of this log. */
void compress_clean(const struct log_file *f);
