/*
 * security.c - `hakimctl security`: how exposed services are, by their unit files, without a
 * supervisor.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "common/cleanup.h"
#include "supervisor/ctl/ctl.h"
#include "supervisor/ctl/exposure.h"
#include "supervisor/ctl/table.h"
#include "supervisor/unit_dirs.h"

/* Those that are to be shown; owned by the sets that they are of. */
struct units {
	struct unit **v;
	size_t n;
};

static void units_free(struct units *list)
{
	free(list->v);
}

static enum style style_of(unsigned tenths)
{
	switch (exposure_level(tenths)) {
	case EXPOSURE_PERFECT:
	case EXPOSURE_SAFE:
	case EXPOSURE_OK:
		return STYLE_GOOD;
	case EXPOSURE_MEDIUM:
		return STYLE_BUSY;
	default:
		return STYLE_BAD;
	}
}

static void put_unit(struct table *table, const struct look *look, const struct unit *unit)
{
	unsigned tenths = exposure_of(unit);
	char text[16];

	snprintf(text, sizeof(text), "%u.%u", tenths / 10, tenths % 10);
	table_add(table, look, STYLE_PLAIN, unit->name);
	table_add(table, look, style_of(tenths), text);
	table_add(table, look, style_of(tenths), exposure_level_name(exposure_level(tenths)));
}

static int print_all(const struct units *list, const struct look *look)
{
	static const struct table_column columns[] = {
		{"UNIT", false, 0}, {"EXPOSURE", true, 0}, {"RATING", false, 1}};
	_cleanup_(table_free) struct table table = {.columns = columns, .n_columns = 3};

	for (size_t i = 0; i < list->n; i++)
		put_unit(&table, look, list->v[i]);
	return table_print(&table, look, stdout);
}

static int print_one(const struct unit *unit, const struct look *look)
{
	static const struct table_column columns[] = {
		{"", false, 0}, {"DIRECTIVE", false, 0}, {"EXPOSURE", true, 0}, {"", false, 1}};
	_cleanup_(table_free) struct table table = {.columns = columns, .n_columns = 4};
	unsigned tenths = exposure_of(unit);
	size_t n;
	const struct exposure_check *checks = exposure_checks(&n);
	char text[64];
	int r;

	for (size_t i = 0; i < n; i++) {
		unsigned bad = checks[i].badness(unit, &checks[i]);
		unsigned part = exposure_part(unit, &checks[i]);
		enum style style = !bad                    ? STYLE_GOOD
				   : bad < checks[i].range ? STYLE_BUSY
							   : STYLE_BAD;

		snprintf(text, sizeof(text), "%u.%02u", part / 100, part % 100);
		table_add(&table, look, style, bad ? "no" : "ok");
		table_add(&table, look, STYLE_PLAIN, checks[i].name);
		table_add(&table, look, STYLE_PLAIN, bad ? text : "");
		table_add(&table, look, STYLE_DIM, bad ? checks[i].bad : checks[i].good);
	}
	r = table_print(&table, look, stdout);
	if (r < 0)
		return r;
	snprintf(text, sizeof(text), "%u.%u %s", tenths / 10, tenths % 10,
		 exposure_level_name(exposure_level(tenths)));
	printf("\nExposure of %s: ", unit->name);
	style_put(stdout, look, style_of(tenths), text);
	putchar('\n');
	return 0;
}

static json_t *json_unit(const struct unit *unit)
{
	json_t *list = json_array();
	unsigned tenths = exposure_of(unit);
	size_t n;
	const struct exposure_check *checks = exposure_checks(&n);
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++) {
		unsigned bad = checks[i].badness(unit, &checks[i]);

		r = json_array_append_new(
			list, json_pack("{s:s, s:b, s:f, s:s}", "name", checks[i].name, "ok", !bad,
					"exposure", exposure_part(unit, &checks[i]) / 100.0, "text",
					bad ? checks[i].bad : checks[i].good));
	}
	return json_pack("{s:s, s:f, s:s, s:o}", "name", unit->name, "exposure", tenths / 10.0,
			 "rating", exposure_level_name(exposure_level(tenths)), "checks", list);
}

