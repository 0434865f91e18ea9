/*
 * program.h - the foreground program: what the container was started for. PID 1 forks it itself,
 * because only so can it have the terminal.
 */
#pragma once

#include <sys/types.h>

struct init;

/* Finds out whether there is a terminal to give, and whether the program is the coder user's login
 * shell. */
void program_prepare(struct init *init, char **argv);
/* Starts it. A failure to fork ends as exit status 126 would: the caller sees program_ended. */
void program_start(struct init *init);
/* It was stopped by a signal: ^Z with nobody who could continue it. */
void program_stopped(struct init *init, int sig);
/* Its end, as of wait4(2). */
void program_reaped(struct init *init, int status);
/* Asks it to end: SIGTERM, and on a terminal SIGHUP too, because interactive shells ignore SIGTERM.
 */
void program_stop(struct init *init);
