/*
 * enable_change.c - enable, disable, mask and unmask: links that come and go.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "supervisor/enable.h"
#include "supervisor/unit_name.h"
#include "supervisor/unit_read.h"
#include "supervisor/user_access.h"

/* Also= of Also= of …. */
#define ALSO_MAX 64

/* One request. */
struct changing {
	const struct unit_paths *paths;
	enum enable_verb verb;
	struct unit_dirs dirs;
	struct strv done; /* the units that were seen to */
	struct enable_changes *changes;
};

static int change_add(struct changing *c, const char *unit, const char *path, const char *target)
{
	struct enable_changes *changes = c->changes;
	struct enable_change *grown = reallocarray(changes->v, changes->n + 1, sizeof(*changes->v));
	struct enable_change one = {.unit = strdup(unit),
				    .path = strdup(path),
				    .target = target ? strdup(target) : NULL};

	if (grown)
		changes->v = grown;
	if (!grown || !one.unit || !one.path || (target && !one.target)) {
		free(one.unit);
		free(one.path);
		free(one.target);
		return -ENOMEM;
	}
	changes->v[changes->n++] = one;
	return 0;
}

void enable_changes_free(struct enable_changes *changes)
{
	for (size_t i = 0; i < changes->n; i++) {
		free(changes->v[i].unit);
		free(changes->v[i].path);
		free(changes->v[i].target);
	}
	free(changes->v);
	strv_free(&changes->notes);
	*changes = (struct enable_changes){0};
}

static int note(struct changing *c, const char *name, const char *what)
{
	char text[256];

	snprintf(text, sizeof(text), "%s %s", name, what);
	return strv_add(&c->changes->notes, text);
}

/* Makes DIR with all that is missing above it. */
static int make_dirs(const char *dir, struct err *err)
{
	char path[512];

	snprintf(path, sizeof(path), "%s", dir);
	for (char *p = strchr(path + 1, '/');; p = strchr(p + 1, '/')) {
		if (p)
			*p = '\0';
		if (mkdir(path, 0755) < 0 && errno != EEXIST)
			return err_sys(err, -errno, "%s cannot be made", path);
		if (!p)
			return 0;
		*p = '/';
	}
}

static bool links_to(const char *path, const char *target)
{
	char text[512];
	ssize_t len = readlink(path, text, sizeof(text) - 1);

	if (len < 0)
		return false;
	text[len] = '\0';
	return strcmp(text, target) == 0;
}

/* The link is there at once or not at all: made aside, and put in place. */
static int put_link(struct changing *c, const char *unit, const char *dir, const char *target,
		    struct err *err)
{
	char path[512], aside[560];
	struct stat st;
	int r;

	snprintf(path, sizeof(path), "%s/%s", dir, unit_name_file(unit));
	snprintf(aside, sizeof(aside), "%s/.#%s.new", dir, unit_name_file(unit));
	if (links_to(path, target))
		return 0;
	if (lstat(path, &st) == 0 && !S_ISLNK(st.st_mode))
		return err_set(err, -EEXIST,
			       "there is a file at %s, which is no link: move it away", path);
	r = make_dirs(dir, err);
	if (r < 0)
		return r;
	unlink(aside);
	if (symlink(target, aside) < 0 || rename(aside, path) < 0) {
		r = err_sys(err, -errno, "%s cannot be made", path);
		unlink(aside);
		return r;
	}
	return change_add(c, unit, path, target) < 0 ? err_sys(err, -ENOMEM, "%s", unit) : 0;
}

/* Never a file that somebody wrote. */
static int take_link(struct changing *c, const char *unit, const char *dir, struct err *err)
{
	char path[512];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", dir, unit_name_file(unit));
	if (lstat(path, &st) < 0 || !S_ISLNK(st.st_mode))
		return 0;
	if (unlink(path) < 0)
		return err_sys(err, -errno, "%s cannot be taken away", path);
	return change_add(c, unit, path, NULL) < 0 ? err_sys(err, -ENOMEM, "%s", unit) : 0;
}

