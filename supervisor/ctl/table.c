#include "supervisor/ctl/table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"

#define GAP    2
#define INDENT 2
#define LAST_LEAST \
	16 /* columns that the last one should have before another one is left out for it */

struct layout {
	size_t width[TABLE_COLUMNS]; /* as shown */
	bool shown[TABLE_COLUMNS];
};

void table_add(struct table *table, const struct look *look, enum style style, const char *text)
{
	struct table_cell *grown =
		reallocarray(table->cells, table->n_cells + 1, sizeof(*table->cells));
	char *clean = show_clean(text && *text ? text : "-", look, false);

	if (grown)
		table->cells = grown;
	if (!grown || !clean) {
		free(clean);
		table->no_memory = true;
		return;
	}
	grown[table->n_cells++] = (struct table_cell){.text = clean, .style = style};
}

/* The columns before the last one take so much, gaps and all. */
static size_t width_before_last(const struct table *table, const struct layout *l)
{
	size_t width = INDENT;

	for (size_t c = 0; c + 1 < table->n_columns; c++)
		if (l->shown[c])
			width += l->width[c] + GAP;
	return width;
}

/* The shown column that is to go first, or n_columns. */
static size_t next_to_drop(const struct table *table, const struct layout *l)
{
	size_t found = table->n_columns;

	for (size_t c = 0; c + 1 < table->n_columns; c++) {
		if (!l->shown[c] || table->columns[c].drop == 0)
			continue;
		if (found == table->n_columns ||
		    table->columns[c].drop < table->columns[found].drop)
			found = c;
	}
	return found;
}

static void lay_out(const struct table *table, const struct look *look, struct layout *l)
{
	size_t last = table->n_columns - 1, before, want;

	for (size_t c = 0; c < table->n_columns; c++) {
		l->width[c] = show_width(table->columns[c].header, look);
		l->shown[c] = true;
	}
	for (size_t i = 0; i < table->n_cells; i++) {
		size_t width = show_width(table->cells[i].text, look);

		if (width > l->width[i % table->n_columns])
			l->width[i % table->n_columns] = width;
	}
	if (!look->width)
		return;
	want = l->width[last] < LAST_LEAST ? l->width[last] : LAST_LEAST;
	while ((before = width_before_last(table, l)) + want > look->width) {
		size_t c = next_to_drop(table, l);

		if (c == table->n_columns)
			break;
		l->shown[c] = false;
	}
	if (before + l->width[last] > look->width)
		l->width[last] = look->width > before ? look->width - before : 1;
}

static void pad(FILE *out, size_t n)
{
	fprintf(out, "%*s", (int)n, "");
}

static int print_cell(const struct table *table, const struct layout *l, size_t c,
		      const struct table_cell *cell, const struct look *look, FILE *out)
{
	_cleanup_free_ char *cut = show_cut(cell->text, l->width[c], look);
	size_t room;

	if (!cut)
		return -ENOMEM;
	room = l->width[c] - show_width(cut, look);
	if (table->columns[c].right)
		pad(out, room);
	style_put(out, look, cell->style, cut);
	/* No blanks at the end of a line. */
	if (c + 1 == table->n_columns)
		return 0;
	pad(out, (table->columns[c].right ? 0 : room) + GAP);
	return 0;
}

static int print_row(const struct table *table, const struct layout *l,
		     const struct table_cell *row, const struct look *look, FILE *out)
{
	int r = 0;

	pad(out, INDENT);
	for (size_t c = 0; c < table->n_columns && r == 0; c++) {
		struct table_cell header = {(char *)table->columns[c].header, STYLE_DIM};

		if (l->shown[c])
			r = print_cell(table, l, c, row ? &row[c] : &header, look, out);
	}
	fputc('\n', out);
	return r;
}

int table_print(const struct table *table, const struct look *look, FILE *out)
{
	struct layout l = {0};
	int r;

	if (table->no_memory || table->n_cells % table->n_columns)
		return -ENOMEM;
	lay_out(table, look, &l);
	r = print_row(table, &l, NULL, look, out);
	for (size_t i = 0; i < table->n_cells && r == 0; i += table->n_columns)
		r = print_row(table, &l, table->cells + i, look, out);
	return r;
}

void table_free(struct table *table)
{
	for (size_t i = 0; i < table->n_cells; i++)
		free(table->cells[i].text);
	free(table->cells);
	table->cells = NULL;
	table->n_cells = 0;
}
