/*
 * journal.h - how far the blobs of a partial file are, so that a new process can go on.
 *
 * A text file: one line that says for which archive it is, then a line for each step, appended.
 *
 *	hakim-journal 2 sha256:… <size> <blobs>
 *	<blob> <bytes>
 *
 * It is only a hint. A process that is killed leaves at most a torn last line, which is passed
 *over; after a power cut it may claim bytes that never came to the disk. Who believes it must hash.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "image/archive.h"

/* A step is worth a line when so many bytes came. */
#define JOURNAL_STEP (4u << 20)

struct journal {
	int fd;
	uint64_t *at; /* of each blob: bytes that are there */
	size_t n;
};

/* Reads `text` of the file. True: it is this archive's, and at[] (of archive->n) is filled in.
 * Pure. */
bool journal_read(const char *text, const struct archive *archive, uint64_t *at);

/* Whether there is one, and of this archive. */
bool journal_is_of(const char *path, const struct archive *archive);

/* Opens the journal for appending, and reads it when `resume` and it is this archive's; else it is
 * written anew, all zero. */
int journal_open(const char *path, const struct archive *archive, bool resume,
		 struct journal *journal, struct err *err);
/* Notes that blob `i` has so many bytes. A failure costs a later run some time, and nothing else.
 */
void journal_note(struct journal *journal, size_t i, uint64_t bytes);
void journal_close(struct journal *journal); /* also for _cleanup_(journal_close) */
