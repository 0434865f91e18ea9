#include "supervisor/unit.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/cleanup.h"
#include "supervisor/command.h"
#include "supervisor/directive.h"
#include "supervisor/socket.h"

/* A file of one of the directories. */
struct found {
	char *name;
	char *path;
	size_t dir; /* index of its directory: the lower wins */
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

static int found_add(struct found_list *list, const char *dir_path, const char *name, size_t dir)
{
	struct found *grown = reallocarray(list->v, list->n + 1, sizeof(*grown));
	struct found one = {.dir = dir};

	if (!grown)
		return -ENOMEM;
	list->v = grown;
	one.name = strdup(name);
	if (asprintf(&one.path, "%s/%s", dir_path, name) < 0)
		one.path = NULL;
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

	return r ? r : (x->dir > y->dir) - (x->dir < y->dir);
}

/* Sorts by name; of the same name only that of the earliest directory is left. */
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

static bool has_suffix(const char *name, const char *suffix)
{
	size_t len = strlen(name), tail = strlen(suffix);

	return len > tail && strcmp(name + len - tail, suffix) == 0;
}

/* Adds what is in the directory with the suffix. A missing directory is an empty one; another fault
 * is returned. */
static int dir_list(const char *path, const char *suffix, size_t dir, struct found_list *list)
{
	_cleanup_closedir_ DIR *d = opendir(path);
	struct dirent *entry;

	if (!d)
		return errno == ENOENT ? 0 : -errno;
	for (;;) {
		int r;

		errno = 0;
		entry = readdir(d);
		if (!entry)
			return -errno;
		if (*entry->d_name == '.' || !has_suffix(entry->d_name, suffix))
			continue;
		r = found_add(list, path, entry->d_name, dir);
		if (r < 0)
			return r;
	}
}

bool unit_name_valid(const char *name)
{
	static const char *const suffixes[] = {
		".service", ".socket", ".target", ".device", ".mount", ".automount",
		".swap",    ".timer",  ".path",   ".slice",  ".scope",
	};
	bool known = false;

	if (strlen(name) >= UNIT_NAME_MAX)
		return false;
	for (const char *p = name; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr(":_.\\@-", *p))
			return false;
	for (size_t i = 0; i < ARRAY_LEN(suffixes); i++)
		known |= has_suffix(name, suffixes[i]);
	return known && *name != '.' && *name != '@';
}

static const struct {
	const char *suffix;
	enum unit_kind kind;
} kinds[] = {
	{".service", KIND_SERVICE},
	{".socket", KIND_SOCKET},
	{".target", KIND_TARGET},
};

enum unit_kind unit_kind_of(const char *name)
{
	if (!unit_name_valid(name))
		return KIND_SERVICE;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (has_suffix(name, kinds[i].suffix))
			return kinds[i].kind;
	return KIND_OTHER;
}

size_t unit_stem(const char *name)
{
	const char *dot = unit_name_valid(name) ? strrchr(name, '.') : NULL;

	return dot ? (size_t)(dot - name) : strlen(name);
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* A link to a unit of another name is an alias in systemd; as a unit of its own it would run the
 * service twice. */
static bool is_alias(const char *path, const char *name, char target[static UNIT_NAME_MAX])
{
	_cleanup_free_ char *real = NULL;
	struct stat st;

	if (lstat(path, &st) < 0 || !S_ISLNK(st.st_mode) || !(real = realpath(path, NULL)))
		return false;
	if (!unit_name_valid(base_name(real)) || strcmp(base_name(real), name) == 0)
		return false;
	snprintf(target, UNIT_NAME_MAX, "%s", base_name(real));
	return true;
}

/* Reads one file into the load. 1: it is empty or /dev/null, which masks a unit. */
static int load_file(struct unit_load *load, const char *path)
{
	struct text_file file = {0};
	struct err err = {0};
	int r = text_file_read(path, &file, &err);

	if (r == -ENOMEM)
		return r;
	if (r < 0)
		return unit_load_fault(load, path, true, err.text);
	r = file.len ? unit_load_text(load, path, &file) : 1;
	free(file.text);
	return r;
}

/* The unit's own file. 1: it is masked. */
static int load_main(struct unit_load *load, const char *path, const char *name)
{
	char other[UNIT_NAME_MAX], text[UNIT_NAME_MAX + 80];
	const char *at = strchr(name, '@');

	load->ctx.unit->path = strdup(path);
	if (!load->ctx.unit->path)
		return -ENOMEM;
	if (!unit_name_valid(name) || unit_kind_of(name) == KIND_OTHER)
		return unit_load_fault(
			load, path, true,
			"is no valid name of a unit (letters, digits, :_.\\@-, shorter than 64, "
			"ending in .service, .socket or .target)");
	if (at && at[1] == '.')
		return unit_load_fault(load, path, true,
				       "is a template, which is not supported yet");
	if (is_alias(path, name, other)) {
		snprintf(text, sizeof(text), "is a link to %s: aliases are not supported yet",
			 other);
		return unit_load_fault(load, path, true, text);
	}
	return load_file(load, path);
}

static bool is_directory(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* NAME.service.d/ of all directories, in the order of their file names. */
static int load_dropins(struct unit_load *load, const char *const *dirs, const char *name)
{
	_cleanup_(found_free) struct found_list list = {0};
	struct unit *unit = load->ctx.unit;
	int r;

	for (size_t i = 0; dirs[i]; i++) {
		_cleanup_free_ char *path = NULL;

		if (asprintf(&path, "%s/%s.d", dirs[i], name) < 0) {
			path = NULL;
			return -ENOMEM;
		}
		r = dir_list(path, ".conf", i, &list);
		/* That the directory itself is none was told when it was listed. */
		if (r == -ENOTDIR && !is_directory(dirs[i]))
			r = 0;
		/* Half of the drop-ins may be the half that takes rights away. */
		if (r < 0 && r != -ENOMEM)
			r = unit_load_fault(load, path, true, strerror(-r));
		if (r < 0)
			return r;
	}
	found_settle(&list);
	for (size_t i = 0; i < list.n; i++) {
		r = load_file(load, list.v[i].path);
		if (r == 0)
			r = strv_add(&unit->dropins, list.v[i].path);
		if (r < 0)
			return r;
	}
	return 0;
}

/* One unit. `dirs` NULL: without drop-ins. *unit is NULL when it is masked or a problem was fatal.
 */
static int load_unit(const char *path, const char *name, const char *const *dirs,
		     struct unit **unit, bool *masked, struct problems *problems)
{
	struct problems none = {0};
	struct unit_load load;
	int r = unit_load_begin(&load, name), end;

	*masked = false;
	if (r == 0)
		r = load_main(&load, path, name);
	if (r == 1)
		*masked = true;
	else if (r == 0 && dirs)
		r = load_dropins(&load, dirs, name);
	end = unit_load_finish(&load, unit, *masked || r < 0 ? &none : problems);
	problems_free(&none);
	if (*masked || r < 0) {
		unit_free(*unit);
		*unit = NULL;
	}
	return r < 0 ? r : end;
}

static int set_add(struct unit_set *set, struct unit *unit)
{
	struct unit **grown = reallocarray(set->v, set->n + 1, sizeof(struct unit *));

	if (!grown) {
		unit_free(unit);
		return -ENOMEM;
	}
	grown[set->n++] = unit;
	set->v = grown;
	return 0;
}

static int dirs_list(struct unit_set *set, const char *const *dirs, struct found_list *list)
{
	for (size_t i = 0; dirs[i]; i++) {
		int r = 0;
		char *text;

		for (size_t k = 0; k < ARRAY_LEN(kinds) && r == 0; k++)
			r = dir_list(dirs[i], kinds[k].suffix, i, list);

		if (r < 0 && r != -ENOMEM)
			r = problem_add(&set->problems,
					asprintf(&text, "%s: %s", dirs[i], strerror(-r)) < 0 ? NULL
											     : text,
					true, NULL);
		if (r < 0)
			return r;
	}
	found_settle(list);
	return 0;
}

int unit_set_load(struct unit_set *set, const char *const *dirs, struct err *err)
{
	_cleanup_(found_free) struct found_list list = {0};
	struct unit *unit;
	bool masked;
	int r;

	*set = (struct unit_set){0};
	r = dirs_list(set, dirs, &list);
	for (size_t i = 0; i < list.n && r == 0; i++) {
		r = load_unit(list.v[i].path, list.v[i].name, dirs, &unit, &masked, &set->problems);
		if (r == 0 && unit)
			r = set_add(set, unit);
	}
	if (r == 0)
		return 0;
	unit_set_free(set);
	return err_sys(err, r, "the units cannot be loaded");
}

int unit_load_file(const char *path, struct unit **unit, struct problems *problems, struct err *err)
{
	bool masked;
	char *text;
	int r = load_unit(path, base_name(path), NULL, unit, &masked, problems);

	if (r == 0 && masked)
		r = problem_add(problems,
				asprintf(&text, "%s: is empty, which masks the unit", path) < 0
					? NULL
					: text,
				false, base_name(path));
	return r < 0 ? err_sys(err, r, "%s cannot be loaded", path) : 0;
}

static int name_order(const void *name, const void *unit)
{
	return strcmp(name, (*(struct unit *const *)unit)->name);
}

struct unit *unit_set_find(const struct unit_set *set, const char *name)
{
	struct unit **found =
		set->n ? bsearch(name, set->v, set->n, sizeof(*set->v), name_order) : NULL;

	return found ? *found : NULL;
}

void unit_set_free(struct unit_set *set)
{
	for (size_t i = 0; i < set->n; i++)
		unit_free(set->v[i]);
	free(set->v);
	problems_free(&set->problems);
	*set = (struct unit_set){0};
}

void unit_free(struct unit *unit)
{
	if (!unit)
		return;
	struct strv *lists[] = {
		&unit->dropins,          &unit->after,
		&unit->before,           &unit->wants,
		&unit->requires,         &unit->environment_default,
		&unit->environment,      &unit->environment_files,
		&unit->pass_environment, &unit->secret_pipe,
		&unit->sockets,
	};
	char *texts[] = {
		unit->name,
		unit->path,
		unit->description,
		unit->documentation,
		unit->user,
		unit->group,
		unit->working_directory,
		unit->working_directory_from,
		unit->ready_http,
	};

	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		strv_free(lists[i]);
	for (size_t i = 0; i < DIRECTORY_KINDS; i++)
		strv_free(&unit->directories[i]);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		free(texts[i]);
	for (size_t i = 0; i < unit->n_conditions; i++)
		free(unit->conditions[i].arg);
	free(unit->conditions);
	unit_exec_free(&unit->exec);
	commands_free(&unit->start_pre);
	commands_free(&unit->start);
	commands_free(&unit->stop);
	command_free(&unit->status_exec);
	socket_config_free(unit->socket);
	free(unit);
}

void problems_free(struct problems *problems)
{
	for (size_t i = 0; i < problems->n; i++) {
		free(problems->v[i].text);
		free(problems->v[i].unit);
	}
	free(problems->v);
	*problems = (struct problems){0};
}

const char *unit_type_name(enum unit_type type)
{
	static const char *const names[] = {"simple", "exec", "oneshot", "notify"};

	return type < ARRAY_LEN(names) ? names[type] : "?";
}

const char *unit_restart_name(enum unit_restart restart)
{
	static const char *const names[] = {
		"no",          "on-success", "on-failure", "on-abnormal",
		"on-watchdog", "on-abort",   "always",
	};

	return restart < ARRAY_LEN(names) ? names[restart] : "?";
}

const char *unit_kill_mode_name(enum unit_kill_mode mode)
{
	static const char *const names[] = {"control-group", "mixed", "process", "none"};

	return mode < ARRAY_LEN(names) ? names[mode] : "?";
}
