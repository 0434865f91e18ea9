/*
 * reap.h - reaps every child, and writes the end of a listed one onto the board.
 */
#pragma once

#include <stdbool.h>

struct init;

/* Reaps what is there, at most a few thousand at a time. True when there may be more. */
bool reap_all(struct init *init);
