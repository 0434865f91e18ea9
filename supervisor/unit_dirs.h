/*
 * unit_dirs.h - the directories that units lie in, and what is in them: unit files by name,
 * aliases, masks, drop-ins, NAME.wants/. Reads directories and links only, never a unit file; makes
 * nothing.
 */
#pragma once

#include "common/err.h"
#include "common/strv.h"
#include "supervisor/identity.h"
#include "supervisor/name_index.h"
#include "supervisor/unit.h"

#define UNIT_DIRS_MAX 16

/* Where to look; what it points to must outlive it. */
struct unit_paths {
	const char *const
		*modules; /* NULL-terminated: every unit there is loaded, and wanted at boot */
	const char *const *system; /* NULL-terminated or NULL: units there are found by name */
	const char *config;        /* /etc/hakim, with enabled/ and disabled/ (enable.h), or NULL */
	const struct identity *user; /* whose the user units are; NULL or not set: there are none */
};

/* The paths of this system: what HAKIM_MODULE_DIRS, HAKIM_UNIT_DIRS (both with colons between) and
 * HAKIM_CONFIG_DIR say, else the built-in ones. -ENOMEM. */
int unit_paths_default(struct unit_paths *paths);
void unit_paths_free(struct unit_paths *paths);

/* The directories of one scope that are there, each once: /lib is often a link to /usr/lib. */
struct unit_dirs {
	struct {
		char *path;
		bool module;
		/* Its NAME.d, NAME.wants and NAME.requires: few have one, and who asks for each of
		 * them by its name asks often. */
		struct strv subs;
		struct name_index has_sub;
	} v[UNIT_DIRS_MAX];
	size_t n;
	/* Aliases that have a NAME.d, and of each the unit that it means (names of files). */
	struct strv dropin_aliases, dropin_units;
	struct problems problems; /* a directory that cannot be read, one each */
};

int unit_dirs_open(struct unit_dirs *dirs, const struct unit_paths *paths, bool user);
void unit_dirs_close(struct unit_dirs *dirs);

enum unit_place_kind {
	PLACE_NONE = 0, /* there is no such unit */
	PLACE_FILE,     /* `path` is its file: its own or its template's */
	PLACE_ALIAS,    /* another name of the unit `name` */
	PLACE_MASKED,   /* an empty file or a link to /dev/null stands in its way: `path` */
};

struct unit_place {
	enum unit_place_kind kind;
	char name[UNIT_NAME_MAX]; /* of the unit, with its scope; only for an alias another one */
	char *path;               /* the caller frees it */
	bool module;              /* of a directory of modules */
};

/* Finds a unit by its name. 0 or -ENOMEM; a name that is no good is not found. */
int unit_dirs_find(const struct unit_dirs *dirs, const char *name, struct unit_place *place);
/* The names (of files, without scope) of all units in the directories of modules, or in all of
 * them. */
int unit_dirs_list(struct unit_dirs *dirs, bool modules_only, struct strv *names);
/* Paths of the drop-ins of a unit, in the order in which they apply: under its name, under those of
 * links that lead to it, and under those of `aliases` (its Alias=; or NULL) that are no other
 * unit's. A directory that cannot be read is a negative errno and `where` (room for 512). */
int unit_dirs_dropins(const struct unit_dirs *dirs, const char *name, const struct strv *aliases,
		      struct strv *paths, char *where);
/* What lies in NAME.wants/ (`suffix` ".wants") of all of them, also of its template; with scope. */
int unit_dirs_links(const struct unit_dirs *dirs, const char *name, const char *suffix,
		    struct strv *names);
