/*
 * logrecord.h - one record of a log (docs/logs.md): read from its line, and shown as text or JSON.
 * Pure, but for the local time zone.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

#define RECORD_UNKNOWN (-1)

struct log_record {
	const char *line; /* the whole, without its end; not owned, may hold NUL */
	size_t len;
	size_t text;  /* where in `line` the text begins */
	int64_t us;   /* since 1970; RECORD_UNKNOWN: the line has no stamp */
	bool err;     /* from stderr */
	bool goes_on; /* with the record before it of the same stream */
	int level;    /* 0 … 7, or RECORD_UNKNOWN */
};

/* A line that is no record is all text. */
struct log_record record_parse(const char *line, size_t len);

/* Bytes that grow; behind them is NUL. */
struct log_text {
	char *data; /* owned */
	size_t len, size;
	bool failed; /* there was no memory: what is in it is not whole */
};
void log_text_add(struct log_text *t, const void *bytes, size_t len);
void log_text_free(struct log_text *t);

enum log_format {
	LOG_AS_IT_IS = 0, /* as in the file; with a name behind the header if there are several */
	LOG_SHORT,        /* "Nov 24 03:07:08 NAME: text", local time */
	LOG_SHORT_ISO,    /* "2026-11-24T03:07:08+00:00 NAME: text", local time */
	LOG_CAT,          /* the text alone */
	LOG_JSON,         /* one object a line */
};

/* By the word of -o. -EINVAL and a sentence with all of them. */
int log_format_parse(const char *word, enum log_format *format, struct err *err);

struct log_style {
	enum log_format format;
	bool named;    /* of several logs: LOG_AS_IT_IS shows their names, too */
	bool color;    /* a colour a name */
	bool terminal; /* a colour that a line has left on is turned off behind it */
};

/* Appends the record and an end of line. `unit` is the unit's whole name. */
void record_show(struct log_text *out, const struct log_style *style, const struct log_record *r,
		 const char *unit);
/* How long the name is that people see: without ".service". */
int record_name_len(const char *unit);
