/*
 * plain.h - only an init: runs one program, forwards signals to it, reaps, and ends with its
 * status. As hakim-init --plain and in the place of tini and dumb-init, whose ways differ: who gets
 * which signal (forward.h), what becomes of the terminal, and which signals the program finds
 * blocked and ignored.
 */
#pragma once

#include "init/options.h"

/* Returns the exit status. */
int plain_main(const struct options *options);
