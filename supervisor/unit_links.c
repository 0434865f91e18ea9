/*
 * unit_links.c - what the directories of units hold besides the unit files that are asked for by
 * name: lists of units, drop-ins, NAME.wants/.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "supervisor/directive.h"
#include "supervisor/unit_dirs.h"
#include "supervisor/unit_name.h"

/* A file of one of the directories. */
struct found {
	char *name, *path;
	size_t rank; /* of its directory: the lower wins */
};

struct found_list {
	struct found *v;
	size_t n;
};

static void found_free(struct found_list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		free(list->v[i].name);
		free(list->v[i].path);
	}
	free(list->v);
	*list = (struct found_list){0};
}

static int found_add(struct found_list *list, const char *dir, const char *name, size_t rank)
{
	struct found one = {.name = strdup(name), .rank = rank};

	if (asprintf(&one.path, "%s/%s", dir, name) < 0)
		one.path = NULL;
	if (one.name && one.path && (list->n & (list->n - 1)) == 0) {
		struct found *grown =
			reallocarray(list->v, list->n ? list->n * 2 : 1, sizeof(*grown));

		if (grown)
			list->v = grown;
		else
			free(steal_ptr(&one.path));
	}
	if (!one.name || !one.path) {
		free(one.name);
		free(one.path);
		return -ENOMEM;
	}
	list->v[list->n++] = one;
	return 0;
}

static int found_order(const void *a, const void *b)
{
	const struct found *x = a, *y = b;
	int r = strcmp(x->name, y->name);

	return r ? r : (x->rank > y->rank) - (x->rank < y->rank);
}

/* Sorts by name; of the same name only that of the lowest rank is left. */
static void found_settle(struct found_list *list)
{
	size_t kept = 0;

	if (list->n == 0)
		return;
	qsort(list->v, list->n, sizeof(*list->v), found_order);
	for (size_t i = 1; i < list->n; i++) {
		if (strcmp(list->v[i].name, list->v[kept].name) == 0) {
			free(list->v[i].name);
			free(list->v[i].path);
		} else {
			list->v[++kept] = list->v[i];
		}
	}
	list->n = kept + 1;
}

/* Adds what is in a directory with the suffix ("" for any). A missing directory is an empty one. */
static int dir_list(const char *path, const char *suffix, size_t rank, struct found_list *list)
{
	_cleanup_closedir_ DIR *d = opendir(path);
	size_t tail = strlen(suffix);
	struct dirent *entry;

	if (!d)
		return errno == ENOENT ? 0 : -errno;
	for (;;) {
		size_t len;
		int r;

		errno = 0;
		entry = readdir(d);
		if (!entry)
			return -errno;
		len = strlen(entry->d_name);
		if (*entry->d_name == '.' || len <= tail ||
		    strcmp(entry->d_name + len - tail, suffix) != 0)
			continue;
		r = found_add(list, path, entry->d_name, rank);
		if (r < 0)
			return r;
	}
}

int unit_dirs_list(struct unit_dirs *dirs, bool modules_only, struct strv *names)
{
	static const char *const listed[] = {".service", ".socket", ".target", ".timer",
					     ".path",    ".mount",  ".slice"};
	_cleanup_(found_free) struct found_list list = {0};
	int r = 0;

	for (size_t i = 0; i < dirs->n && r == 0; i++) {
		char *text;

		if (modules_only && !dirs->v[i].module)
			continue;
		for (size_t k = 0; k < ARRAY_LEN(listed) && r == 0; k++)
			r = dir_list(dirs->v[i].path, listed[k], i, &list);
		if (r < 0 && r != -ENOMEM)
			r = problem_add(&dirs->problems,
					asprintf(&text, "%s: %s", dirs->v[i].path, strerror(-r)) < 0
						? NULL
						: text,
					true, NULL);
	}
	found_settle(&list);
	for (size_t i = 0; i < list.n && r == 0; i++)
		r = strv_add(names, list.v[i].name);
	return r;
}

/* One of the directories of drop-ins; all that are there are listed. */
struct dropin_walk {
	struct found_list list;
	size_t rank;
	char where[512]; /* the one that could not be read */
};

static int walk_dir(struct dropin_walk *walk, const struct unit_dirs *dirs, size_t i,
		    const char *name, size_t len, const char *suffix)
{
	char sub[UNIT_NAME_MAX + 16], path[512];
	int r;

	walk->rank++;
	snprintf(sub, sizeof(sub), "%.*s%s.d", (int)len, name, suffix);
	if (!name_index_find(&dirs->v[i].has_sub, sub, NULL) ||
	    snprintf(path, sizeof(path), "%s/%s", dirs->v[i].path, sub) >= (int)sizeof(path))
		return 0;
	r = dir_list(path, ".conf", walk->rank, &walk->list);
	if (r < 0)
		snprintf(walk->where, sizeof(walk->where), "%s", path);
	return r;
}

