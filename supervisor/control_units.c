/*
 * control_units.c - requests about unit files: reload, enable and its kin, list-unit-files.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "supervisor/control.h"
#include "supervisor/control_client.h"
#include "supervisor/enable.h"
#include "supervisor/unit_name.h"
#include "supervisor/unit_read.h"
#include "supervisor/user_access.h"

#define FILES_A_PACKET 32

/* Takes the options off the front; false: one was unknown, and the error was sent. */
static bool take_options(struct client *client, char *const **words, size_t *n,
			 const char *const *known, unsigned *given)
{
	for (*given = 0; *n && strncmp(**words, "--", 2) == 0; (*words)++, (*n)--) {
		size_t i = 0;

		while (known[i] && strcmp(known[i], **words) != 0)
			i++;
		if (!known[i]) {
			client_error(client, "%.60s is no option of this request", **words);
			return false;
		}
		*given |= 1u << i;
	}
	return true;
}

/* ---- reload ---- */

static int send_item(struct client *client, const struct reload_item *item)
{
	_cleanup_(json_reset) struct json j = {0};

	json_begin_object(&j, NULL);
	json_string(&j, "type", "diff");
	json_string(&j, "unit", item->unit);
	json_string(&j, "change", reload_change_name(item->change));
	json_end_object(&j);
	return client_packet(client, &j, NULL, 0);
}

/* The names were remembered with the change as their first letter. */
static int stream_diff(struct client *client, size_t i)
{
	struct reload_item item;

	if (i >= client->names.n)
		return 1;
	item.change = (enum reload_change)(client->names.v[i][0] - '0');
	item.unit = client->names.v[i] + 1;
	return send_item(client, &item);
}

void control_reload(struct client *client, char *const *words, size_t n)
{
	static const char *const options[] = {"--dry-run", "--no-restart", NULL};
	_cleanup_(reload_diff_free) struct reload_diff diff = {0};
	struct err err = {0};
	unsigned given;
	int r;

	if (!take_options(client, &words, &n, options, &given))
		return;
	if (n) {
		client_error(client, "a reload is of all units; 'reload-unit' is of one");
		return;
	}
	if (client->m->stopping) {
		client_error(client, "the container is stopping");
		return;
	}
	r = manager_reload(client->m, given, &diff, &err);
	/* Nobody is told "ok" of what a successor would not know. */
	if (r == 0 && !(given & RELOAD_DRY_RUN))
		takeover_save(client->m);
	for (size_t i = 0; i < diff.n && r == 0; i++) {
		char *text;

		if (asprintf(&text, "%c%s", '0' + (int)diff.v[i].change, diff.v[i].unit) < 0)
			r = err_sys(&err, -ENOMEM, "reload");
		else
			r = strv_take(&client->names, text);
	}
	if (r < 0)
		client_end(client, err.text);
	else
		client_stream(client, stream_diff);
}

/* ---- enable, disable, preset, mask, unmask ---- */

static void send_changes(struct client *client, const struct enable_changes *changes)
{
	for (size_t i = 0; i < changes->n; i++) {
		_cleanup_(json_reset) struct json j = {0};
		const struct enable_change *change = &changes->v[i];

		json_begin_object(&j, NULL);
		json_string(&j, "type", "change");
		json_string(&j, "unit", change->unit);
		json_string(&j, "change", change->target ? "link" : "unlink");
		json_string(&j, "path", change->path);
		json_string(&j, "target", change->target);
		json_end_object(&j);
		client_packet(client, &j, NULL, 0);
	}
	for (size_t i = 0; i < changes->notes.n; i++) {
		_cleanup_(json_reset) struct json j = {0};

		json_begin_object(&j, NULL);
		json_string(&j, "type", "note");
		json_string(&j, "text", changes->notes.v[i]);
		json_end_object(&j);
		client_packet(client, &j, NULL, 0);
	}
}

/* Those of a request, by the names that were meant. */
static int change_all(struct client *client, enum enable_verb verb, char *const *words, size_t n,
		      struct strv *units, struct err *err)
{
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++) {
		_cleanup_(enable_changes_free) struct enable_changes changes = {0};
		char full[UNIT_NAME_MAX + 16], unit[UNIT_NAME_MAX] = "";

		snprintf(full, sizeof(full), "%.70s%s", words[i],
			 unit_name_valid(words[i]) ? "" : ".service");
		r = enable_change(&client->m->paths, verb, full, unit, &changes, err);
		if (r == -ENOENT)
			err_set(err, r, "there is no unit %.200s", words[i]);
		send_changes(client, &changes);
		if (r == 0)
			r = strv_add(units, unit);
	}
	return r;
}

/* Stops what is known of them; who never ran is no reason to complain. */
static void stop_known(struct client *client, const struct strv *units)
{
	_cleanup_(strv_free) struct strv known = {0};
	int r = 0;

	for (size_t i = 0; i < units->n && r == 0; i++)
		if (manager_find(client->m, units->v[i]))
			r = strv_add(&known, units->v[i]);
	if (r < 0)
		client_error(client, "there is not enough memory");
	else if (known.n)
		control_stop(client, known.v, known.n);
	else
		client_end(client, NULL);
}

