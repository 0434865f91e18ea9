/*
 * policy.h - when to start the supervisor again, and how. Pure: times in, a decision out.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* How the supervisor ended. */
enum supervise_end {
	SUPERVISE_CRASHED = 0, /* by itself: a signal such as SIGSEGV, or any exit status */
	SUPERVISE_HUNG,        /* we killed it because a wake-up was unread */
	SUPERVISE_KILLED,      /* SIGKILL from elsewhere: no sign of a fault of its own */
	SUPERVISE_ON_PURPOSE,  /* hakimctl reexec */
};

#define SUPERVISE_WINDOW 5 /* this many crashes within ten seconds are one level worse */

struct supervise_history {
	uint64_t crash_ns[SUPERVISE_WINDOW]; /* the last crashes, a ring */
	unsigned next;
	unsigned level; /* 0: as usual, 1: without the old state, 2: we drain the logs and try on */
	unsigned in_row; /* ends since it last said READY and lived 10 s */
};

struct supervise_decision {
	uint64_t delay_ns;
	bool fresh; /* start without the old state */
	bool drain; /* read the log pipes away until one says READY */
};

/* `lived_ns`: how long the one that ended had been ready; 0 if it never was. */
struct supervise_decision supervise_next(struct supervise_history *history, enum supervise_end end,
					 uint64_t now_ns, uint64_t lived_ns);
