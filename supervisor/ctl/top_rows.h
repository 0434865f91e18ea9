/*
 * top_rows.h - what `hakimctl top` shows, from two answers of `status`: the share of a processor
 * that each unit used between them, and the order of the rows. Pure.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "supervisor/ctl/show.h"
#include "supervisor/ctl/view.h"

enum top_sort {
	TOP_CPU = 0, /* the most first, as are memory and restarts */
	TOP_MEMORY,
	TOP_RESTARTS,
	TOP_NAME,
	TOP_SORTS,
};

struct top_row {
	const char *name; /* belongs to the later answer; not cleaned */
	struct view_state state;
	int64_t cpu;       /* in tenths of a percent of one processor; -1: not known */
	int64_t memory;    /* bytes; -1: nothing runs */
	int64_t tasks;     /* -1: not known */
	int64_t restarts;  /* -1: not known */
	int64_t uptime_us; /* -1: it is not up */
};

struct top {
	struct top_row *v; /* owned */
	size_t n;
	int64_t now_us; /* since the start of PID 1; -1: not known */
};

/* "cpu", "memory" … or their first letters; false: there is none of that name. */
bool top_sort_of(const char *word, enum top_sort *sort);
/* `before` may be NULL: then no share is known. 0 or -ENOMEM. */
int top_read(const json_t *before, const json_t *now, enum top_sort sort, struct top *top);
void top_free(struct top *top);
/* As a table that is no wider than the look; 0 or -ENOMEM. */
int top_put(const struct top *top, const struct look *look, FILE *out);
/* One object, on one line; 0 or -ENOMEM. What the file says is up to the caller. */
int top_put_json(const struct top *top, const struct look *look, FILE *out);
