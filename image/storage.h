/*
 * storage.h - the stores of Proxmox, as /etc/pve/storage.cfg has them.
 *
 * storage_parse() is pure. A line that it does not know is passed over, as Proxmox does; what it
 * knows is read as Proxmox reads it. Nothing here writes.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"

/* The most that is read of a configuration. */
#define STORAGE_TEXT_MAX (1u << 20)
#define STORAGE_ID_MAX   128

struct storage {
	char id[STORAGE_ID_MAX];
	char type[32]; /* "dir", "nfs", "lvmthin", … */
	char *path;    /* NULL: it has none, and is no directory */
	char *content; /* "vztmpl,iso" or NULL, which is the type's default */
	char *content_dirs;
	char *nodes;         /* "a,b" or NULL: all */
	char *is_mountpoint; /* "yes", a path, or NULL */
	bool disable, shared;
};

struct storages {
	struct storage *v;
	size_t n;
};

/* Reads a whole storage.cfg. A store `local` is always there, as in Proxmox. */
int storage_parse(const char *text, size_t len, struct storages *list, struct err *err);
/* The same, from DIR/storage.cfg; a file that is not there has only `local`. */
int storage_load(const char *dir, struct storages *list, struct err *err);
/* Also for _cleanup_(storages_free). */
void storages_free(struct storages *list);

const struct storage *storage_find(const struct storages *list, const char *id);

/* Whether it lies in a directory. */
bool storage_is_directory(const struct storage *storage);
bool storage_is_shared(const struct storage *storage);
/* -EINVAL with a sentence when `node` cannot have templates in it: disabled, of other nodes,
 * without vztmpl. */
int storage_check(const struct storage *storage, const char *node, struct err *err);
/* The directory of its templates, to be freed. */
char *storage_templates(const struct storage *storage);
/* -EINVAL with a sentence when it should be mounted, and is not, or cannot be written to. `make`:
 * the directory of its templates is made where it is missing. */
int storage_check_directory(const struct storage *storage, bool make, struct err *err);

/* Where Proxmox keeps its configuration: /etc/pve, or $HAKIM_PVE_DIR. */
const char *storage_pve(void);
