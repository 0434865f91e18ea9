/*
 * timeline.h - the last start of each unit, on one scale from PID 1's start on, and the chain of
 * units that the last one had to wait for. Pure.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Microseconds since PID 1's start; -1: it has not happened. They never go back in a row. */
struct timeline_row {
	const char *name; /* belongs to the JSON; not cleaned */
	int64_t queued;   /* it was to start, and waited for others */
	int64_t started;  /* its first command */
	int64_t exec;     /* its main process */
	int64_t finished; /* ready, or ended, or failed */
	bool failed;
	bool restarted;      /* the times are those of a later start than the boot's */
	bool chain;          /* on the critical chain */
	const json_t *after; /* array of names, or NULL */
};

struct timeline {
	struct timeline_row *v; /* in the order of their starts; owned */
	size_t n;
	int64_t setup; /* PID 1's set-up was done; -1 */
	int64_t end;   /* the last thing that is shown; at least 1 */
};

/* From the packets of `status`, of which the manager's comes first. 0 or -ENOMEM. Units that never
 * started are left out. */
int timeline_read(const json_t *packets, struct timeline *timeline);
void timeline_free(struct timeline *timeline);
/* The step of a scale: 1, 2 or 5 times a power of ten, so that there are at most `most` of them. */
int64_t timeline_step(int64_t end, unsigned most);
