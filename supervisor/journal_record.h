/*
 * journal_record.h - bytes of a service become records, one line each: the stamp
 * "2026-11-24T03:07:08.123456Z", marks, a blank, the line and "\n". The marks, in this order, each
 * only where it says something:
 *
 *	!      it came from stderr
 *	0 … 7  its level (syslog(3)), which the line itself has named: "<3>text" of sd-daemon(3)
 *	+      it goes on with the record before it of the same stream, which was cut: at
 *	       RECORD_LINE_MAX, or because a line of the other stream came in between
 *
 * Pure: no system call, no allocation. Bytes of a line are passed on as they are, also NUL and what
 * is no UTF-8. What a line is allowed to be (level, rate) is looked at once, at its beginning.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#define STAMP_LEN       28
#define RECORD_ROOM     160         /* of a buffer: a header and a note always fit */
#define RECORD_LINE_MAX (48 * 1024) /* systemd's LineMax= (journald.conf(5)) */
#define RECORD_NO_LEVEL 8
#define RECORD_STREAMS  2 /* stdout, stderr */

/* The time stamp of a record, with the blank behind it. All-zero is a good start. */
struct stamp {
	time_t second; /* of which `text` is; formatting a date costs more than copying it */
	char text[STAMP_LEN + 1];
};

void stamp_set(struct stamp *stamp, const struct timespec *now);

/* Where a stream is in its line. */
enum line_state {
	LINE_BEGIN = 0,  /* the next byte begins one */
	LINE_IN,         /* in the middle of one that is logged */
	LINE_DROP,       /* in the middle of one that is not */
	LINE_HELD,       /* "<" was read and not written: it may be the beginning of a level */
	LINE_HELD_0 = 8, /* and up to + 7: "<0" … "<7" was */
};

/* What is known between two pieces of a stream; it lies in the cursor, so it survives us. */
struct line {
	uint32_t column; /* bytes of the record so far */
	uint8_t state;   /* enum line_state */
	uint8_t level;   /* 0 … 7, or RECORD_NO_LEVEL */
	uint8_t spare[2];
};

struct lines {
	struct line of[RECORD_STREAMS];
	uint32_t suppressed; /* lines over the rate that no note tells of yet */
	uint8_t open;        /* 1 + the stream whose record has no end in the file yet; 0: none */
	uint8_t spare[3];
};

/* What the unit asks for. All-zero lets everything pass. */
struct record_rules {
	bool prefix;               /* SyslogLevelPrefix=: "<3>text" names the level */
	uint8_t level;             /* SyslogLevel=: of lines that name none */
	uint8_t drop_from;         /* LogLevelMax= + 1: levels from here on; 0: none */
	uint64_t rate_interval_us; /* LogRateLimitIntervalSec=, 0: no limit */
	unsigned rate_burst;       /* LogRateLimitBurst=, 0: no limit */
};

struct rate {
	uint64_t begin_us;
	unsigned n;
};

/* Why record_format() stopped. */
enum record_stop {
	RECORD_END = 0, /* all of the input is formatted */
	RECORD_FULL,    /* the buffer is full: empty it and call again with the rest */
	RECORD_ROTATE,  /* the next line would take the file over its limit */
};

struct records {
	const char *stamp; /* STAMP_LEN bytes */
	const struct record_rules *rules;
	struct rate *rate;
	uint64_t now_us; /* any clock; for the rate */
	struct lines at;
	unsigned stream; /* 0: stdout, 1: stderr */
	bool greedy;     /* take the next line, however long it is */
	uint64_t pos;    /* where out[0] goes in the file */
	uint64_t max;    /* size that the file should not exceed; 0: no limit */
	char *out;       /* at least RECORD_ROOM bytes */
	size_t cap, len;
	uint64_t lines;      /* ends of line seen */
	uint64_t suppressed; /* lines that were over the rate */
	enum record_stop stop;
};

/*
 * Appends the records of `raw` to r->out. Returns how many bytes of `raw` are in it (or dropped)
 * now; r->stop says why not more. A line is not divided between two files, unless the file is at
 * twice its limit already.
 */
size_t record_format(struct records *r, const char *raw, size_t len);
/* Appends a record of our own, if need be after an end of line; what does not fit the buffer is cut
 * off. */
void record_note(struct records *r, const char *text);
