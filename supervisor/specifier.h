/*
 * specifier.h - the %-specifiers of systemd.unit(5), in the subset that depends on the unit's name
 * and on fixed paths only. Those that ask the system (%h, %u, %H …) are an error: never another
 * meaning.
 */
#pragma once

#include "common/err.h"

/* *out is a new string; with `unit_name` NULL a copy of `text`. */
int specifier_expand(const char *text, const char *unit_name, char **out, struct err *err);
