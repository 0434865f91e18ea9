#include "supervisor/enable.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"
#include "supervisor/unit_builtin.h"
#include "supervisor/unit_name.h"

static int read_names(const char *path, struct strv *names, struct name_index *index)
{
	_cleanup_closedir_ DIR *d = opendir(path);
	struct dirent *entry;
	int r = 0;

	while (d && r >= 0 && (entry = readdir(d))) {
		if (!unit_name_valid(entry->d_name) || unit_name_is_user(entry->d_name))
			continue;
		r = strv_add(names, entry->d_name);
		if (r == 0)
			r = name_index_add(index, names->v[names->n - 1], NULL);
	}
	return r < 0 ? r : 0;
}

/* The user's own: what lies in the .wants directories of the targets that are reached at boot. */
static int read_user(struct enable_state *state, const struct unit_dirs *dirs)
{
	static const char *const targets[] = {"user:default.target", "user:basic.target",
					      "user:sockets.target"};
	_cleanup_(strv_free) struct strv names = {0};
	int r = 0;

	for (size_t i = 0; i < ARRAY_LEN(targets) && r == 0; i++)
		r = unit_dirs_links(dirs, targets[i], ".wants", &names);
	for (size_t i = 0; i < names.n && r >= 0; i++) {
		r = strv_add(&state->enabled, names.v[i]);
		if (r == 0)
			r = name_index_add(&state->is_enabled,
					   state->enabled.v[state->enabled.n - 1], NULL);
	}
	return r < 0 ? r : 0;
}

int enable_state_read(struct enable_state *state, const struct unit_paths *paths,
		      const struct unit_dirs *user_dirs)
{
	char path[512];
	int r = 0;

	*state = (struct enable_state){0};
	if (paths->config) {
		snprintf(path, sizeof(path), "%s/enabled", paths->config);
		r = read_names(path, &state->enabled, &state->is_enabled);
		snprintf(path, sizeof(path), "%s/disabled", paths->config);
		if (r == 0)
			r = read_names(path, &state->disabled, &state->is_disabled);
	}
	return r == 0 && user_dirs->n ? read_user(state, user_dirs) : r;
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
