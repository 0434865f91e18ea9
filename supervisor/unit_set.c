/*
 * unit_set.c - which units there are: the modules, what is enabled, and by name all that these pull
 * in.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "supervisor/directive.h"
#include "supervisor/enable.h"
#include "supervisor/name_index.h"
#include "supervisor/socket.h"
#include "supervisor/unit_builtin.h"
#include "supervisor/unit_dirs.h"
#include "supervisor/unit_read.h"
#include "supervisor/user_access.h"
#include "supervisor/unit_name.h"

/* An alias of an alias of …: in different directories they may go round. */
#define ALIAS_DEPTH 8

struct set_load {
	struct unit_set *set;
	const struct unit_paths *paths;
	struct unit_dirs dirs[2]; /* of the system's scope and the user's */
	struct enable_state enabled;
	struct name_index seen; /* by every name that was looked for: its unit, or NULL */
	struct strv names;      /* the keys of what was not found, or found by another name */
	size_t looked;
	struct problems *problems;
};

static void set_load_end(struct set_load *load)
{
	for (size_t i = 0; i < ARRAY_LEN(load->dirs); i++)
		unit_dirs_close(&load->dirs[i]);
	enable_state_free(&load->enabled);
	name_index_free(&load->seen);
	strv_free(&load->names);
}

static struct unit_dirs *dirs_of(struct set_load *load, const char *name)
{
	return &load->dirs[unit_name_is_user(name)];
}

/* Remembers what belongs to a name that no unit has as its own. */
static int remember(struct set_load *load, const char *name, struct unit *unit)
{
	int r = strv_add(&load->names, name);

	if (r == 0)
		r = name_index_add(&load->seen, load->names.v[load->names.n - 1], unit);
	return r < 0 ? r : 0;
}

static int set_add(struct unit_set *set, struct unit *unit)
{
	if ((set->n & (set->n - 1)) == 0) {
		struct unit **grown =
			reallocarray(set->v, set->n ? set->n * 2 : 1, sizeof(struct unit *));

		if (!grown)
			return -ENOMEM;
		set->v = grown;
	}
	set->v[set->n++] = unit;
	return 0;
}

static int set_take(struct set_load *load, struct unit *unit)
{
	int r = set_add(load->set, unit);

	if (r < 0) {
		unit_free(unit);
		return r;
	}
	r = name_index_add(&load->seen, unit->name, unit);
	return r < 0 ? r : 0;
}

static int alias_add(struct unit *unit, const char *name)
{
	if (strcmp(unit->name, name) == 0 || strv_has(&unit->aliases, name))
		return 0;
	return strv_add(&unit->aliases, name);
}

/* Whether a unit is to be started at boot, and the names that enabling gave it. */
static int settle_boot(struct set_load *load, struct unit *unit, bool module)
{
	int r = 0;

	unit->origin = module ? ORIGIN_MODULE : ORIGIN_SYSTEM;
	unit->enabled = module || enable_state_has(&load->enabled, unit->name);
	if (enable_state_is_disabled(&load->enabled, unit->name))
		unit->enabled = false;
	/* The user's link says itself what wants the unit. */
	unit->boot = unit->enabled &&
		     (module || unit_name_is_user(unit->name) || install_is_boot(&unit->install));
	for (size_t i = 0; unit->enabled && i < unit->install.alias.n && r == 0; i++) {
		const char *alias = unit->install.alias.v[i];

		if (name_index_find(&load->seen, alias, NULL))
			continue;
		r = alias_add(unit, alias);
		if (r == 0)
			r = remember(load, alias, unit);
	}
	return r;
}

static int load_found(struct set_load *load, const char *name, const struct unit_place *place,
		      struct unit **unit)
{
	struct unit_dirs *dirs = dirs_of(load, name);
	bool masked;
	int r = unit_read(place->path, name, dirs, load->paths->user, unit, &masked,
			  load->problems);

