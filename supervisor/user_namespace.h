/*
 * user_namespace.h - PrivateUsers= (systemd.exec(5)): a user namespace in which only root and the
 * unit's own user and group are themselves; all others are "nobody".
 *
 * Its parts are far apart. The maps are text that the parent makes. The child makes the namespace
 * while /proc still is the container's, but enters it last of all namespaces, so that those others
 * do not belong to it: its capabilities then count in none of them. The maps are written from
 * outside, with the container's rights, so what is forbidden is known before anything was changed.
 */
#pragma once

#include <stdbool.h>

#include "supervisor/identity.h"
#include "supervisor/sandbox.h"

struct user_map {
	bool wanted;
	bool groups;           /* setgroups(2) stays allowed in it */
	char uid[48], gid[48]; /* the content of uid_map and gid_map */
};

/* In the parent. */
void user_map_make(struct user_map *map, enum private_users kind, const struct identity *id);

/* In the child: a CLOEXEC fd of a new namespace with this map, or a negative errno. */
int user_namespace_make(const struct user_map *map);
