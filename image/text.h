/*
 * text.h - small things about strings that come from elsewhere.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Copies `from` where it fits with its NUL. False: it does not, and `to` is "". */
bool text_set(char *to, size_t size, const char *from);

/* In place: what a terminal would obey becomes "?": control characters, also the 8-bit ones (C1:
 * U+009B is ESC [), whether as UTF-8 or as a byte that is none. */
void text_clean(char *text, size_t len);

/* The first bytes of `from` for an error, by text_clean(), and what does not fit becomes "...".
 * Returns `to`. */
const char *text_quote(char *to, size_t size, const char *from, size_t len);

/* Lower case, of ASCII only and whatever the locale. */
void text_lower(char *text);