	if (r < 0)
		return r;
	if (masked)
		r = strv_add(&load->set->masked, name);
	if (r == 0 && !*unit)
		return remember(load, name, NULL);
	if (r == 0)
		r = set_take(load, *unit);
	return r == 0 ? settle_boot(load, *unit, place->module) : r;
}

/* With the rights of whose unit it is. */
static bool scope_begin(const struct set_load *load, const char *name)
{
	return unit_name_is_user(name) && user_access_begin(load->paths->user);
}

static int load_name(struct set_load *load, const char *name, unsigned depth, struct unit **unit);

static int load_new(struct set_load *load, const char *name, unsigned depth, struct unit **unit)
{
	struct unit_place place = {0};
	int r = unit_dirs_find(dirs_of(load, name), name, &place);
	/* What a package puts into a built-in target is not wanted at boot, and so costs nothing.
	 */
	if (r == 0 && !place.module && unit_builtin(name)) {
		const char *other = unit_builtin_stands_for(name);

		place.kind = other ? PLACE_ALIAS : PLACE_NONE;
		if (other)
			snprintf(place.name, sizeof(place.name), "%s", other);
	}
	if (r == 0 && place.kind == PLACE_MASKED && !strv_has(&load->set->masked, name))
		r = strv_add(&load->set->masked, name);
	if (r == 0 && place.kind == PLACE_ALIAS && depth < ALIAS_DEPTH) {
		r = load_name(load, place.name, depth + 1, unit);
		if (r == 0 && *unit && !name_index_find(&load->seen, name, NULL)) {
			r = alias_add(*unit, name);
			/* A link among the modules makes a module of the unit that it leads to. */
			if (place.module && !(*unit)->boot && r == 0) {
				(*unit)->enabled = (*unit)->boot =
					!enable_state_is_disabled(&load->enabled, name);
				(*unit)->origin = ORIGIN_MODULE;
			}
			if (r == 0)
				r = remember(load, name, *unit);
		}
	} else if (r == 0 && place.kind == PLACE_FILE) {
		r = load_found(load, name, &place, unit);
	} else if (r == 0) {
		r = remember(load, name, NULL);
	}
	free(place.path);
	return r;
}

/* 0 and *unit, which is NULL when there is none: masked, broken, built in. */
static int load_name(struct set_load *load, const char *name, unsigned depth, struct unit **unit)
{
	void *known;
	bool begun;
	int r;

	*unit = NULL;
	if (name_index_find(&load->seen, name, &known)) {
		*unit = known;
		return 0;
	}
	begun = scope_begin(load, name);
	r = load_new(load, name, depth, unit);
	user_access_end(begun);
	return r;
}

/* What lies in NAME.wants/ and NAME.requires/. */
static int add_links(struct set_load *load, struct unit *unit)
{
	const struct unit_dirs *dirs = dirs_of(load, unit->name);
	bool begun;
	int r;

	if (unit->origin == ORIGIN_BUILTIN)
		return 0;
	begun = scope_begin(load, unit->name);
	r = unit_dirs_links(dirs, unit->name, ".wants", &unit->wants);
	if (r == 0)
		r = unit_dirs_links(dirs, unit->name, ".requires", &unit->requires);
	user_access_end(begun);
	return r;
}

/* The service that a socket starts; with Accept=yes it is a template, which is there to be asked
 * for. */
static int add_trigger(struct unit *unit)
{
	char name[UNIT_NAME_MAX];

	if (!unit->socket || unit->socket->accept || socket_service_name(unit, name) < 0)
		return 0;
	return strv_add(&unit->relations[RELATION_TRIGGERS], name);
}

/* Breadth first, without recursion: a chain may be as long as there are units. */
static int load_pulls(struct set_load *load)
{
	int r = 0;

	for (; load->looked < load->set->n && r == 0; load->looked++) {
		struct unit *unit = load->set->v[load->looked], *other;
		struct strv *list;

		r = add_links(load, unit);
		if (r == 0)
			r = add_trigger(unit);
		for (size_t k = 0; (list = unit_pulls(unit, k)) && r == 0; k++)
			for (size_t i = 0; i < list->n && r == 0; i++)
				if (unit_kind_of(list->v[i]) != KIND_OTHER &&
				    !unit_name_is_template(list->v[i]))
					r = load_name(load, list->v[i], 0, &other);
	}
	return r;
}

