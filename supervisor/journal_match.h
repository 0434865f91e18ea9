/*
 * journal_match.h - waits for a line in a log: bytes go in as they leave the pipe, and it says once
 * that one of their lines matches. Nothing here is locked or waits; who owns it is journal_pump.c.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "supervisor/journal_record.h"
#include "supervisor/pattern.h"

#define MATCH_LINE 1024 /* of a longer line only so much is looked at */

/* Of stdout or stderr. */
struct match_part {
	uint64_t from; /* the first byte of the stream that counts */
	size_t len;    /* of the line so far */
	char line[MATCH_LINE];
};

struct log_match {
	struct pattern *pattern; /* owned */
	char since[STAMP_LEN];   /* "2026-11-24T03:07:08.123456Z": what the file has of this time or
				    later counts, too; empty: nothing in it does */
	bool matched;
	struct match_part part[RECORD_STREAMS];
};

/* NULL on a lack of memory; the pattern is freed then. `since` may be NULL. */
struct log_match *log_match_new(struct pattern *pattern, const struct timespec *since);
void log_match_free(struct log_match *match);

/* Bytes of the stream, of which the first is number `at`. */
void log_match_bytes(struct log_match *match, unsigned stream, const char *bytes, size_t len,
		     uint64_t at);
/* The end of a file of records, up to `off`. */
void log_match_file(struct log_match *match, int fd, off_t off);
