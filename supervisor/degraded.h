/*
 * degraded.h - what a running service does without, because this container forbids it, as
 * sentences of its status. Reads the board only.
 */
#pragma once

#include "common/json.h"
#include "supervisor/manager.h"

/* Adds a string each to the array that is open. */
void degraded_report(const struct service *s, struct json *j);
