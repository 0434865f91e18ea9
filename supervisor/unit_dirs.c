#include "supervisor/unit_dirs.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "common/cleanup.h"
#include "supervisor/directive.h"
#include "supervisor/unit_name.h"

static const char *const default_modules[] = {"/etc/hakim/modules", HAKIM_LIBDIR "/modules", NULL};

static const char own_units[] = HAKIM_LIBDIR "/units";

/* systemd.unit(5), "System Unit Search Path", without those that systemd's own tools write; and
 * what our own targets stand for. */
static const char *const default_system[] = {
	"/etc/systemd/system",
	"/run/systemd/system",
	"/usr/local/lib/systemd/system",
	"/usr/lib/systemd/system",
	"/lib/systemd/system",
	own_units,
	NULL,
};

static const char *const user_dirs[] = {
	"/etc/systemd/user",
	"/usr/local/lib/systemd/user",
	"/usr/lib/systemd/user",
};

/* The words of a variable with colons between. */
static int split_dirs(const char *variable, const char *const *otherwise, const char *const **dirs)
{
	struct strv list = {0};
	const char *at = getenv(variable);

	while (at && *at) {
		size_t len = strcspn(at, ":");

		if (len && strv_add_len(&list, at, len) < 0) {
			strv_free(&list);
			return -ENOMEM;
		}
		at += len;
		at += *at == ':';
	}
	*dirs = list.n ? (const char *const *)list.v : otherwise;
	return 0;
}

int unit_paths_default(struct unit_paths *paths)
{
	const char *config = getenv("HAKIM_CONFIG_DIR");
	int r;

	*paths = (struct unit_paths){.config = config && *config == '/' ? config : "/etc/hakim"};
	r = split_dirs("HAKIM_MODULE_DIRS", default_modules, &paths->modules);
	return r < 0 ? r : split_dirs("HAKIM_UNIT_DIRS", default_system, &paths->system);
}

static void free_dirs(const char *const *dirs, const char *const *otherwise)
{
	if (!dirs || dirs == otherwise)
		return;
	for (size_t i = 0; dirs[i]; i++)
		free((char *)dirs[i]);
	free((char **)dirs);
}

void unit_paths_free(struct unit_paths *paths)
{
	free_dirs(paths->modules, default_modules);
	free_dirs(paths->system, default_system);
	*paths = (struct unit_paths){0};
}

static bool is_known(const struct unit_dirs *dirs, const struct stat *st)
{
	for (size_t i = 0; i < dirs->n; i++) {
		struct stat other;

		if (stat(dirs->v[i].path, &other) == 0 && other.st_dev == st->st_dev &&
		    other.st_ino == st->st_ino)
			return true;
	}
	return false;
}

/* What cannot be listed has no directories in it; who lists the units of it says why. */
static int list_subs(const char *path, struct strv *subs, struct name_index *has_sub)
{
	static const char *const suffixes[] = {".d", ".wants", ".requires"};
	_cleanup_closedir_ DIR *d = opendir(path);
	struct dirent *entry;
	int r = 0;

	while (d && r >= 0 && (entry = readdir(d))) {
		const char *dot = strrchr(entry->d_name, '.');

		for (size_t i = 0; dot && i < ARRAY_LEN(suffixes) && r >= 0; i++) {
			if (strcmp(dot, suffixes[i]) != 0)
				continue;
			r = strv_add(subs, entry->d_name);
			if (r == 0)
				r = name_index_add(has_sub, subs->v[subs->n - 1], NULL);
		}
	}
	return r < 0 ? r : 0;
}

