/*
 * plain.h - only an init: runs one program, forwards signals to it, reaps, and ends with its
 * status.
 */
#pragma once

#include "init/options.h"

/* Returns the exit status. */
int plain_main(const struct options *options);