static int print_json(const struct units *units)
{
	json_t *list = json_array(), *all;
	int r = 0;

	for (size_t i = 0; i < units->n && r == 0; i++)
		r = json_array_append_new(list, json_unit(units->v[i]));
	all = json_pack("{s:o}", "units", list);
	if (all)
		json_dumpf(all, stdout,
			   JSON_INDENT(2) | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(3));
	putchar('\n');
	r = r || !all;
	json_decref(all);
	return r ? -ENOMEM : 0;
}

/* A file, or a unit by its name. What is loaded is owned by one of the sets. */
static int find_named(struct unit_set *files, struct unit_set *known,
		      const struct unit_paths *paths, const char *word, struct unit **unit,
		      struct err *err)
{
	char name[UNIT_NAME_MAX * 2];
	struct unit **grown;
	int r;

	if (strchr(word, '/')) {
		r = unit_load_file(word, unit, &files->problems, err);
		if (r == 0 && !*unit)
			r = err_set(err, -EINVAL, "%s has mistakes: see 'hakimctl check'", word);
		if (r < 0)
			return r;
		grown = reallocarray(files->v, files->n + 1, sizeof(struct unit *));
		if (!grown) {
			unit_free(*unit);
			return err_sys(err, -ENOMEM, "%s", word);
		}
		files->v = grown;
		files->v[files->n++] = *unit;
		return 0;
	}
	snprintf(name, sizeof(name), "%s%s", word, strchr(word, '.') ? "" : ".service");
	r = unit_set_get(known, paths, name, unit, err);
	if (r == 0 && (*unit)->kind != KIND_SERVICE)
		return err_set(err, -EINVAL, "%s is no service", name);
	return r;
}

/* All services, or those that were named, into `list`, which has room. */
static int choose(const struct args *args, struct unit_set *files, struct unit_set *known,
		  const struct unit_paths *paths, struct units *list, struct err *err)
{
	list->v = calloc(args->n_names ? args->n_names : known->n + 1, sizeof(struct unit *));
	if (!list->v)
		return err_sys(err, -ENOMEM, "the units");
	for (size_t i = 0; i < args->n_names; i++) {
		int r = find_named(files, known, paths, args->names[i], &list->v[list->n], err);

		if (r < 0)
			return r;
		list->n++;
	}
	for (size_t i = 0; !args->n_names && i < known->n; i++)
		if (known->v[i]->kind == KIND_SERVICE)
			list->v[list->n++] = known->v[i];
	return 0;
}

static int print(const struct ctl *ctl, const struct units *list)
{
	int r = 0;

	if (ctl->args.given & ARGS_JSON)
		return print_json(list);
	if (!ctl->args.n_names)
		return print_all(list, &ctl->look);
	for (size_t i = 0; i < list->n && r == 0; i++) {
		if (i)
			putchar('\n');
		r = print_one(list->v[i], &ctl->look);
	}
	return r;
}

int ctl_security(struct ctl *ctl)
{
	_cleanup_(unit_set_free) struct unit_set known = {0}, files = {0};
	_cleanup_(units_free) struct units list = {0};
	struct unit_paths paths;
	struct err err = {0};
	int r = unit_paths_default(&paths);

	r = r < 0 ? err_sys(&err, r, "the directories") : unit_set_load_paths(&known, &paths, &err);
	if (r == 0)
		r = choose(&ctl->args, &files, &known, &paths, &list, &err);
	if (r < 0)
		return ctl_complain(r == -ENOENT ? CTL_NO_UNIT : CTL_FAILED, "%s", err.text);
	return print(ctl, &list) < 0 ? ctl_complain(CTL_FAILED, "there is not enough memory")
				     : CTL_OK;
}
