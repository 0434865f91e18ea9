/*
 * stop.h - the end of the container as a state machine: phase × event → phase and actions. Pure.
 */
#pragma once

#include <stdbool.h>

enum stop_phase {
	STOP_NONE = 0, /* running */
	STOP_ORDERED,  /* the supervisor stops services in order, the program has got its signal */
	STOP_TERM,     /* SIGTERM to all that is left */
	STOP_KILL,     /* SIGKILL to all that is left */
	STOP_DONE,     /* exit */
	STOP_PHASES,
};

enum stop_event {
	STOP_EVENT_REQUEST = 0,   /* a stop signal, or hakimctl shutdown */
	STOP_EVENT_PROGRAM_ENDED, /* the foreground program has ended */
	STOP_EVENT_ORDERED_DONE,  /* supervisor stopped all, and the program has ended: nothing left
				     to wait for */
	STOP_EVENT_LOST,          /* no supervisor will come that could stop in order */
	STOP_EVENT_TIMEOUT,       /* the phase's time is up */
	STOP_EVENT_EMPTY,         /* no process but us is left */
	STOP_EVENTS,
};

/* Actions, as bits. */
enum stop_action {
	STOP_ACT_TELL = 1u << 0, /* put REQUEST_STOP on the board and wake the supervisor */
	STOP_ACT_PROGRAM =
		1u << 1, /* SIGTERM (and on a terminal SIGHUP) to the foreground program */
	STOP_ACT_TERM_ALL = 1u << 2,
	STOP_ACT_KILL_ALL = 1u << 3,
	STOP_ACT_SHORTEN = 1u << 4, /* the whole stop has two more seconds */
	STOP_ACT_LONG_TERM =
		1u << 5, /* nobody stopped in order: SIGTERM gets all the time that is left */
};

enum stop_phase stop_step(enum stop_phase phase, enum stop_event event, unsigned *actions);
