/*
 * progress.h - what a person is told: one line on stderr for an event, and the status of the unit
 * by sd_notify(3)'s protocol.
 *
 * It never blocks on the supervisor and never fails: nobody listening is fine. No secret may be
 * given to it.
 */
#pragma once

#include <stdint.h>

#include "common/notify.h"

struct progress {
	struct notify notify;
	uint64_t last_ms;
};

/* Takes NOTIFY_SOCKET (a path or "@abstract"); must be called by the process that the supervisor
 * started. */
void progress_open(struct progress *progress);
/* An event: a line on stderr, and the status. */
void progress_say(struct progress *progress, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* The status only, and at most four times a second. */
void progress_show(struct progress *progress, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void progress_close(struct progress *progress);
