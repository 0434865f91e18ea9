#include "supervisor/enable.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"
#include "supervisor/unit_builtin.h"
#include "supervisor/unit_name.h"
#include "supervisor/user_access.h"

/* The names in a directory, with a prefix. */
static int read_names(const char *path, const char *prefix, struct strv *names,
		      struct name_index *index)
{
	_cleanup_closedir_ DIR *d = opendir(path);
	struct dirent *entry;
	int r = 0;

	while (d && r >= 0 && (entry = readdir(d))) {
		char full[UNIT_NAME_MAX + 256];

		snprintf(full, sizeof(full), "%s%s", prefix, entry->d_name);
		if (unit_name_is_user(entry->d_name) || unit_name_is_template(full) ||
		    !unit_name_valid(full))
			continue;
		r = strv_add(names, full);
		if (r == 0)
			r = name_index_add(index, names->v[names->n - 1], NULL);
	}
	return r < 0 ? r : 0;
}

/* The user's own: what lies in the .wants directories of the targets that are reached at boot. Not
 * in those of packages, which nobody has asked for. */
static int read_user(struct enable_state *state, const struct identity *user)
{
	static const char *const targets[] = {"default.target", "basic.target", "sockets.target"};
	bool begun = user_access_begin(user);
	int r = 0;

	for (size_t i = 0; i < ARRAY_LEN(targets) && r == 0; i++) {
		char path[512];

		snprintf(path, sizeof(path), "%s/.config/systemd/user/%s.wants", user->home,
			 targets[i]);
		r = read_names(path, UNIT_USER_PREFIX, &state->enabled, &state->is_enabled);
	}
	user_access_end(begun);
	return r;
}

int enable_state_read(struct enable_state *state, const struct unit_paths *paths)
{
	char path[512];
	int r = 0;

	*state = (struct enable_state){0};
	if (paths->config) {
		snprintf(path, sizeof(path), "%s/enabled", paths->config);
		r = read_names(path, "", &state->enabled, &state->is_enabled);
		snprintf(path, sizeof(path), "%s/disabled", paths->config);
		if (r == 0)
			r = read_names(path, "", &state->disabled, &state->is_disabled);
	}
	return r == 0 && paths->user ? read_user(state, paths->user) : r;
}

void enable_state_free(struct enable_state *state)
{
	strv_free(&state->enabled);
	strv_free(&state->disabled);
	name_index_free(&state->is_enabled);
	name_index_free(&state->is_disabled);
}

bool enable_state_has(const struct enable_state *state, const char *name)
{
	return name_index_find(&state->is_enabled, name, NULL);
}

bool enable_state_is_disabled(const struct enable_state *state, const char *name)
{
	return name_index_find(&state->is_disabled, name, NULL);
}

bool install_is_boot(const struct unit_install *install)
{
	const struct strv *lists[] = {&install->wanted_by, &install->required_by,
				      &install->upheld_by};

	for (size_t k = 0; k < ARRAY_LEN(lists); k++)
		for (size_t i = 0; i < lists[k]->n; i++)
			if (unit_builtin(lists[k]->v[i]) == BUILTIN_UP)
				return true;
	return false;
}
