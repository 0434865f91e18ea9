/*
 * specifier.h - the %-specifiers of systemd.unit(5). %y and %Y are the loader's (directive.c),
 * which knows the file. What cannot be had is an error: never another meaning.
 */
#pragma once

#include "common/err.h"

/* *out is a new string; with `unit_name` NULL a copy of `text`. */
int specifier_expand(const char *text, const char *unit_name, char **out, struct err *err);
