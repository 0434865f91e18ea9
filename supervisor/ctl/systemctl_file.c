#include "supervisor/ctl/systemctl_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "supervisor/enable.h"
#include "supervisor/unit_dirs.h"
#include "supervisor/unit_name.h"
#include "supervisor/unit_read.h"
#include "supervisor/user_access.h"

#define ALIAS_DEPTH 4

/* Where units lie, of the system or of the coder user. */
struct place_list {
	struct identity user;
	struct unit_paths paths;
	struct unit_dirs dirs, user_dirs;
	struct enable_state enabled;
};

static void places_close(struct place_list *list)
{
	unit_dirs_close(&list->dirs);
	unit_dirs_close(&list->user_dirs);
	enable_state_free(&list->enabled);
}

static int places_open(struct place_list *list)
{
	int r = unit_paths_default(&list->paths);

	if (r < 0)
		return r;
	if (user_find(&list->user, NULL) == 0 && list->user.home[0])
		list->paths.user = &list->user;
	r = unit_dirs_open(&list->dirs, &list->paths, false);
	if (r == 0)
		r = unit_dirs_open(&list->user_dirs, &list->paths, true);
	if (r == 0)
		r = enable_state_read(&list->enabled, &list->paths);
	return r;
}

static const struct unit_dirs *dirs_of(const struct place_list *list, const char *name)
{
	return unit_name_is_user(name) ? &list->user_dirs : &list->dirs;
}

bool sc_file_has(const char *path, const char *section, const char *directive)
{
	_cleanup_fclose_ FILE *file = path ? fopen(path, "re") : NULL;
	size_t room = 0, len = strlen(section), named = strlen(directive);
	_cleanup_free_ char *line = NULL;
	bool inside = false, found = false;

	while (file && !found && getline(&line, &room, file) >= 0) {
		if (*line == '[')
			inside = strncmp(line + 1, section, len) == 0 && line[len + 1] == ']';
		else
			found = inside && *line >= 'A' && *line <= 'Z' && strchr(line, '=') &&
				strncmp(line, directive, named) == 0;
	}
	return found;
}

/* Whether a path is below one of the directories that units lie in. */
static bool is_in_dirs(const struct unit_dirs *dirs, const char *path)
{
	for (size_t i = 0; i < dirs->n; i++) {
		_cleanup_free_ char *dir = realpath(dirs->v[i].path, NULL);
		size_t len = dir ? strlen(dir) : 0;

		if (len && strncmp(path, dir, len) == 0 && path[len] == '/')
			return true;
	}
	return false;
}

static bool is_of_run(const char *path)
{
	return path && strncmp(path, "/run/", 5) == 0;
}

/* What is neither on nor off: systemctl(1), "is-enabled". */
static const char *resting_word(const struct sc_file *file)
{
	static const char *const real[] = {"WantedBy", "RequiredBy", "UpheldBy", "Alias",
					   "DefaultInstance"};

	for (size_t i = 0; i < ARRAY_LEN(real); i++)
		if (sc_file_has(file->path, "Install", real[i]))
			return "disabled";
	return sc_file_has(file->path, "Install", "Also") ? "indirect" : "static";
}

static const char *enabled_word(const struct place_list *list, const struct sc_file *file,
				const struct unit_place *place, const char *link)
{
	if (place->kind == PLACE_NONE)
		return "not-found";
	if (file->masked)
		return is_of_run(file->path) ? "masked-runtime" : "masked";
	/* A link that leads nowhere, or a file that nobody may read. */
	if (access(file->path, R_OK) < 0)
		return "bad";
	if (enable_state_is_disabled(&list->enabled, place->name))
		return "disabled";
	if (place->module || enable_state_has(&list->enabled, place->name))
		return "enabled";
	if (link && !is_in_dirs(dirs_of(list, place->name), file->path))
		return is_of_run(link) ? "linked-runtime" : "linked";
	return resting_word(file);
}

