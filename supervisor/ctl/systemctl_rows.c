#include "supervisor/ctl/systemctl_rows.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"

int rows_add(struct rows *rows, const char *const *cells)
{
	char *(*grown)[ROWS_COLUMNS] = reallocarray(rows->v, rows->n + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	rows->v = grown;
	memset(grown[rows->n], 0, sizeof(grown[0]));
	rows->n++;
	for (size_t k = 0; k < rows->n_columns; k++) {
		grown[rows->n - 1][k] = show_clean(cells[k] ? cells[k] : "", rows->look, false);
		if (!grown[rows->n - 1][k])
			return -ENOMEM;
	}
	return 0;
}

static void print_json(const struct rows *rows)
{
	json_t *list = json_array();

	for (size_t i = 0; i < rows->n; i++) {
		json_t *row = json_object();

		for (size_t k = 0; k < rows->n_columns; k++)
			json_object_set_new(row, rows->columns[k].key,
					    json_pack("s", rows->v[i][k]));
		json_array_append_new(list, row);
	}
	json_dumpf(list, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(list);
}

static void print_line(const struct rows *rows, const char *const *cells, const int *width)
{
	for (size_t k = 0; k < rows->n_columns; k++)
		printf("%*s%c", k + 1 < rows->n_columns ? -width[k] : 0, cells[k],
		       k + 1 < rows->n_columns ? ' ' : '\n');
}

void rows_print(const struct rows *rows)
{
	const char *heads[ROWS_COLUMNS] = {0};
	int width[ROWS_COLUMNS] = {0};

	if (rows->json) {
		print_json(rows);
		return;
	}
	for (size_t k = 0; k < rows->n_columns; k++) {
		heads[k] = rows->columns[k].head;
		width[k] = rows->no_legend ? 0 : (int)strlen(heads[k]);
		for (size_t i = 0; i < rows->n; i++) {
			int len = (int)strlen(rows->v[i][k]);

			width[k] = len > width[k] ? len : width[k];
		}
	}
	if (!rows->no_legend)
		print_line(rows, heads, width);
	for (size_t i = 0; i < rows->n; i++)
		print_line(rows, (const char *const *)rows->v[i], width);
}

void rows_free(struct rows *rows)
{
	for (size_t i = 0; i < rows->n; i++)
		for (size_t k = 0; k < ROWS_COLUMNS; k++)
			free(rows->v[i][k]);
	free(rows->v);
	rows->v = NULL;
	rows->n = 0;
}
