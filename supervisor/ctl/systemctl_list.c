/*
 * systemctl_list.c - `systemctl list-units` and `list-unit-files`: one unit a line, in columns that
 * scripts cut.
 */
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "supervisor/ctl/systemctl.h"
#include "supervisor/ctl/systemctl_file.h"

#define COLUMNS 5

/* A table of text: systemctl's, which is not cut where it is no terminal. */
struct rows {
	char *(*v)[COLUMNS];
	size_t n;
};

static void rows_free(struct rows *rows)
{
	for (size_t i = 0; i < rows->n; i++)
		for (size_t k = 0; k < COLUMNS; k++)
			free(rows->v[i][k]);
	free(rows->v);
}

static int rows_add(struct rows *rows, const struct look *look, const char *const *cells, size_t n)
{
	char *(*grown)[COLUMNS] = reallocarray(rows->v, rows->n + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	rows->v = grown;
	memset(grown[rows->n], 0, sizeof(grown[0]));
	rows->n++;
	for (size_t k = 0; k < n; k++) {
		grown[rows->n - 1][k] = show_clean(cells[k] ? cells[k] : "", look, false);
		if (!grown[rows->n - 1][k])
			return -ENOMEM;
	}
	return 0;
}

static void rows_print(const struct rows *rows, size_t n_columns)
{
	int width[COLUMNS] = {0};

	for (size_t i = 0; i < rows->n; i++)
		for (size_t k = 0; k < n_columns; k++) {
			int len = (int)strlen(rows->v[i][k]);

			width[k] = len > width[k] ? len : width[k];
		}
	for (size_t i = 0; i < rows->n; i++)
		for (size_t k = 0; k < n_columns; k++)
			printf("%*s%c", k + 1 < n_columns ? -width[k] : 0, rows->v[i][k],
			       k + 1 < n_columns ? ' ' : '\n');
}

/* Of --type and --state, and the words: any of each is enough; none given: all are. */
static bool wants_type(const struct systemctl *s, const char *name)
{
	const char *dot = strrchr(name, '.');

	if (strcmp(s->verb->name, "list-sockets") == 0)
		return dot && strcmp(dot, ".socket") == 0;
	return !s->options->types.n || (dot && strv_has(&s->options->types, dot + 1));
}

static bool wants_name(const struct systemctl *s, const char *name)
{
	char whole[SC_NAME];

	for (size_t i = 0; i < s->n_names; i++) {
		sc_name(s, s->names[i], whole);
		if (fnmatch(s->names[i], name, 0) == 0 || fnmatch(whole, name, 0) == 0)
			return true;
	}
	return s->n_names == 0;
}

static bool wants_unit(const struct systemctl *s, const struct unit_view *u)
{
	const struct systemctl_options *o = s->options;
	bool failed = strcmp(u->active, "failed") == 0;

	if (strncmp(u->name, "user:", 5) == 0 ? !o->user : o->user)
		return false;
	if (!wants_type(s, u->name) || !wants_name(s, u->name) || (o->failed && !failed))
		return false;
	if (o->states.n)
		return strv_has(&o->states, u->active) || strv_has(&o->states, u->sub) ||
		       strv_has(&o->states, "loaded");
	return o->all || s->n_names || strcmp(u->active, "inactive") != 0;
}

int sc_list_units(struct systemctl *s)
{
	static const char *const words[] = {"status"};
	static const char *const heads[COLUMNS] = {"UNIT", "LOAD", "ACTIVE", "SUB", "DESCRIPTION"};
	_cleanup_(reply_free) struct reply reply = {0};
	_cleanup_(rows_free) struct rows rows = {0};
	struct err err = {0};
	json_t *packet;
	size_t n;
	int r = client_ask_once(words, 1, CLIENT_TIMEOUT_MS, &reply, &err);

	if (r < 0)
		return sc_complain(SC_FAILED, "Failed to list units: %s", err.text);
	if (!s->options->no_legend)
		r = rows_add(&rows, &s->look, heads, COLUMNS);
	n = rows.n;
	for (size_t i = 0; r >= 0 && (packet = json_array_get(reply.packets, i)); i++) {
		struct unit_view u = view_unit(packet);

		if (u.name && u.active && u.sub && wants_unit(s, &u))
			r = rows_add(
				&rows, &s->look,
				(const char *[]){u.name, "loaded", u.active, u.sub, u.description},
				COLUMNS);
	}
	if (r < 0)
		return sc_complain(SC_FAILED, "there is not enough memory");
	rows_print(&rows, COLUMNS);
	if (!s->options->no_legend)
		printf("\n%zu loaded units listed.%s\n", rows.n - n,
		       s->options->all ? "" : " Pass --all to see inactive units, too.");
	return SC_OK;
}

int sc_list_unit_files(struct systemctl *s)
{
	static const char *const heads[] = {"UNIT FILE", "STATE", "PRESET"};
	_cleanup_(strv_free) struct strv names = {0}, words = {0};
	_cleanup_(rows_free) struct rows rows = {0};
	const struct strv *states = &s->options->states;
	size_t n;
	int r = sc_file_list(s->options->user, &names, &words);

	if (r == 0 && !s->options->no_legend)
		r = rows_add(&rows, &s->look, heads, ARRAY_LEN(heads));
	n = rows.n;
	for (size_t i = 0; i < names.n && r >= 0; i++) {
		const char *cells[] = {names.v[i], words.v[i], "-"};

		if (!wants_type(s, names.v[i]) || !wants_name(s, names.v[i]) ||
		    (states->n && !strv_has(states, words.v[i])))
			continue;
		r = rows_add(&rows, &s->look, cells, ARRAY_LEN(cells));
	}
	if (r < 0)
		return sc_complain(SC_FAILED, "there is not enough memory");
	rows_print(&rows, ARRAY_LEN(heads));
	if (!s->options->no_legend)
		printf("\n%zu unit files listed.\n", rows.n - n);
	return rows.n > n || !s->n_names ? SC_OK : SC_FAILED;
}