static int dirs_add(struct unit_dirs *dirs, const char *path, bool module)
{
	struct stat st;
	char *text;

	if (stat(path, &st) < 0) {
		if (errno == ENOENT || errno == EACCES)
			return 0;
		return problem_add(&dirs->problems,
				   asprintf(&text, "%s: %s", path, strerror(errno)) < 0 ? NULL
											: text,
				   true, NULL);
	}
	if (!S_ISDIR(st.st_mode))
		return problem_add(&dirs->problems,
				   asprintf(&text, "%s: %s", path, strerror(ENOTDIR)) < 0 ? NULL
											  : text,
				   true, NULL);
	if (dirs->n == UNIT_DIRS_MAX || is_known(dirs, &st))
		return 0;
	dirs->v[dirs->n].path = strdup(path);
	if (!dirs->v[dirs->n].path)
		return -ENOMEM;
	dirs->v[dirs->n].module = module;
	dirs->n++;
	return list_subs(path, &dirs->v[dirs->n - 1].subs, &dirs->v[dirs->n - 1].has_sub);
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* "" and /dev/null hide what is behind them. A name that cannot be read is left for the reader. */
static bool is_mask(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return false;
	return (S_ISREG(st.st_mode) && st.st_size == 0) ||
	       (S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3));
}

/* The unit that a link named `file` stands for, where that is another one. */
static bool is_alias(const char *path, const char *file, char target[static UNIT_NAME_MAX])
{
	_cleanup_free_ char *real = NULL;
	char template[UNIT_NAME_MAX];
	struct stat st;
	const char *to;
	size_t at;

	if (lstat(path, &st) < 0 || !S_ISLNK(st.st_mode) || !(real = realpath(path, NULL)))
		return false;
	to = base_name(real);
	if (!unit_name_valid(to) || strcmp(to, file) == 0 || unit_kind_of(to) != unit_kind_of(file))
		return false;
	/* x@1.service → x@.service is no other name but the instance itself; → y@.service is y@1.
	 */
	if (unit_name_is_template(to) && unit_name_is_instance(file, &at)) {
		char instance[UNIT_NAME_MAX];

		if (unit_name_template(file, template) && strcmp(template, to) == 0)
			return false;
		snprintf(instance, sizeof(instance), "%.*s", (int)(unit_stem(file) - at - 1),
			 file + at + 1);
		return unit_name_instantiate(to, instance, target);
	}
	snprintf(target, UNIT_NAME_MAX, "%s", to);
	return true;
}

/* Looks for one file name in all directories. 0: it is not there; 1: *place says what it is. */
static int find_file(const struct unit_dirs *dirs, const char *file, struct unit_place *place)
{
	for (size_t i = 0; i < dirs->n; i++) {
		_cleanup_free_ char *path = NULL;
		struct stat st;

		if (asprintf(&path, "%s/%s", dirs->v[i].path, file) < 0) {
			path = NULL;
			return -ENOMEM;
		}
		if (lstat(path, &st) < 0)
			continue;
		place->module = dirs->v[i].module;
		place->kind = PLACE_FILE;
		if (is_mask(path))
			place->kind = PLACE_MASKED;
		else if (is_alias(path, file, place->name))
			place->kind = PLACE_ALIAS;
		place->path = steal_ptr(&path);
		return 1;
	}
	return 0;
}

/* An alias whose unit is not in any directory is a link to a file elsewhere: a unit of its own. */
static int settle_alias(const struct unit_dirs *dirs, const char *file, struct unit_place *place)
{
	struct unit_place target = {0};
	int r = find_file(dirs, place->name, &target);

	free(target.path);
	if (r == 0 && unit_name_template(place->name, target.name)) {
		char template[UNIT_NAME_MAX];

		snprintf(template, sizeof(template), "%s", target.name);
		r = find_file(dirs, template, &target);
		free(target.path);
	}
	if (r == 0) {
		place->kind = PLACE_FILE;
		snprintf(place->name, sizeof(place->name), "%s", file);
	}
	return r < 0 ? r : 0;
}

