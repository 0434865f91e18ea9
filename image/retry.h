/*
 * retry.h - whether a failure is worth another attempt, and how long to wait before it. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* No registry is waited for longer than this within a run, in seconds. */
#define RETRY_AFTER_MAX 120

/* Whether an answer of this HTTP status may be another one next time: 408, 429, 5xx but 501. */
bool retry_status(long status);

/* The seconds of a Retry-After header: a number or a date (`now` is the time of the clock). A
 * second at least, and rounded up; -1 for what is neither. GHCR says "880.092µs": that is a second.
 */
int64_t retry_after(const char *value, int64_t now);

/* How many milliseconds to wait before attempt `attempt` (from 1): twice as long each time, up to
 * half a minute, with up to a quarter of jitter from `random`; and not shorter than what the
 * registry asked for (`after` seconds, or -1). */
unsigned retry_wait(unsigned attempt, int64_t after, uint32_t random);