/* The directory of this kind of links. */
static void links_dir(const struct changing *c, const char *unit, const char *kind, char dir[400])
{
	if (!unit_name_is_user(unit))
		snprintf(dir, 400, "%s/%s", c->paths->config, kind);
	else if (strcmp(kind, "modules") == 0)
		snprintf(dir, 400, "%s/.config/systemd/user", c->paths->user->home);
	else
		snprintf(dir, 400, "%s/.config/systemd/user/default.target.wants",
			 c->paths->user->home);
}

bool install_is_empty(const struct unit_install *install)
{
	return !install->wanted_by.n && !install->required_by.n && !install->upheld_by.n &&
	       !install->alias.n && !install->also.n;
}

static int change_one(struct changing *c, const char *name, char *unit, struct err *err);

/* Off at boot, or on: of a module the one, of all others the other is a link. */
static int switch_one(struct changing *c, const char *name, const struct unit_place *place,
		      const struct unit *unit, struct err *err)
{
	bool on = c->verb == VERB_ENABLE || (c->verb == VERB_PRESET && place->module);
	char enabled[400], disabled[400];
	int r = 0;

	links_dir(c, name, "enabled", enabled);
	links_dir(c, name, "disabled", disabled);
	if (on && !place->module && install_is_empty(&unit->install))
		return note(c, name,
			    "has no [Install] that says what wants it: it is started for the sake "
			    "of other units, or by hand") < 0
			       ? -ENOMEM
			       : 0;
	if (place->module && !unit_name_is_user(name))
		r = on ? take_link(c, name, disabled, err)
		       : put_link(c, name, disabled, "/dev/null", err);
	else
		r = on ? put_link(c, name, enabled, place->path, err)
		       : take_link(c, name, enabled, err);
	for (size_t i = 0; i < unit->install.also.n && r == 0 && c->verb != VERB_PRESET; i++) {
		char other[UNIT_NAME_MAX];

		r = change_one(c, unit->install.also.v[i], other, err);
		if (r == -ENOENT)
			r = note(c, unit->install.also.v[i], "does not exist, and Also= names it");
	}
	return r;
}

/* The instance of a template that has a DefaultInstance=. */
static int default_instance(const struct unit *template, char *unit, struct err *err)
{
	if (!template->install.default_instance)
		return err_set(err, -EINVAL,
			       "%s is a template without DefaultInstance=: name an instance",
			       template->name);
	if (!unit_name_instantiate(template->name, template->install.default_instance, unit))
		return err_set(err, -EINVAL, "%s: DefaultInstance= makes no good name",
			       template->name);
	return 0;
}

static int switch_found(struct changing *c, const struct unit_place *place, char *unit,
			struct err *err)
{
	_cleanup_(problems_free) struct problems problems = {0};
	struct unit *read = NULL;
	bool masked;
	int r = unit_read(place->path, unit, &c->dirs, c->paths->user, &read, &masked, &problems);

	if (r < 0)
		return err_sys(err, r, "%s", unit);
	for (size_t i = 0; i < problems.n && !read; i++)
		if (problems.v[i].fatal)
			return err_set(err, -EINVAL, "%s", problems.v[i].text);
	if (!read)
		return err_set(err, -EINVAL, "%s cannot be read", unit);
	if (unit_name_is_template(unit) && c->verb == VERB_ENABLE) {
		char instance[UNIT_NAME_MAX];

		r = default_instance(read, instance, err);
		unit_free(read);
		return r < 0 ? r : change_one(c, instance, unit, err);
	}
	r = switch_one(c, unit, place, read, err);
	unit_free(read);
	return r;
}

static int unmask(struct changing *c, const struct unit_place *place, const char *name,
		  struct err *err)
{
	char dir[400], path[512];

