/*
 * text.h - small things about strings that come from elsewhere.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Copies `from` where it fits with its NUL. False: it does not, and `to` is "". */
bool text_set(char *to, size_t size, const char *from);

/* The first bytes of `from` for an error: control characters become "?", and what does not fit
 * becomes "...". Returns `to`. */
const char *text_quote(char *to, size_t size, const char *from, size_t len);

/* Lower case, of ASCII only and whatever the locale. */
void text_lower(char *text);