static int name_order(const void *a, const void *b)
{
	return strcmp((*(struct unit *const *)a)->name, (*(struct unit *const *)b)->name);
}

static void set_sort(struct unit_set *set)
{
	if (set->n)
		qsort(set->v, set->n, sizeof(struct unit *), name_order);
}

static int set_load_begin(struct set_load *load, struct unit_set *set,
			  const struct unit_paths *paths, struct problems *problems)
{
	int r;

	*load = (struct set_load){.set = set, .paths = paths, .problems = problems};
	r = unit_dirs_open(&load->dirs[0], paths, false);
	if (r == 0) {
		bool begun = user_access_begin(paths->user);

		r = unit_dirs_open(&load->dirs[1], paths, true);
		user_access_end(begun);
	}
	return r < 0 ? r : enable_state_read(&load->enabled, paths);
}

static int tell_dirs(struct set_load *load)
{
	int r = 0;

	for (size_t k = 0; k < ARRAY_LEN(load->dirs); k++) {
		struct problems *told = &load->dirs[k].problems;

		for (size_t i = 0; i < told->n && r == 0; i++)
			r = problem_add(load->problems, steal_ptr(&told->v[i].text), true, NULL);
		problems_free(told);
	}
	return r;
}

static int load_module(struct set_load *load, const char *name)
{
	struct unit *unit;
	char *text;

	if (unit_name_valid(name) && unit_kind_of(name) == KIND_OTHER)
		return problem_add(
			load->problems,
			asprintf(&text, "%s: units of this kind are not run here", name) < 0 ? NULL
											     : text,
			false, name);
	if (!unit_name_valid(name) || unit_name_is_user(name))
		return problem_add(
			load->problems,
			asprintf(
				&text,
				"%s: is no valid name of a unit (letters, digits, :_.\\@-, shorter "
				"than 64, ending in .service, .socket or .target)",
				name) < 0
				? NULL
				: text,
			true, name);
	/* A template is there to be asked for. */
	return unit_name_is_template(name) ? 0 : load_name(load, name, 0, &unit);
}

/* Of a link that enabling has left, whose unit is gone: nobody would miss it else. */
static int tell_gone(struct set_load *load, const char *name)
{
	struct unit_place place = {0};
	bool begun = scope_begin(load, name);
	int r = unit_dirs_find(dirs_of(load, name), name, &place);
	char *text;

	user_access_end(begun);
	free(place.path);
	if (r < 0 || place.kind != PLACE_NONE || unit_builtin(name))
		return r;
	return problem_add(load->problems,
			   asprintf(&text,
				    "%s is enabled, and there is no such unit any more: 'hakimctl "
				    "disable %s' takes that back",
				    name, name) < 0
				   ? NULL
				   : text,
			   false, name);
}

int unit_set_load_paths(struct unit_set *set, const struct unit_paths *paths, struct err *err)
{
	_cleanup_(strv_free) struct strv modules = {0};
	_cleanup_(set_load_end) struct set_load load;
	struct unit *unit;
	int r;

	*set = (struct unit_set){0};
	r = set_load_begin(&load, set, paths, &set->problems);
	if (r == 0)
		r = unit_dirs_list(&load.dirs[0], true, &modules);
	if (r == 0)
		r = tell_dirs(&load);
	for (size_t i = 0; i < modules.n && r == 0; i++)
		r = load_module(&load, modules.v[i]);
	for (size_t i = 0; i < load.enabled.enabled.n && r == 0; i++) {
		r = load_name(&load, load.enabled.enabled.v[i], 0, &unit);
		if (r == 0 && !unit)
			r = tell_gone(&load, load.enabled.enabled.v[i]);
	}
	if (r == 0)
		r = load_pulls(&load);
	set_sort(set);
	if (r == 0)
		return 0;
	unit_set_free(set);
	return err_sys(err, r, "the units cannot be loaded");
}

