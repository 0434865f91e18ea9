/*
 * systemctl_rows.h - a table as systemctl(1) prints it: never cut, so that scripts can; or the same
 * as JSON. Knows nothing of units.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "supervisor/ctl/show.h"

#define ROWS_COLUMNS 6

struct rows_column {
	const char *head; /* "UNIT FILE" */
	const char *key;  /* of JSON: "unit_file" */
};

struct rows {
	const struct rows_column *columns;
	size_t n_columns; /* at most ROWS_COLUMNS */
	const struct look *look;
	bool json, no_legend;
	char *(*v)[ROWS_COLUMNS];
	size_t n;
};

/* One more line, of n_columns texts; NULL is an empty one. 0 or -ENOMEM. */
int rows_add(struct rows *rows, const char *const *cells);
/* On stdout: the heads unless there is no legend, and the lines. As JSON an array of objects. */
void rows_print(const struct rows *rows);
void rows_free(struct rows *rows);
