/*
 * systemctl_file.h - a unit as its files say: where they are, and whether it is wanted at boot.
 * Asks no supervisor, so that it is true in an image that is being built.
 */
#pragma once

#include "common/err.h"
#include "common/strv.h"
#include "supervisor/enable.h"
#include "supervisor/unit.h"

struct sc_file {
	char name[UNIT_NAME_MAX]; /* with its scope; of an alias, the unit that it means */
	char *path;               /* NULL: there is none */
	struct strv dropins;
	bool masked;
	bool module; /* of hakim's own directories: wanted at boot unless it is disabled */
	const char
		*enabled; /* the word of `systemctl is-enabled`; "not-found" where there is none */
};

/* 0 or -ENOMEM. */
int sc_file_find(const char *name, struct sc_file *file);
void sc_file_free(struct sc_file *file);
/* Whether a section of the file has an assignment that begins with these letters. A quick look, not
 * a reading of the unit. */
bool sc_file_has(const char *path, const char *section, const char *directive);
/* Reads the unit with its drop-ins. *unit is NULL where there is none, or it is masked or broken.
 * 0 or -ENOMEM; free with unit_free(). */
int sc_file_read(const char *name, struct unit **unit);
/* The names of all unit files, sorted, and of each the word of is-enabled. 0 or -ENOMEM. */
int sc_file_list(bool user, struct strv *names, struct strv *words);
/* Enables, disables, masks … without a supervisor: the next one finds it so. 0, or -errno and a
 * sentence; -ENOENT: there is no such unit. */
int sc_file_change(enum enable_verb verb, const char *name, struct err *err);
