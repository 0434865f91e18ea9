/*
 * setup.h - the short set-up child: what an unprivileged LXC container lacks before anything else
 * can run (quirk.h). It is a child under a deadline, because a mount can hang; PID 1 itself never
 * mounts.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

struct init;

/* Finds the place (init->place) and runs the early quirks, in a child, and waits for it, at most
 * two seconds; what failed becomes a note on the board. */
void setup_run(struct init *init);
