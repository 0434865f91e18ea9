/*
 * id_map.h - the numbers of a user namespace: /proc/PID/uid_map and gid_map (user_namespaces(7)).
 *
 * For PID 1's children and for modules: it allocates nothing. A map has as many lines as the kernel
 * lets it have, and a number may lie in any of them or in none.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define ID_MAP_MAX 340 /* the kernel's UID_GID_MAP_MAX_EXTENTS */

struct id_map {
	unsigned n;
	struct {
		uint32_t inside, outside, count;
	} v[ID_MAP_MAX];
};

/* Reads `path` whole. 0, or a negative errno (-EINVAL: it is no map); then the map is empty. */
int id_map_read(const char *path, struct id_map *map);
/* The number that `id` has outside; false where it has none. */
bool id_map_outside(const struct id_map *map, uint32_t id, uint32_t *outside);
/* The highest number inside that is mapped and not above `limit`; false where there is none. */
bool id_map_highest(const struct id_map *map, uint32_t limit, uint32_t *highest);
/* The machine's own namespace: all numbers, as they are. */
bool id_map_is_whole(const struct id_map *map);
