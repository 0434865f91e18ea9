/*
 * pace.h - a limit of bytes per second, as the moment when what was taken is paid for. Pure.
 *
 * libcurl's own (CURLOPT_MAX_RECV_SPEED_LARGE) is one for each connection, and over a fast network
 * lets megabytes pass before it looks.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pace {
	uint64_t limit; /* bytes per second; 0: none */
	uint64_t due;   /* microseconds, of whatever clock `now` is; 0: nothing was taken yet */
};

/* Whether so much was taken that it is time to wait: not for each piece, as that is slow. */
bool pace_ahead(const struct pace *pace, uint64_t now);
/* Until all is paid for, in microseconds; 0: it is. */
uint64_t pace_wait(const struct pace *pace, uint64_t now);
/* So many bytes were taken. Time that went by unused is made up for, but only a little. */
void pace_take(struct pace *pace, uint64_t now, size_t len);
