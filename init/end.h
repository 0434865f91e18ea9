/*
 * end.h - carries out what the stop machine decides.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "init/stop.h"

struct init;

/* Feeds an event to the stop machine and carries out its actions. */
void end_event(struct init *init, enum stop_event event);
/* Looks whether a phase is over: time, nothing left. Called after each wake-up while a stop is
 * under way. */
void end_check(struct init *init);
/* When end_check wants to be called next (CLOCK_MONOTONIC); 0: never. */
uint64_t end_next_ns(const struct init *init);
/* HAKIM_STOP_TIMEOUT ("30", "30s", "2min", "1500ms") or the place's limit; nanoseconds. */
uint64_t end_limit_ns(const char *text, uint64_t fallback);