static void change(struct client *client, enum enable_verb verb, char *const *words, size_t n)
{
	static const char *const options[] = {"--now", NULL};
	bool stops = verb == VERB_DISABLE || verb == VERB_MASK;
	_cleanup_(strv_free) struct strv units = {0};
	struct err err = {0}, ignored = {0};
	unsigned now;
	int r;

	if (!take_options(client, &words, &n, options, &now))
		return;
	if (!n) {
		client_error(client, "name at least one unit");
		return;
	}
	r = change_all(client, verb, words, n, &units, &err);
	/* With those that require it, which a masked one would not know of any more. */
	for (size_t i = 0; i < units.n && now && stops; i++) {
		struct service *s = manager_find(client->m, units.v[i]);

		if (s)
			order_stop(client->m, s);
	}
	/* What can be started by which name has changed; what runs is not touched. */
	if (manager_reload(client->m, RELOAD_NO_RESTART, NULL, &ignored) < 0)
		say(client->m, "%s", ignored.text);
	takeover_save(client->m);
	if (r < 0)
		client_end(client, err.text);
	else if (now && verb == VERB_ENABLE)
		control_start(client, units.v, units.n);
	else if (now && stops)
		stop_known(client, &units);
	else
		client_end(client, NULL);
}

void control_enable(struct client *client, char *const *words, size_t n)
{
	change(client, VERB_ENABLE, words, n);
}

void control_disable(struct client *client, char *const *words, size_t n)
{
	change(client, VERB_DISABLE, words, n);
}

void control_preset(struct client *client, char *const *words, size_t n)
{
	change(client, VERB_PRESET, words, n);
}

void control_mask(struct client *client, char *const *words, size_t n)
{
	change(client, VERB_MASK, words, n);
}

void control_unmask(struct client *client, char *const *words, size_t n)
{
	change(client, VERB_UNMASK, words, n);
}

/* ---- list-unit-files ---- */

/* One unit file as it is; of a broken one what can be said without it. */
static void file_json(const struct unit_paths *paths, struct unit_dirs *dirs,
		      const struct enable_state *state, const char *name, struct json *j)
{
	_cleanup_(problems_free) struct problems problems = {0};
	struct unit_install none = {0};
	struct unit_place place = {0};
	struct unit *unit = NULL;
	bool masked;

	if (unit_dirs_find(dirs, name, &place) < 0 || place.kind == PLACE_NONE) {
		free(place.path);
		return;
	}
	if (place.kind == PLACE_FILE && !place.module && unit_kind_of(name) != KIND_OTHER)
		unit_read(place.path, name, dirs, paths->user, &unit, &masked, &problems);
	json_begin_object(j, NULL);
	json_string(j, "name", name);
	json_string(j, "file", place.path);
	json_string(j, "state", enable_word(state, &place, name, unit ? &unit->install : &none));
	json_string(j, "preset", place.module ? "enabled" : "disabled");
	json_end_object(j);
	unit_free(unit);
	free(place.path);
}

/* Some of the names that are left, of one scope. The directories are looked at anew for each
 * packet: a list is no reason to keep anything. */
static int send_files(struct client *client, size_t from, size_t to)
{
	const struct unit_paths *paths = &client->m->paths;
	bool user = unit_name_is_user(client->names.v[from]);
	_cleanup_(json_reset) struct json j = {0};
	struct unit_dirs dirs;
	struct enable_state state = {0};
	bool begun;
	int r;

	begun = user && user_access_begin(paths->user);
	r = unit_dirs_open(&dirs, paths, user);
	if (r == 0)
		r = enable_state_read(&state, paths);
	json_begin_object(&j, NULL);
	json_string(&j, "type", "unit-files");
	json_begin_array(&j, "files");
	for (size_t i = from; i < to && r == 0; i++)
		file_json(paths, &dirs, &state, client->names.v[i], &j);
	json_end_array(&j);
	json_end_object(&j);
	enable_state_free(&state);
	unit_dirs_close(&dirs);
	user_access_end(begun);
	return r < 0 ? r : client_packet(client, &j, NULL, 0);
}

static int stream_files(struct client *client, size_t i)
{
	size_t from = i * FILES_A_PACKET, to = from;

	if (from >= client->names.n)
		return 1;
	while (to < client->names.n && to < from + FILES_A_PACKET)
		to++;
	/* The scope is of a packet. */
	for (size_t k = from; k < to; k++)
		if (unit_name_is_user(client->names.v[k]) !=
		    unit_name_is_user(client->names.v[from])) {
			int r = send_files(client, from, k);

			return r < 0 ? r : send_files(client, k, to);
		}
	return send_files(client, from, to);
}

static int list_scope(struct client *client, bool user)
{
	const struct unit_paths *paths = &client->m->paths;
	_cleanup_(strv_free) struct strv names = {0};
	struct unit_dirs dirs;
	bool begun;
	int r;

	if (user && !paths->user)
		return 0;
	begun = user && user_access_begin(paths->user);
	r = unit_dirs_open(&dirs, paths, user);
	if (r == 0)
		r = unit_dirs_list(&dirs, false, &names);
	unit_dirs_close(&dirs);
	user_access_end(begun);
	for (size_t i = 0; i < names.n && r == 0; i++) {
		char full[UNIT_NAME_MAX + 8];

		snprintf(full, sizeof(full), "%s%.63s", user ? UNIT_USER_PREFIX : "", names.v[i]);
		if (unit_name_valid(full))
			r = strv_add(&client->names, full);
	}
	return r;
}

void control_list_unit_files(struct client *client, char *const *words, size_t n)
{
	int r = list_scope(client, false);

	if (r == 0)
		r = list_scope(client, true);
	if (r < 0)
		client_error(client, "the unit files cannot be listed: %s", strerror(-r));
	else
		client_stream(client, stream_files);
}
