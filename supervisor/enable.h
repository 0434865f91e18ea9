/*
 * enable.h - what `enable`, `disable` and `mask` have left behind, and how it is changed.
 *
 *	/etc/hakim/enabled/NAME   a link to the unit's file: it is wanted at boot
 *	/etc/hakim/disabled/NAME  a link to /dev/null: a module that is not wanted at boot
 *	/etc/hakim/modules/NAME   a link to /dev/null: masked
 *
 * The coder user's own units are enabled as systemd does it, by a link in
 * ~/.config/systemd/user/default.target.wants: a home outlives the container.
 */
#pragma once

#include "supervisor/name_index.h"
#include "supervisor/unit_dirs.h"

struct enable_state {
	struct strv enabled, disabled; /* names with their scope */
	struct name_index is_enabled, is_disabled;
};

/* 0 or -ENOMEM; a directory that is not there is an empty one. */
int enable_state_read(struct enable_state *state, const struct unit_paths *paths,
		      const struct unit_dirs *user_dirs);
void enable_state_free(struct enable_state *state);
bool enable_state_has(const struct enable_state *state, const char *name);
bool enable_state_is_disabled(const struct enable_state *state, const char *name);

/* True when what it is wanted by is reached at boot: one of the built-in targets. */
bool install_is_boot(const struct unit_install *install);
