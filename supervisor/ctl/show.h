/*
 * show.h - what people see: spans of time, sizes, and text from elsewhere made harmless for a
 * terminal. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* What the output can show. */
struct look {
	bool color;
	bool utf8; /* the locale says so: "●" and names in any script */
	bool terminal;
	size_t width; /* in columns; 0: no limit */
};

/* Of stdout: a terminal? NO_COLOR (no-color.org), TERM, COLUMNS, the locale. Calls setlocale(). */
struct look look_of_stdout(void);

enum style {
	STYLE_PLAIN = 0,
	STYLE_BOLD,
	STYLE_DIM,
	STYLE_GOOD, /* green */
	STYLE_BUSY, /* yellow */
	STYLE_BAD,  /* red */
	STYLES,
};

/* Writes text in a style; without colours just the text. */
void style_put(FILE *out, const struct look *look, enum style style, const char *text);

#define SHOW_SPAN 24

/* "48 ms", "3.24 s", "12.3 s", "3m 12s", "2h 5m", "4d 3h"; "-" for less than nothing. Returns buf.
 */
const char *show_span(char buf[static SHOW_SPAN], int64_t us);
/* The same for what goes on: whole seconds, "0s", "12s", "3m 12s". */
const char *show_age(char buf[static SHOW_SPAN], int64_t us);
/* "512B", "12.3K", "123M"; "-" for less than nothing. */
const char *show_size(char buf[static SHOW_SPAN], int64_t bytes);
/* "2026-11-24 03:07:08 UTC", in the local time zone; "-" if there is no such time. */
#define SHOW_TIME 64
const char *show_time(char buf[static SHOW_TIME], int64_t realtime_us);

/*
 * A copy of `text`, owned by the caller, that does nothing to a terminal: control characters (also
 * those of C1, and what turns the direction of writing), and what is no UTF-8 or cannot be shown,
 * become "?"; end of line and, unless `keep_tabs`, tab become a blank. NULL on a lack of memory.
 */
char *show_clean(const char *text, const struct look *look, bool keep_tabs);
/* How many columns a cleaned text takes. */
size_t show_width(const char *clean, const struct look *look);
/* A copy of a cleaned text, of at most `width` columns, with "…" (or "...") at its end if something
 * is missing. */
char *show_cut(const char *clean, size_t width, const struct look *look);