	links_dir(c, name, "modules", dir);
	snprintf(path, sizeof(path), "%s/%s", dir, unit_name_file(name));
	if (links_to(path, "/dev/null"))
		return take_link(c, name, dir, err);
	if (place->kind == PLACE_MASKED)
		return err_set(err, -EPERM, "%s is masked by %s, which is not ours to take away",
			       name, place->path);
	return 0;
}

/* What is left of a unit that is gone is its link. */
static int forget_gone(struct changing *c, const char *name, struct err *err)
{
	size_t before = c->changes->n;
	char dir[400];
	int r = 0;

	if (c->verb == VERB_DISABLE) {
		links_dir(c, name, "enabled", dir);
		r = take_link(c, name, dir, err);
	}
	return r < 0 || c->changes->n > before ? r
					       : err_set(err, -ENOENT, "there is no unit %s", name);
}

static int change_found(struct changing *c, struct unit_place *place, const char *name, char *unit,
			struct err *err)
{
	char dir[400];
	int r;

	snprintf(unit, UNIT_NAME_MAX, "%s", name);
	if (c->verb == VERB_UNMASK)
		return unmask(c, place, name, err);
	if (c->verb == VERB_MASK) {
		links_dir(c, name, "modules", dir);
		return put_link(c, name, dir, "/dev/null", err);
	}
	for (unsigned i = 0; i < 8 && place->kind == PLACE_ALIAS; i++) {
		snprintf(unit, UNIT_NAME_MAX, "%s", place->name);
		free(place->path);
		r = unit_dirs_find(&c->dirs, unit, place);
		if (r < 0)
			return err_sys(err, r, "%s", name);
	}
	if (place->kind == PLACE_MASKED)
		return err_set(err, -EPERM, "%s is masked", unit);
	if (place->kind != PLACE_FILE)
		return forget_gone(c, unit, err);
	if (unit_kind_of(unit) == KIND_OTHER)
		return err_set(err, -EINVAL, "%s: units of this kind are not run here", unit);
	return switch_found(c, place, unit, err);
}

static int change_one(struct changing *c, const char *name, char *unit, struct err *err)
{
	struct unit_place place = {0};
	int r;

	snprintf(unit, UNIT_NAME_MAX, "%s", name);
	if (strv_has(&c->done, name) || c->done.n >= ALSO_MAX)
		return 0;
	r = strv_add(&c->done, name);
	if (r == 0)
		r = unit_dirs_find(&c->dirs, name, &place);
	if (r < 0)
		return err_sys(err, r, "%s", name);
	r = change_found(c, &place, name, unit, err);
	free(place.path);
	return r;
}

int enable_change(const struct unit_paths *paths, enum enable_verb verb, const char *name,
		  char *unit, struct enable_changes *changes, struct err *err)
{
	struct changing c = {.paths = paths, .verb = verb, .changes = changes};
	bool user = unit_name_is_user(name), begun;
	int r;

	if (!unit_name_valid(name))
		return err_set(err, -ENOENT, "there is no unit %.200s", name);
	if (user && !(paths->user && paths->user->home[0]))
		return err_set(err, -ENOENT, "there is no unit %s: there is no coder user", name);
	if (!user && !paths->config)
		return err_set(err, -EROFS, "there is no directory to keep that in");
	/* Into a home only with the rights of its owner. */
	begun = user && user_access_begin(paths->user);
	r = unit_dirs_open(&c.dirs, paths, user);
	r = r < 0 ? err_sys(err, r, "%s", name) : change_one(&c, name, unit, err);
	unit_dirs_close(&c.dirs);
	user_access_end(begun);
	strv_free(&c.done);
	return r;
}

const char *enable_word(const struct enable_state *state, const struct unit_place *place,
			const char *name, const struct unit_install *install)
{
	if (place->kind == PLACE_MASKED)
		return "masked";
	if (place->kind == PLACE_ALIAS)
		return "alias";
	if (place->module)
		return enable_state_is_disabled(state, name) ? "disabled" : "enabled";
	if (enable_state_has(state, name))
		return "enabled";
	return install_is_empty(install) ? "static" : "disabled";
}
