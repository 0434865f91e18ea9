/*
 * progress.h - how far a fetch is: what its events add up to, and the lines that say so.
 *
 * progress.c is pure: no clock, no terminal, no allocation. Time is handed in, in milliseconds.
 * progress_draw.c puts the lines on a terminal, in place, and takes them away again.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "image/fetch.h"

#define PROGRESS_LAYERS   32  /* that are kept in mind: more than are in flight ever */
#define PROGRESS_LINES    6   /* that are drawn, with the total */
#define PROGRESS_LINE_MAX 256 /* bytes of one, with its colours */
#define PROGRESS_NAME     12  /* of a digest's digits */

enum progress_state {
	PROGRESS_FETCHING = 0,
	PROGRESS_COPYING,   /* from a template that is there */
	PROGRESS_VERIFYING, /* read back and hashed, or unpacked */
	PROGRESS_DONE,
	PROGRESS_COPIED,
};

struct progress_layer {
	char name[PROGRESS_NAME + 1];
	enum progress_state state;
	uint64_t done, size;
	int64_t ended_ms;
};

struct progress {
	struct progress_layer layers[PROGRESS_LAYERS]; /* the newest last */
	size_t n;
	uint64_t all_done, total;
	bool counting;        /* the first byte came from the registry: */
	int64_t began_ms;     /* when */
	uint64_t began_bytes; /* and what was there already */
};

/* What the terminal is now. */
struct progress_look {
	unsigned columns, rows;
	bool utf8, colour;
};

/* Takes an event of a fetch; one that is not about bytes changes nothing. True: a layer began, or
 * is now in another state. */
bool progress_take(struct progress *progress, const struct fetch_event *event, int64_t now);
/* Bytes a second since the first came from the registry; 0: not known. */
double progress_rate(const struct progress *progress, int64_t now);

/* "1.5 of 3.0 MiB, 0.5 MiB/s, 3 s left": what is not known is left out. */
void progress_sum(const struct progress *progress, int64_t now, char *to, size_t size);

/* The lines for a terminal, none as wide as it: those in flight and what has just ended, and at the
 * end the total. Returns how many. */
size_t progress_lines(const struct progress *progress, const struct progress_look *look,
		      int64_t now, char lines[PROGRESS_LINES][PROGRESS_LINE_MAX]);

/* ---- progress_draw.c ---- */

/* Whether stderr is a terminal whose cursor can be moved. */
bool progress_can_draw(void);
/* Draws over what was drawn; `drawn` is how many lines stand there, and starts at 0. */
void progress_draw(const struct progress *progress, int64_t now, size_t *drawn);
/* Takes the lines away: the cursor is where it was before the first. */
void progress_clear(size_t *drawn);
