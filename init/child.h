/*
 * child.h - what every child of PID 1 needs between fork and exec.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

struct init;

/*
 * The kernel's own call: musl's and glibc's sigset functions leave out two or three real-time
 * signals, and all 64 matter here. `set` and `old` are 64-bit masks, bit n-1 for signal n; either
 * may be NULL.
 */
int signal_mask_set(const uint64_t *set, uint64_t *old);
/* Which signals are ignored now, as a mask. */
uint64_t signal_ignored(void);

/* fork(); in the child: signals and ignored set as we were given them; RLIMIT_NOFILE is the
 * caller's to set. Negative errno on failure. */
pid_t child_fork(struct init *init);
