/*
 * when.h - a point in time as a person writes it, for `hakimctl logs --since`. Pure, but for the
 * local time zone. The words are systemd's (systemd.time(7)).
 *
 *	2026-11-25, 2026-11-25 10:00, 2026-11-25 10:00:30, 10:00, 10:00:30    local time
 *	2026-11-25T10:00:30.123456Z                                           as in a log: UTC
 *	now, today, yesterday, tomorrow                                       the last three: its
 *midnight -1h, "10 min ago", "1h 30min ago", +5s                                from now
 *	@1764000000                                                           since 1970
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

#define WHEN_UNKNOWN (-1)

/* The time of a line of a log (docs/logs.md), in microseconds since 1970; WHEN_UNKNOWN: the line
 * has no stamp. */
int64_t when_of_line(const char *line, size_t len);
/* Microseconds since 1970, into *us. -EINVAL and a sentence: it is no time. */
int when_parse(const char *text, int64_t now_us, int64_t *us, struct err *err);
