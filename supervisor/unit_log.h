/*
 * unit_log.h - what a unit says about its input, its output and its log: systemd.exec(5), "Logging
 * and Standard Input/Output", and the Log…= of [X-Hakim]. A part of struct unit; directive_log.c
 * fills it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where one of the three standard streams goes. */
enum stdio_kind {
	STDIO_DEFAULT = 0, /* input: null, or data where there is some; output: the log; error: the
			      log, told apart, or where the output goes when that is elsewhere */
	STDIO_NULL,
	STDIO_INHERIT, /* output: as the input; error: exactly as the output, not told apart */
	STDIO_LOG,
	STDIO_FILE,     /* from the beginning of the file on */
	STDIO_APPEND,   /* behind what is in it */
	STDIO_TRUNCATE, /* emptied first */
	STDIO_DATA,     /* StandardInputText=, StandardInputData= */
	STDIO_SOCKET,   /* the connection that the service was started for */
};

struct stdio {
	enum stdio_kind kind;
	char *path; /* of the files */
};

struct unit_log {
	struct stdio in, out, error;
	char *data; /* of STDIO_DATA */
	size_t data_len;

	bool level_prefix;           /* SyslogLevelPrefix=, default yes */
	unsigned level;              /* SyslogLevel=, default 6 (info) */
	unsigned level_max;          /* LogLevelMax=, default 7 (debug) */
	char *identifier;            /* SyslogIdentifier=: its name on the console */
	bool rate_set;               /* one of the two was given: else there is no limit */
	uint64_t rate_interval_usec; /* LogRateLimitIntervalSec=, default 30 s */
	unsigned rate_burst;         /* LogRateLimitBurst=, default 10000 */

	/* [X-Hakim] */
	bool forward;          /* LogForward=: also to the console */
	bool compress;         /* LogCompress=zstd: the old files */
	uint64_t rotate_usec;  /* LogRotateSec=, 0: not by age */
	uint64_t max_age_usec; /* LogMaxAgeSec= of old files, 0: no limit */
};

void unit_log_init(struct unit_log *log);
void unit_log_free(struct unit_log *log);
/* Does its stderr have a pipe of its own? */
bool unit_log_splits(const struct unit_log *log);
