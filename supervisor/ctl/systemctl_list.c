/*
 * systemctl_list.c - `systemctl list-units`, `list-unit-files`, `list-sockets`: one a line, in
 * columns that scripts cut.
 */
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "supervisor/ctl/systemctl.h"
#include "supervisor/ctl/systemctl_file.h"
#include "supervisor/ctl/systemctl_rows.h"
#include "supervisor/socket.h"

/* Of --type and --state, and the words: any of each is enough; none given: all are. */
static bool wants_type(const struct systemctl *s, const char *name)
{
	const char *dot = strrchr(name, '.');

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

static struct rows rows_of(const struct systemctl *s, const struct rows_column *columns, size_t n)
{
	return (struct rows){.columns = columns,
			     .n_columns = n,
			     .look = &s->look,
			     .json = s->options->json,
			     .no_legend = s->options->no_legend};
}

/* The lines, and how many there are. */
static int finish(const struct systemctl *s, const struct rows *rows, int r, const char *what,
		  const char *more)
{
	if (r < 0)
		return sc_complain(SC_FAILED, "there is not enough memory");
	rows_print(rows);
	if (!rows->no_legend && !rows->json)
		printf("\n%zu %s listed.%s\n", rows->n, what, s->options->all ? "" : more);
	return SC_OK;
}

int sc_list_units(struct systemctl *s)
{
	static const struct rows_column columns[] = {{"UNIT", "unit"},
						     {"LOAD", "load"},
						     {"ACTIVE", "active"},
						     {"SUB", "sub"},
						     {"DESCRIPTION", "description"}};
	static const char *const words[] = {"status"};
	_cleanup_(reply_free) struct reply reply = {0};
	_cleanup_(rows_free) struct rows rows = rows_of(s, columns, ARRAY_LEN(columns));
	struct err err = {0};
	json_t *packet;
	int r = client_ask_once(words, 1, CLIENT_TIMEOUT_MS, &reply, &err);

	if (r < 0)
		return sc_complain(SC_FAILED, "Failed to list units: %s", err.text);
	for (size_t i = 0; r >= 0 && (packet = json_array_get(reply.packets, i)); i++) {
		struct unit_view u = view_unit(packet);

		if (u.name && u.active && u.sub && wants_unit(s, &u))
			r = rows_add(&rows, (const char *[]){u.name, "loaded", u.active, u.sub,
							     u.description});
	}
	return finish(s, &rows, r, "loaded units", " Pass --all to see inactive units, too.");
}

int sc_list_unit_files(struct systemctl *s)
{
	static const struct rows_column columns[] = {
		{"UNIT FILE", "unit_file"}, {"STATE", "state"}, {"PRESET", "preset"}};
	_cleanup_(strv_free) struct strv names = {0}, words = {0};
	_cleanup_(rows_free) struct rows rows = rows_of(s, columns, ARRAY_LEN(columns));
	const struct strv *states = &s->options->states;
	int status, r = sc_file_list(s->options->user || s->options->global, &names, &words);

	for (size_t i = 0; i < names.n && r >= 0; i++) {
		const char *cells[] = {names.v[i], words.v[i], "-"};

		if (!wants_type(s, names.v[i]) || !wants_name(s, names.v[i]) ||
		    (states->n && !strv_has(states, words.v[i])))
			continue;
		r = rows_add(&rows, cells);
	}
	status = finish(s, &rows, r, "unit files", "");
	return status == SC_OK && !rows.n && s->n_names ? SC_FAILED : status;
}

/* A line for each address that the unit listens on. */
static int add_socket(struct rows *rows, const char *name)
{
	struct unit *unit = NULL;
	char service[UNIT_NAME_MAX] = "";
	int r = sc_file_read(name, &unit);

	if (r < 0 || !unit || !unit->socket || socket_service_name(unit, service) < 0)
		service[0] = '\0';
	for (size_t i = 0; r >= 0 && unit && unit->socket && i < unit->socket->n; i++)
		r = rows_add(rows, (const char *[]){unit->socket->v[i].address, name, service});
	unit_free(unit);
	return r;
}

int sc_list_sockets(struct systemctl *s)
{
	static const struct rows_column columns[] = {
		{"LISTEN", "listen"}, {"UNIT", "unit"}, {"ACTIVATES", "activates"}};
	static const char *const words[] = {"status"};
	_cleanup_(reply_free) struct reply reply = {0};
	_cleanup_(rows_free) struct rows rows = rows_of(s, columns, ARRAY_LEN(columns));
	struct err err = {0};
	json_t *packet;
	int r = client_ask_once(words, 1, CLIENT_TIMEOUT_MS, &reply, &err);

	if (r < 0)
		return sc_complain(SC_FAILED, "Failed to list sockets: %s", err.text);
	for (size_t i = 0; r >= 0 && (packet = json_array_get(reply.packets, i)); i++) {
		struct unit_view u = view_unit(packet);
		const char *dot = u.name ? strrchr(u.name, '.') : NULL;

		if (dot && strcmp(dot, ".socket") == 0 && u.active && u.sub && wants_unit(s, &u))
			r = add_socket(&rows, u.name);
	}
	return finish(s, &rows, r, "sockets",
		      " Pass --all to see loaded but inactive sockets, too.");
}

/* Kinds of units that are not run here, and jobs, which nobody has to wait for. */
int sc_list_nothing(struct systemctl *s)
{
	static const struct rows_column timers[] = {{"NEXT", "next"}, {"LEFT", "left"},
						    {"LAST", "last"}, {"PASSED", "passed"},
						    {"UNIT", "unit"}, {"ACTIVATES", "activates"}};
	static const struct rows_column paths[] = {
		{"PATH", "path"}, {"CONDITION", "condition"}, {"UNIT", "unit"}};
	static const struct rows_column automounts[] = {
		{"WHAT", "what"}, {"WHERE", "where"}, {"MOUNTED", "mounted"}, {"UNIT", "unit"}};
	const struct {
		const char *verb, *what;
		const struct rows_column *columns;
		size_t n;
	} lists[] = {
		{"list-timers", "timers", timers, ARRAY_LEN(timers)},
		{"list-paths", "paths", paths, ARRAY_LEN(paths)},
		{"list-automounts", "automounts", automounts, ARRAY_LEN(automounts)},
	};

	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		struct rows rows = rows_of(s, lists[i].columns, lists[i].n);

		if (strcmp(lists[i].verb, s->verb->name) == 0)
			return finish(s, &rows, 0, lists[i].what, "");
	}
	if (s->options->json)
		puts("[]");
	else if (!s->options->no_legend)
		puts("No jobs running.");
	return SC_OK;
}
