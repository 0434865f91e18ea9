/*
 * forward.h - what a signal that an only init has got means for its program. Pure.
 */
#pragma once

#include <stdbool.h>

#include "init/options.h"

/* What the program gets; 0: nothing. */
int forward_as(const struct plain_options *how, int sig);
/* Whether we stop with the program: a shell that said ^Z to a dumb-init waits for that. */
bool forward_suspends(const struct plain_options *how, int sig);
/* Our exit code for an end as of wait4(2). */
int forward_exit_code(const struct plain_options *how, int status);
/* Our exit code when the program cannot be run, by errno. */
int forward_exec_code(const struct plain_options *how, int error);
