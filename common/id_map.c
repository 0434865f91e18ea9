#include "common/id_map.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* What has been read of a line: three numbers, with spaces before each. */
struct parser {
	uint64_t field[3];
	unsigned fields;
	bool digits; /* the last one goes on */
};

static int take_line(struct parser *p, struct id_map *map)
{
	if (p->fields == 0)
		return 0;
	if (p->fields != 3 || map->n == ID_MAP_MAX)
		return -EINVAL;
	map->v[map->n].inside = (uint32_t)p->field[0];
	map->v[map->n].outside = (uint32_t)p->field[1];
	map->v[map->n].count = (uint32_t)p->field[2];
	map->n++;
	*p = (struct parser){.fields = 0};
	return 0;
}

static int take_char(struct parser *p, char c, struct id_map *map)
{
	if (c == '\n')
		return take_line(p, map);
	if (c == ' ' || c == '\t') {
		p->digits = false;
		return 0;
	}
	if (c < '0' || c > '9')
		return -EINVAL;
	if (!p->digits && p->fields == 3)
		return -EINVAL;
	if (!p->digits)
		p->field[p->fields++] = 0;
	p->digits = true;
	p->field[p->fields - 1] = p->field[p->fields - 1] * 10 + (uint64_t)(c - '0');
	return p->field[p->fields - 1] > UINT32_MAX ? -EINVAL : 0;
}

int id_map_read(const char *path, struct id_map *map)
{
	struct parser p = {.fields = 0};
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	char buf[1024];
	ssize_t n;
	int r = 0;

	map->n = 0;
	if (fd < 0)
		return -errno;
	while (r == 0 && (n = read(fd, buf, sizeof(buf))) != 0) {
		if (n < 0)
			r = -errno;
		for (ssize_t i = 0; i < n && r == 0; i++)
			r = take_char(&p, buf[i], map);
	}
	close(fd);
	if (r == 0)
		r = take_line(&p, map);
	if (r < 0)
		map->n = 0;
	return r;
}

bool id_map_outside(const struct id_map *map, uint32_t id, uint32_t *outside)
{
	for (unsigned i = 0; i < map->n; i++) {
		if (id < map->v[i].inside || id - map->v[i].inside >= map->v[i].count)
			continue;
		*outside = map->v[i].outside + (id - map->v[i].inside);
		return true;
	}
	return false;
}

bool id_map_highest(const struct id_map *map, uint32_t limit, uint32_t *highest)
{
	bool found = false;

	for (unsigned i = 0; i < map->n; i++) {
		uint32_t last = map->v[i].inside + (map->v[i].count - 1);

		if (!map->v[i].count || map->v[i].inside > limit)
			continue;
		if (last > limit || last < map->v[i].inside)
			last = limit;
		if (!found || last > *highest)
			*highest = last;
		found = true;
	}
	return found;
}

bool id_map_is_whole(const struct id_map *map)
{
	return map->n == 1 && map->v[0].inside == 0 && map->v[0].outside == 0 &&
	       map->v[0].count == UINT32_MAX;
}
