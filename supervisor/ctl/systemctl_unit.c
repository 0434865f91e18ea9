/*
 * systemctl_unit.c - what is known of a unit: what the supervisor says, and what its files say.
 */
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/cleanup.h"
#include "supervisor/ctl/systemctl.h"
#include "supervisor/ctl/systemctl_file.h"

/* The kinds of units of systemd.unit(5): a name that ends with one of them is whole. */
static const char *const suffixes[] = {
	".service", ".socket", ".target", ".timer", ".mount",  ".automount",
	".swap",    ".path",   ".slice",  ".scope", ".device",
};

static bool has_suffix(const char *word)
{
	const char *dot = strrchr(word, '.');

	for (size_t i = 0; dot && i < ARRAY_LEN(suffixes); i++)
		if (strcmp(dot, suffixes[i]) == 0)
			return true;
	return false;
}

void sc_name(const struct systemctl *s, const char *word, char name[static SC_NAME])
{
	/* There is one user whose units are run: all users' are that one's. */
	bool user = s->options->user || s->options->global;
	const char *scope = user && strncmp(word, "user:", 5) != 0 ? "user:" : "";

	snprintf(name, SC_NAME, "%s%.250s%s", scope, word, has_suffix(word) ? "" : ".service");
}

int sc_ask(const char *const *words, size_t n, int timeout_ms, struct reply *reply, struct err *err)
{
	_cleanup_(client_close) struct client client = {.fd = -1};
	int r = client_open(&client, CLIENT_TIMEOUT_MS, err);

	return r < 0 ? r : client_ask(&client, words, n, timeout_ms, reply, err);
}

static bool is_type(const json_t *packet, const char *type)
{
	const char *is = json_string_value(json_object_get(packet, "type"));

	return is && strcmp(is, type) == 0;
}

static void take_packets(const struct reply *reply, struct sc_unit *unit)
{
	json_t *packet;

	for (size_t i = 0; (packet = json_array_get(reply->packets, i)); i++) {
		if (is_type(packet, "manager") && !unit->manager_packet) {
			unit->manager_packet = json_incref(packet);
			unit->manager = view_manager(packet);
			unit->has_manager = true;
		} else if (is_type(packet, "unit") && !unit->packet) {
			unit->packet = json_incref(packet);
			unit->view = view_unit(packet);
		}
	}
}

int sc_unit_get(const struct systemctl *s, const char *name, struct sc_unit *unit, struct err *err)
{
	const char *words[] = {"status", name};
	_cleanup_(reply_free) struct reply reply = {0};
	_cleanup_(sc_file_free) struct sc_file file = {0};
	int r;

	*unit = (struct sc_unit){.view = view_unit(NULL), .manager = view_manager(NULL)};
	r = client_ask_once(words, ARRAY_LEN(words), CLIENT_TIMEOUT_MS, &reply, err);
	take_packets(&reply, unit);
	if (r == CLIENT_NO_UNIT)
		r = 0;
	/* An alias: the unit that it means has another name. */
	snprintf(unit->name, sizeof(unit->name), "%s", unit->view.name ? unit->view.name : name);
	if (sc_file_find(unit->name, &file) < 0)
		return err_sys(err, -ENOMEM, "%s", name);
	unit->file = steal_ptr(&file.path);
	unit->dropins = file.dropins;
	file.dropins = (struct strv){0};
	unit->enabled = strcmp(file.enabled, "not-found") == 0 ? "" : file.enabled;
	if (!unit->packet && file.name[0])
		snprintf(unit->name, sizeof(unit->name), "%s", file.name);
	if (file.masked)
		unit->load = SC_MASKED;
	else if (!unit->packet && !unit->file)
		unit->load = SC_NOT_FOUND;
	return r;
}

void sc_unit_free(struct sc_unit *unit)
{
	json_decref(unit->packet);
	json_decref(unit->manager_packet);
	free(unit->file);
	strv_free(&unit->dropins);
	unit->packet = unit->manager_packet = NULL;
	unit->file = NULL;
}

static bool is_pattern(const char *word)
{
	return strpbrk(word, "*?[") != NULL;
}

/* Adds the names of the units that the supervisor knows and that match. */
static int add_matching(const struct systemctl *s, const char *pattern, struct strv *names,
			struct err *err)
{
	static const char *const words[] = {"status"};
	_cleanup_(reply_free) struct reply reply = {0};
	char whole[SC_NAME];
	json_t *packet;
	int r = client_ask_once(words, 1, CLIENT_TIMEOUT_MS, &reply, err);

	snprintf(whole, sizeof(whole), "%s%.250s", s->options->user ? "user:" : "", pattern);
	for (size_t i = 0; r >= 0 && (packet = json_array_get(reply.packets, i)); i++) {
		const char *name = json_string_value(json_object_get(packet, "name"));

		if (is_type(packet, "unit") && name && fnmatch(whole, name, 0) == 0 &&
		    !strv_has(names, name))
			r = strv_add(names, name);
	}
	return r;
}

int sc_expand(const struct systemctl *s, struct strv *names, struct err *err)
{
	char name[SC_NAME];
	int r = 0;

	for (size_t i = 0; i < s->n_names && r >= 0; i++) {
		if (is_pattern(s->names[i])) {
			r = add_matching(s, s->names[i], names, err);
			continue;
		}
		sc_name(s, s->names[i], name);
		r = strv_add(names, name);
		if (r < 0)
			err_sys(err, r, "the names");
	}
	return r;
}

const char *sc_active(const struct sc_unit *unit)
{
	return unit->view.active ? unit->view.active : "inactive";
}

const char *sc_sub(const struct sc_unit *unit)
{
	return unit->view.sub ? unit->view.sub : "dead";
}

const char *sc_load_name(enum sc_load load)
{
	static const char *const names[] = {"loaded", "not-found", "masked", "bad-setting"};

	return names[load];
}

const char *sc_time(char buf[static SHOW_TIME], const struct sc_unit *unit, int64_t us)
{
	struct tm tm;
	time_t at;

	buf[0] = '\0';
	if (us < 0 || unit->manager.boot_realtime_us < 0)
		return buf;
	at = (time_t)((unit->manager.boot_realtime_us + us) / 1000000);
	if (localtime_r(&at, &tm))
		strftime(buf, SHOW_TIME, "%a %Y-%m-%d %H:%M:%S %Z", &tm);
	return buf;
}