int unit_set_load(struct unit_set *set, const char *const *dirs, struct err *err)
{
	const struct unit_paths paths = {.modules = dirs};

	return unit_set_load_paths(set, &paths, err);
}

/* A built-in target becomes a unit when somebody asks about it. */
static int load_builtin(struct set_load *load, const char *name, struct unit **unit)
{
	*unit = calloc(1, sizeof(**unit));
	if (!*unit)
		return -ENOMEM;
	(*unit)->kind = KIND_TARGET;
	(*unit)->origin = ORIGIN_BUILTIN;
	(*unit)->name = strdup(name);
	(*unit)->path = strdup("(built in)");
	(*unit)->refuse_manual_start = unit_builtin(name) == BUILTIN_DOWN;
	(*unit)->refuse_manual_stop = true;
	if (!(*unit)->name || !(*unit)->path) {
		unit_free(*unit);
		return -ENOMEM;
	}
	return set_add(load->set, *unit);
}

static int seen_all(struct set_load *load)
{
	int r = 0;

	for (size_t i = 0; i < load->set->n && r >= 0; i++) {
		struct unit *unit = load->set->v[i];

		r = name_index_add(&load->seen, unit->name, unit);
		for (size_t k = 0; k < unit->aliases.n && r >= 0; k++)
			r = name_index_add(&load->seen, unit->aliases.v[k], unit);
	}
	load->looked = load->set->n;
	return r < 0 ? r : 0;
}

/* Why there is no unit of this name. */
static int tell_missing(const struct unit_set *set, const struct problems *problems,
			const char *name, struct err *err)
{
	for (size_t i = 0; i < problems->n; i++)
		if (problems->v[i].fatal && problems->v[i].unit)
			return err_set(err, -EINVAL, "%s could not be loaded: %s", name,
				       problems->v[i].text);
	if (strv_has(&set->masked, name))
		return err_set(err, -EINVAL, "%s is masked; 'hakimctl unmask %s' takes that back",
			       name, name);
	if (unit_name_is_template(name))
		return err_set(err, -EINVAL,
			       "%s is a template: name an instance of it, as in %.*sNAME%s", name,
			       (int)unit_stem(name), name, name + unit_stem(name));
	if (unit_kind_of(name) == KIND_OTHER)
		return err_set(err, -EINVAL, "%s: units of this kind are not run here", name);
	return err_set(err, -ENOENT, "there is no unit %s", name);
}

int unit_set_get(struct unit_set *set, const struct unit_paths *paths, const char *name,
		 struct unit **unit, struct err *err)
{
	_cleanup_(problems_free) struct problems problems = {0};
	_cleanup_(set_load_end) struct set_load load;
	int r = set_load_begin(&load, set, paths, &problems);

	*unit = NULL;
	if (r == 0)
		r = seen_all(&load);
	if (r == 0 && unit_name_valid(name) && unit_kind_of(name) != KIND_OTHER &&
	    !unit_name_is_template(name))
		r = load_name(&load, name, 0, unit);
	if (r == 0 && !*unit && unit_builtin(name))
		r = load_builtin(&load, name, unit);
	if (r == 0 && *unit)
		r = load_pulls(&load);
	set_sort(set);
	if (r < 0)
		return err_sys(err, r, "%s cannot be loaded", name);
	return *unit ? 0 : tell_missing(set, &problems, name, err);
}

static int name_compare(const void *name, const void *unit)
{
	return strcmp(name, (*(struct unit *const *)unit)->name);
}

struct unit *unit_set_find(const struct unit_set *set, const char *name)
{
	struct unit **found =
		set->n ? bsearch(name, set->v, set->n, sizeof(*set->v), name_compare) : NULL;

	return found ? *found : NULL;
}

void unit_set_free(struct unit_set *set)
{
	for (size_t i = 0; i < set->n; i++)
		unit_free(set->v[i]);
	free(set->v);
	strv_free(&set->masked);
	problems_free(&set->problems);
	*set = (struct unit_set){0};
}
