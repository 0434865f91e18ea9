/*
 * volume.h - the templates of a store: listed, looked for, removed; by the API or in a directory.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "image/proxmox.h"

struct volume {
	char *volid;      /* "local:vztmpl/hakim-js_latest.tar" */
	const char *file; /* what is behind its last slash; points into volid */
	uint64_t size;
	int64_t made; /* seconds since 1970 */
};

struct volumes {
	struct volume *v;
	size_t n;
};

void volumes_free(struct volumes *list); /* also for _cleanup_(volumes_free) */
const struct volume *volumes_find(const struct volumes *list, const char *volid);

/* Whether Proxmox takes a file of this name for a template. Pure. */
bool volume_is_template(const char *file);

/* Those that the node sees, newest first. */
int volumes_ask(struct proxmox *proxmox, const char *node, const char *store, struct volumes *list,
		struct err *err);
/* Those in a directory of this machine. `store` is for their names; "" makes them plain. */
int volumes_read(const char *dir, const char *store, struct volumes *list, struct err *err);

/* Removes it, and looks that it is gone. `here`: the node is this machine. */
int volume_remove(struct proxmox *proxmox, const char *node, const char *store, const char *volid,
		  bool here, struct err *err);
