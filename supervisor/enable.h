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
int enable_state_read(struct enable_state *state, const struct unit_paths *paths);
void enable_state_free(struct enable_state *state);
bool enable_state_has(const struct enable_state *state, const char *name);
bool enable_state_is_disabled(const struct enable_state *state, const char *name);

/* True when what it is wanted by is reached at boot: one of the built-in targets. */
bool install_is_boot(const struct unit_install *install);

/* ---- enable_change.c ---- */

enum enable_verb {
	VERB_ENABLE = 0,
	VERB_DISABLE,
	VERB_PRESET, /* back to what the image says: modules on, others off */
	VERB_MASK,
	VERB_UNMASK,
};

/* What was done to the file system, in order. */
struct enable_change {
	char *unit;
	char *path;
	char *target; /* of the link; NULL: it was taken away */
};

struct enable_changes {
	struct enable_change *v;
	size_t n;
	struct strv notes; /* what else there is to say, a sentence each */
};

/*
 * Changes what a restart will find, for one unit and for what its Also= names; each link comes and
 * goes in one step. Nothing running is touched. *name of an alias, an instance or a template with
 * DefaultInstance=: `unit` (room for UNIT_NAME_MAX) is the unit that was meant. -ENOENT: there is
 * none.
 */
int enable_change(const struct unit_paths *paths, enum enable_verb verb, const char *name,
		  char *unit, struct enable_changes *changes, struct err *err);
void enable_changes_free(struct enable_changes *changes);

/* The word of `systemctl is-enabled`: "enabled", "disabled", "static", "alias", "masked". */
const char *enable_word(const struct enable_state *state, const struct unit_place *place,
			const char *name, const struct unit_install *install);
bool install_is_empty(const struct unit_install *install);