int unit_dirs_find(const struct unit_dirs *dirs, const char *name, struct unit_place *place)
{
	const char *file = unit_name_file(name);
	char template[UNIT_NAME_MAX], plain[UNIT_NAME_MAX];
	int r;

	*place = (struct unit_place){0};
	if (!unit_name_valid(name))
		return 0;
	snprintf(place->name, sizeof(place->name), "%s", file);
	r = find_file(dirs, file, place);
	if (r == 0 && unit_name_template(file, template)) {
		r = find_file(dirs, template, place);
		if (r == 1 && place->kind == PLACE_ALIAS && unit_name_is_template(place->name)) {
			size_t at = strcspn(file, "@") + 1;
			char instance[UNIT_NAME_MAX], full[UNIT_NAME_MAX];

			snprintf(instance, sizeof(instance), "%.*s", (int)(unit_stem(file) - at),
				 file + at);
			if (!unit_name_instantiate(place->name, instance, full))
				place->kind = PLACE_NONE;
			snprintf(place->name, sizeof(place->name), "%s", full);
		}
	}
	if (r == 1 && place->kind == PLACE_ALIAS)
		r = settle_alias(dirs, file, place);
	if (r < 0)
		return r;
	if (unit_name_is_user(name)) {
		snprintf(plain, sizeof(plain), "%s", place->name);
		snprintf(place->name, sizeof(place->name), UNIT_USER_PREFIX "%.*s",
			 (int)(sizeof(place->name) - sizeof(UNIT_USER_PREFIX)), plain);
	}
	return 0;
}

/* Few names have a NAME.d, so this is the cheap way to find the aliases whose drop-ins count. */
static int list_dropin_aliases(struct unit_dirs *dirs)
{
	int r = 0;

	for (size_t i = 0; i < dirs->n; i++)
		for (size_t k = 0; k < dirs->v[i].subs.n && r == 0; k++) {
			struct unit_place place = {0};
			char name[UNIT_NAME_MAX];
			const char *sub = dirs->v[i].subs.v[k];
			size_t len = strlen(sub);

			if (len < 3 || len - 2 >= sizeof(name) || strcmp(sub + len - 2, ".d") != 0)
				continue;
			snprintf(name, sizeof(name), "%.*s", (int)len - 2, sub);
			if (strv_has(&dirs->dropin_aliases, name))
				continue;
			r = unit_dirs_find(dirs, name, &place);
			free(place.path);
			if (r < 0 || place.kind != PLACE_ALIAS)
				continue;
			r = strv_add(&dirs->dropin_aliases, name);
			if (r == 0)
				r = strv_add(&dirs->dropin_units, place.name);
		}
	return r;
}

int unit_dirs_open(struct unit_dirs *dirs, const struct unit_paths *paths, bool user)
{
	char home[400];
	int r = 0;

	*dirs = (struct unit_dirs){0};
	if (!user) {
		for (size_t i = 0; paths->modules && paths->modules[i] && r == 0; i++)
			r = dirs_add(dirs, paths->modules[i], true);
		for (size_t i = 0; paths->system && paths->system[i] && r == 0; i++)
			r = dirs_add(dirs, paths->system[i], false);
	} else if (paths->user && paths->user->home[0] == '/') {
		snprintf(home, sizeof(home), "%s/.config/systemd/user", paths->user->home);
		r = dirs_add(dirs, home, false);
		for (size_t i = 0; i < ARRAY_LEN(user_dirs) && r == 0; i++)
			r = dirs_add(dirs, user_dirs[i], false);
	}
	if (r == 0)
		r = list_dropin_aliases(dirs);
	if (r < 0)
		unit_dirs_close(dirs);
	return r;
}

void unit_dirs_close(struct unit_dirs *dirs)
{
	for (size_t i = 0; i < dirs->n; i++) {
		free(dirs->v[i].path);
		strv_free(&dirs->v[i].subs);
		name_index_free(&dirs->v[i].has_sub);
	}
	strv_free(&dirs->dropin_aliases);
	strv_free(&dirs->dropin_units);
	problems_free(&dirs->problems);
	*dirs = (struct unit_dirs){0};
}
