/*
 * table.h - a table in columns that fits the terminal: what cannot be wider is cut in the last
 * column, and where even that is too narrow, columns are left out in the order that they say. Knows
 * nothing of units.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "supervisor/ctl/show.h"

#define TABLE_COLUMNS 12

struct table_column {
	const char *header;
	bool right;    /* numbers */
	unsigned drop; /* which goes first where the terminal is narrow: 1, then 2 …; 0 stays */
};

struct table_cell {
	char *text; /* cleaned; owned */
	enum style style;
};

struct table {
	const struct table_column *columns;
	size_t n_columns;         /* at most TABLE_COLUMNS */
	struct table_cell *cells; /* row by row */
	size_t n_cells;
	bool no_memory; /* remembered: table_print() says it */
};

/* Appends the next cell, row by row; the text is cleaned here, and NULL or "" is "-". */
void table_add(struct table *table, const struct look *look, enum style style, const char *text);
/* Returns 0 or -ENOMEM. */
int table_print(const struct table *table, const struct look *look, FILE *out);
void table_free(struct table *table);
