/*
 * plain_words.h - what an only init says of its work: nothing much, unless it is asked to (-v). All
 * of it goes to standard error, so that it is never in the middle of a program's output, and never
 * blocks (console.h). What others look for in tini's and dumb-init's messages is in ours.
 */
#pragma once

#include "init/console.h"
#include "init/options.h"

enum plain_event {
	PLAIN_CANNOT_RUN = 0, /* text: the program; more: why */
	PLAIN_CANNOT_FORK,    /* more: why */
	PLAIN_NO_REAPER,      /* neither PID 1 nor a subreaper */
	PLAIN_DETACHED,       /* we have given up our terminal */
	PLAIN_NO_TERMINAL,    /* there is none to hand on; more: why */
	PLAIN_SESSION,        /* the child has a session of its own */
	PLAIN_SPAWNED,        /* a: pid */
	PLAIN_SIGNAL,         /* a: its number */
	PLAIN_CHILD,          /* SIGCHLD has come; a: its number */
	PLAIN_REWRITTEN,      /* a becomes b */
	PLAIN_DROPPED,        /* a is not passed on */
	PLAIN_PASSED,         /* a was passed on */
	PLAIN_REFUSED,        /* a could not be; more: why */
	PLAIN_HANDED,         /* a comes of giving up the terminal, and means nothing */
	PLAIN_SUSPEND,        /* we stop ourselves, too */
	PLAIN_EXITED,         /* pid a, exit code b */
	PLAIN_KILLED,         /* pid a, signal b */
	PLAIN_ORPHAN,         /* pid a was reaped, and somebody wants to know it */
	PLAIN_END,            /* a: our exit code */
	PLAIN_EVENTS,
};

struct plain_voice {
	const struct plain_options *how;
	struct console console; /* opened when something is said the first time */
	bool opened;
};

void plain_say(struct plain_voice *voice, enum plain_event event, int a, int b);
void plain_say_text(struct plain_voice *voice, enum plain_event event, const char *text,
		    const char *more);