/* NAME.d, and for a-b-c.service also a-b-.service.d and a-.service.d (systemd.unit(5)). */
static int walk_name(struct dropin_walk *walk, const struct unit_dirs *dirs, size_t i,
		     const char *name)
{
	size_t stem = unit_stem(name);
	const char *suffix = name + stem;
	int r = walk_dir(walk, dirs, i, name, stem, suffix);

	for (size_t len = stem; len > 1 && r == 0; len--)
		/* A dash at the very end begins no further word. */
		if (name[len - 1] == '-' && len < stem)
			r = walk_dir(walk, dirs, i, name, len, suffix);
	return r;
}

/* What is called so is no unit of its own, nor another's alias. */
static int is_free(const struct unit_dirs *dirs, const char *alias, const char *file)
{
	struct unit_place place = {0};
	int r = unit_dirs_find(dirs, alias, &place);

	free(place.path);
	if (r < 0)
		return r;
	return place.kind == PLACE_NONE ||
	       (place.kind == PLACE_ALIAS && strcmp(place.name, file) == 0);
}

/* The names under which a unit's drop-ins lie, its own first. */
static int dropin_names(const struct unit_dirs *dirs, const char *file, const struct strv *aliases,
			struct strv *names)
{
	char template[UNIT_NAME_MAX];
	bool instance = unit_name_template(file, template);
	int r = strv_add(names, file);

	if (r == 0 && instance)
		r = strv_add(names, template);
	for (size_t i = 0; i < dirs->dropin_units.n && r == 0; i++) {
		const char *unit = dirs->dropin_units.v[i];

		if (strcmp(unit, file) == 0 || (instance && strcmp(unit, template) == 0))
			r = strv_add(names, dirs->dropin_aliases.v[i]);
	}
	for (size_t i = 0; aliases && i < aliases->n && r == 0; i++) {
		const char *alias = unit_name_file(aliases->v[i]);

		if (strv_has(names, alias))
			continue;
		r = is_free(dirs, alias, file);
		if (r > 0)
			r = strv_add(names, alias);
	}
	return r;
}

int unit_dirs_dropins(const struct unit_dirs *dirs, const char *name, const struct strv *aliases,
		      struct strv *paths, char *where)
{
	_cleanup_(strv_free) struct strv names = {0};
	struct dropin_walk walk = {0};
	const char *file = unit_name_file(name);
	int r = dropin_names(dirs, file, aliases, &names);

	for (size_t i = 0; i < dirs->n; i++)
		for (size_t k = 0; k < names.n && r == 0; k++)
			r = walk_name(&walk, dirs, i, names.v[k]);
	/* service.d, for all of a kind, gives way to all others. */
	for (size_t i = 0; i < dirs->n && r == 0; i++)
		r = walk_dir(&walk, dirs, i, file + unit_stem(file) + 1,
			     strlen(file) - unit_stem(file) - 1, "");
	if (r < 0)
		snprintf(where, sizeof(walk.where), "%s", walk.where);
	found_settle(&walk.list);
	for (size_t i = 0; i < walk.list.n && r == 0; i++)
		r = strv_add(paths, walk.list.v[i].path);
	found_free(&walk.list);
	return r;
}

static int links_of(const struct unit_dirs *dirs, const char *file, const char *suffix,
		    struct found_list *list)
{
	for (size_t i = 0; i < dirs->n; i++) {
		char sub[UNIT_NAME_MAX + 16], path[512];
		int r;

		snprintf(sub, sizeof(sub), "%s%s", file, suffix);
		if (!name_index_find(&dirs->v[i].has_sub, sub, NULL))
			continue;
		snprintf(path, sizeof(path), "%s/%s", dirs->v[i].path, sub);
		r = dir_list(path, "", i, list);
		if (r == -ENOMEM)
			return r;
	}
	return 0;
}

int unit_dirs_links(const struct unit_dirs *dirs, const char *name, const char *suffix,
		    struct strv *names)
{
	_cleanup_(found_free) struct found_list list = {0};
	const char *file = unit_name_file(name);
	char template[UNIT_NAME_MAX];
	int r = links_of(dirs, file, suffix, &list);

	if (r == 0 && unit_name_template(file, template))
		r = links_of(dirs, template, suffix, &list);
	found_settle(&list);
	for (size_t i = 0; i < list.n && r == 0; i++) {
		char full[UNIT_NAME_MAX + sizeof(UNIT_USER_PREFIX)];

		snprintf(full, sizeof(full), "%s%s",
			 unit_name_is_user(name) ? UNIT_USER_PREFIX : "", list.v[i].name);
		if (unit_name_valid(list.v[i].name) && unit_name_valid(full) &&
		    !strv_has(names, full))
			r = strv_add(names, full);
	}
	return r;
}
