/*
 * reload.h - reads all units anew: what is new, changed and gone since, and what follows from it.
 */
#pragma once

#include "common/err.h"
#include "supervisor/unit.h"

struct manager;

enum reload_change {
	CHANGE_NEW = 0, /* there is a unit of this name now: started if it is wanted at boot */
	CHANGE_CHANGED, /* its files say something else: restarted if it runs */
	CHANGE_REMOVED, /* it is gone: stopped */
};
const char *reload_change_name(enum reload_change change);

struct reload_diff {
	struct reload_item {
		char *unit;
		enum reload_change change;
	} * v; /* in order of name */
	size_t n;
};

enum reload_flags {
	RELOAD_DRY_RUN = 1u << 0,    /* nothing is changed at all */
	RELOAD_NO_RESTART = 1u << 1, /* definitions only: nothing starts, stops or restarts */
};

/* Pure. 0 or -ENOMEM. */
int reload_compare(const struct unit_set *old, const struct unit_set *fresh,
		   struct reload_diff *diff);
void reload_diff_free(struct reload_diff *diff);

/*
 * Reads all units anew. When a unit that is known cannot be read any more, nothing is changed at
 * all and the error says what is wrong. Unchanged units are not touched. `diff` may be NULL.
 */
int manager_reload(struct manager *m, unsigned flags, struct reload_diff *diff, struct err *err);
