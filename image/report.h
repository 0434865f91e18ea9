/*
 * report.h - what a run says: outcomes on standard output, progress on standard error, or all of it
 * as JSON on standard output, one event a line.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "image/fetch.h"
#include "image/progress.h"

struct report {
	bool json, quiet;
	bool terminal;      /* stderr is one on which lines can be drawn in place */
	const char *node;   /* said with each line, where there are several; else NULL */
	const char *target; /* what is being pulled */
	int64_t began_ms, told_ms;
	struct progress progress; /* of what is being pulled */
	size_t drawn;             /* lines of it that stand on the terminal */
};

void report_start(struct report *report, bool json, bool quiet);

/* A sentence of progress; left out when quiet. */
void report_say(struct report *report, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* A warning: never left out. */
void report_warn(struct report *report, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

void report_begin(struct report *report, const char *target, const char *volid, const char *way);
void report_skipped(struct report *report, const char *volid, const char *why);
void report_would(struct report *report, const char *target, const char *volid, const char *way);
/* `result` is NULL where the node pulled. */
void report_pulled(struct report *report, const char *volid, const char *digest,
		   const struct fetch_result *result);
void report_failed(struct report *report, const char *target, const struct err *err);
void report_done(struct report *report, unsigned pulled, unsigned skipped, unsigned failed);

/* A fetch_event_fn; `arg` is the report. */
void report_fetch(void *arg, const struct fetch_event *event);
