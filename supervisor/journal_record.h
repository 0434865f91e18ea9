/*
 * journal_record.h - bytes of a service become records: "2026-11-24T03:07:08.123456Z " + line +
 * "\n". Pure: no system call, no allocation. Bytes are passed on as they are, also NUL and what is
 * no UTF-8.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#define STAMP_LEN 28

/* The time stamp of a record, with the blank behind it. All-zero is a good start. */
struct stamp {
	time_t second; /* of which `text` is; formatting a date costs more than copying it */
	char text[STAMP_LEN + 1];
};

void stamp_set(struct stamp *stamp, const struct timespec *now);

/* Why record_format() stopped. */
enum record_stop {
	RECORD_END = 0, /* all of the input is formatted */
	RECORD_FULL,    /* the buffer is full: empty it and call again with the rest */
	RECORD_ROTATE,  /* the next line would take the file over its limit */
};

struct records {
	const char *stamp; /* STAMP_LEN bytes */
	bool bol;          /* the next byte begins a line */
	bool greedy;       /* take the next line, however long it is */
	uint64_t pos;      /* where out[0] goes in the file */
	uint64_t max;      /* size that the file should not exceed; 0: no limit */
	char *out;         /* at least STAMP_LEN + 1 bytes */
	size_t cap, len;
	uint64_t lines; /* ends of line seen */
	enum record_stop stop;
};

/*
 * Appends the records of `raw` to r->out. Returns how many bytes of `raw` are in it now; r->stop
 * says why not more. A line is not divided between two files, unless the file is at twice its limit
 * already.
 */
size_t record_format(struct records *r, const char *raw, size_t len);
/* Appends a record of our own, if need be after an end of line; what does not fit the buffer is cut
 * off. */
void record_note(struct records *r, const char *text);
