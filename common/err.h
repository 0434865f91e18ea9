/*
 * err.h - the error object of the house.
 *
 * A function that can fail returns 0 (or a count) or a negative errno, and takes a trailing `struct
 * err *` which it fills with ONE sentence for a person: what failed, on what, why, and where it
 * helps what to do. The caller may pass NULL. Nothing here allocates; nothing here prints.
 */
#pragma once

#include <stdarg.h>

#define ERR_TEXT_MAX 512

struct err {
	int code; /* negative errno, 0 when nothing was filled in */
	char text[ERR_TEXT_MAX];
};

/* Fills *err (if any) and returns `code` (a negative errno), so that `return err_set(…)` reads
 * well. */
int err_set(struct err *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4), cold));

/* The same, with ": " and the text of errno `-code` behind the sentence. */
int err_sys(struct err *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4), cold));

/* Puts "context: " before what *err says already. Returns err->code. */
int err_prefix(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3), cold));
