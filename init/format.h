/*
 * format.h - the little of printf(3) that PID 1's sentences need: the C library's own would be a
 * tenth of the whole program, for numbers with a point that nobody prints here.
 *
 * %s (also %.Ns and %.*s), %c, %d, %u, %x (also %02x), with l and ll; %%. Nothing else.
 */
#pragma once

#include <stdarg.h>
#include <stddef.h>

/* Writes a NUL behind and cuts what does not fit; returns the length that it would have. */
size_t format_text(char *buf, size_t size, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
size_t format_list(char *buf, size_t size, const char *fmt, va_list args)
	__attribute__((format(printf, 3, 0)));
