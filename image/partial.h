/*
 * partial.h - the file beside an archive in which it grows: found again, locked, made big enough,
 * and at the end renamed.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "image/archive.h"

struct partial {
	char *path; /* of the partial file */
	char *journal;
	int fd; /* locked while it is open */
};

/* Opens or makes the partial file of `target` and locks it. `waiting` is told once when another
 * process has it (and `wait`); -EBUSY when not `wait`; -ECANCELED when `cancelled` says so. */
int partial_open(const char *target, bool wait, void (*waiting)(void *arg),
		 bool (*cancelled)(void *arg), void *arg, struct partial *partial, struct err *err);
void partial_close(struct partial *partial); /* also for _cleanup_(partial_close) */

/* Whether it has just this size, as a file of an earlier run has. */
bool partial_has_size(const struct partial *partial, uint64_t size);
/* Empties it and gives it this size, with its blocks; -ENOSPC before anything was written, when the
 * disk would then have less than `reserve` left. */
int partial_allocate(const struct partial *partial, uint64_t size, uint64_t reserve,
		     struct err *err);
/* Brings it to the disk, gives it its mode and the name `target`; the journal goes. */
int partial_finish(struct partial *partial, const char *target, unsigned mode, struct err *err);
/* Removes both files, which must be locked. */
void partial_remove(const struct partial *partial);
