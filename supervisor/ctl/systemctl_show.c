/*
 * systemctl_show.c - `systemctl show`: properties, as KEY=VALUE lines that scripts read; and `cat`.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "supervisor/ctl/cat.h"
#include "supervisor/ctl/property.h"
#include "supervisor/ctl/systemctl.h"
#include "supervisor/ctl/systemctl_file.h"
#include "supervisor/unit.h"

static void show_property(const struct systemctl *s, const struct property *p,
			  const struct property_area *area, const struct property_of *of)
{
	_cleanup_free_ char *text = property_text(p, area, of);
	char *line = text, *next;

	/* A line each for several values, and one for none. */
	for (; line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		printf("%s%s%s\n", s->options->value ? "" : p->name, s->options->value ? "" : "=",
		       line);
	}
}

/* "a\nb" is ["a", "b"]. */
static json_t *value_json(const char *text)
{
	json_t *list;

	/* json_string() is common/json.h's: both are in this program. */
	if (!strchr(text, '\n'))
		return json_stringn(text, strlen(text));
	list = json_array();
	while (*text) {
		size_t len = strcspn(text, "\n");

		json_array_append_new(list, json_stringn(text, len));
		text += len + (text[len] == '\n');
	}
	return list;
}

/* All, or those that were asked for, in the order in which they were; unknown ones are nothing, as
 * with systemctl. */
static void show_unit(const struct systemctl *s, const struct property_of *of, json_t *object)
{
	const struct strv *wanted = &s->options->properties;
	size_t n;
	const struct property_area *area, *const *areas = property_areas(&n);

	for (size_t a = 0; !wanted->n && a < n; a++)
		for (size_t i = 0; property_fits(areas[a], of) && i < areas[a]->n; i++) {
			_cleanup_free_ char *text = NULL;

			if (!object) {
				show_property(s, &areas[a]->v[i], areas[a], of);
				continue;
			}
			text = property_text(&areas[a]->v[i], areas[a], of);
			json_object_set_new(object, areas[a]->v[i].name,
					    value_json(text ? text : ""));
		}
	for (size_t k = 0; k < wanted->n; k++) {
		const struct property *p = property_find(wanted->v[k], &area);
		_cleanup_free_ char *text = NULL;

		if (p && !object) {
			show_property(s, p, area, of);
		} else if (p) {
			text = property_text(p, area, of);
			json_object_set_new(object, p->name, value_json(text ? text : ""));
		}
	}
}

int sc_show_one(const struct systemctl *s, const char *name, bool must_exist, json_t *object,
		struct err *err)
{
	_cleanup_(sc_unit_free) struct sc_unit state = {0};
	struct property_of of = {.state = &state};
	struct unit *unit = NULL;

	sc_unit_get(s, name, &state, err);
	if (state.file && state.load == SC_LOADED && sc_file_read(state.name, &unit) < 0)
		return err_set(err, -ENOMEM, "there is not enough memory");
	if (state.load == SC_LOADED && state.file && !unit && !state.packet)
		state.load = SC_BAD;
	if (state.load == SC_NOT_FOUND && must_exist) {
		unit_free(unit);
		return err_set(err, -ENOENT, "there is no unit %s", name);
	}
	of.unit = unit;
	show_unit(s, &of, object);
	unit_free(unit);
	return 0;
}

/* `systemctl show` without a name is about the manager. */
static int show_manager(const struct systemctl *s)
{
	static const char *const words[] = {"status"};
	_cleanup_(reply_free) struct reply reply = {0};
	const struct strv *wanted = &s->options->properties;
	struct manager_view m = {0};
	struct err err = {0};

	if (client_ask_once(words, 1, CLIENT_TIMEOUT_MS, &reply, &err) < 0)
		return sc_complain(SC_FAILED, "Failed to get properties: %s", err.text);
	m = view_manager(json_array_get(reply.packets, 0));
	const struct {
		const char *name, *value;
	} all[] = {
		{"Version", "hakim-init " HAKIM_VERSION},
		{"Virtualization", m.place},
		{"SystemState", m.state},
		{"UnitPath", "/etc/hakim/modules " HAKIM_LIBDIR
			     "/modules /etc/systemd/system /run/systemd/system "
			     "/usr/local/lib/systemd/system /usr/lib/systemd/system"},
	};
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		if (!wanted->n || strv_has(wanted, all[i].name))
			printf("%s%s%s\n", s->options->value ? "" : all[i].name,
			       s->options->value ? "" : "=", all[i].value ? all[i].value : "");
	return SC_OK;
}

int sc_show(struct systemctl *s)
{
	_cleanup_(strv_free) struct strv names = {0};
	struct err err = {0};

	if (!s->n_names)
		return show_manager(s);
	if (sc_expand(s, &names, &err) < 0)
		return sc_complain(SC_FAILED, "Failed to show: %s", err.text);
	for (size_t i = 0; i < names.n; i++) {
		if (i)
			putchar('\n');
		if (sc_show_one(s, names.v[i], false, NULL, &err) < 0)
			return sc_complain(SC_FAILED, "Failed to show: %s", err.text);
	}
	return SC_OK;
}

/* ---- cat ---- */

int sc_cat(struct systemctl *s)
{
	_cleanup_(strv_free) struct strv names = {0};
	struct err err = {0};
	int status = SC_OK;

	if (sc_expand(s, &names, &err) < 0)
		return sc_complain(SC_FAILED, "Failed to show: %s", err.text);
	for (size_t i = 0; i < names.n; i++) {
		_cleanup_(sc_unit_free) struct sc_unit unit = {0};

		sc_unit_get(s, names.v[i], &unit, &err);
		if (!unit.file) {
			status = sc_complain(SC_FAILED, "No files found for %s.", names.v[i]);
			continue;
		}
		if (cat_files(unit.file, &unit.dropins, &s->look, i == 0, &err) < 0)
			status = sc_complain(SC_FAILED, "%s", err.text);
	}
	return status;
}
