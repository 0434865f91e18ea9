/*
 * text_buf.h - a text that grows by formatted lines: the state, which is written anew after each
 * event and has some ten lines a service. libc's printf takes most of the time of that; this one
 * knows %s, %.*s, %d, %u, %llu and %% alone, and the compiler checks the arguments as it does for
 * the other.
 *
 * Its pages are of no use to a child, and a clone does not copy them.
 */
#pragma once

#include <stddef.h>

struct text_buf {
	char *v; /* not NUL-terminated; NULL: nothing yet */
	size_t len, room;
};

/* Adds all of it or, for lack of memory, nothing: 0 or -ENOMEM. -EINVAL: another conversion. */
int text_add(struct text_buf *text, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void text_free(struct text_buf *text);
