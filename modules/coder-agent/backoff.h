/*
 * backoff.h - how long to wait before the next try: 1 s, 2 s, 4 s … 30 s, each a quarter shorter or
 * longer by chance, so that a hundred workspaces do not come back to a restarted server in the same
 * second. Pure: the caller brings the dice.
 */
#pragma once

#include <stdint.h>

#define BACKOFF_FIRST_MS 1000u
#define BACKOFF_MAX_MS   30000u

struct backoff {
	unsigned failures;
};

/* Counts a failure and returns the milliseconds to wait; never more than BACKOFF_MAX_MS. */
uint32_t backoff_next(struct backoff *backoff, uint32_t dice);