static int find(const struct place_list *list, const char *name, struct sc_file *file)
{
	struct unit_place place = {0};
	const char *link;
	char next[UNIT_NAME_MAX];
	bool module = false;
	int r;

	r = unit_dirs_find(dirs_of(list, name), name, &place);
	for (unsigned i = 0; r == 0 && place.kind == PLACE_ALIAS && i < ALIAS_DEPTH; i++) {
		module = module || place.module;
		free(place.path);
		snprintf(next, sizeof(next), "%s", place.name);
		r = unit_dirs_find(dirs_of(list, next), next, &place);
	}
	place.module = place.module || module;
	file->masked = place.kind == PLACE_MASKED;
	if (place.kind == PLACE_FILE)
		/* Through links, as systemd shows it. */
		file->path = realpath(place.path, NULL);
	link = file->path && strcmp(file->path, place.path) != 0 ? place.path : NULL;
	if (!file->path)
		file->path = place.path ? strdup(place.path) : NULL;
	if (place.path && !file->path)
		r = -ENOMEM;
	file->module = place.module;
	snprintf(file->name, sizeof(file->name), "%s", place.name);
	if (r == 0)
		file->enabled = enabled_word(list, file, &place, link);
	free(place.path);
	return r;
}

static int read_unit(const struct place_list *list, const struct sc_file *file, struct unit **unit)
{
	_cleanup_(problems_free) struct problems problems = {0};
	bool masked;

	*unit = NULL;
	if (!file->path || file->masked)
		return 0;
	return unit_read(file->path, file->name, dirs_of(list, file->name), list->paths.user, unit,
			 &masked, &problems);
}

int sc_file_find(const char *name, struct sc_file *file)
{
	_cleanup_(places_close) struct place_list list = {0};
	struct unit *unit = NULL;
	char where[512];
	int r = places_open(&list);

	*file = (struct sc_file){.enabled = "not-found"};
	if (r == 0)
		r = find(&list, name, file);
	if (r == 0)
		r = read_unit(&list, file, &unit);
	if (r == 0 && file->path && !file->masked)
		/* A directory that cannot be read is for the supervisor to complain about. */
		unit_dirs_dropins(dirs_of(&list, file->name), file->name,
				  unit ? &unit->install.alias : NULL, &file->dropins, where);
	unit_free(unit);
	return r;
}

int sc_file_read(const char *name, struct unit **unit)
{
	_cleanup_(places_close) struct place_list list = {0};
	_cleanup_(sc_file_free) struct sc_file file = {.enabled = "not-found"};
	int r = places_open(&list);

	*unit = NULL;
	if (r == 0)
		r = find(&list, name, &file);
	return r < 0 ? r : read_unit(&list, &file, unit);
}

void sc_file_free(struct sc_file *file)
{
	free(file->path);
	file->path = NULL;
	strv_free(&file->dropins);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int sc_file_list(bool user, struct strv *names, struct strv *words)
{
	_cleanup_(places_close) struct place_list list = {0};
	int r = places_open(&list);

	if (r == 0)
		r = unit_dirs_list(user ? &list.user_dirs : &list.dirs, false, names);
	if (names->n)
		qsort(names->v, names->n, sizeof(*names->v), by_name);
	for (size_t i = 0; i < names->n && r == 0; i++) {
		_cleanup_(sc_file_free) struct sc_file file = {0};
		char full[UNIT_NAME_MAX + sizeof(UNIT_USER_PREFIX)];

		snprintf(full, sizeof(full), "%s%s", user ? UNIT_USER_PREFIX : "", names->v[i]);
		r = find(&list, full, &file);
		if (r == 0)
			r = strv_add(words, strcmp(full, file.name) == 0 || file.masked
						    ? file.enabled
						    : "alias");
	}
	return r;
}

int sc_file_change(enum enable_verb verb, const char *name, struct err *err)
{
	_cleanup_(places_close) struct place_list list = {0};
	_cleanup_(enable_changes_free) struct enable_changes changes = {0};
	char unit[UNIT_NAME_MAX] = "";
	int r = places_open(&list);

	if (r < 0)
		return err_sys(err, r, "%s", name);
	return enable_change(&list.paths, verb, name, unit, &changes, err);
}
