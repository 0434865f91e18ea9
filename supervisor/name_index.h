/*
 * name_index.h - from a name to whatever belongs to it, in constant time: a hash table with open
 * addressing. Names are borrowed: they must live as long as they are in it. Nothing is taken out
 * but all at once.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct name_entry {
	const char *name; /* NULL: a free place */
	void *value;
};

struct name_index {
	struct name_entry *v;
	size_t n, room; /* room: 0 or a power of two, never full */
};

/* 0; 1: the name is there already and keeps its value; -ENOMEM. */
int name_index_add(struct name_index *index, const char *name, void *value);
/* True when the name is there; *value (may be NULL) is what belongs to it. */
bool name_index_find(const struct name_index *index, const char *name, void **value);
/* Also for _cleanup_(name_index_free). */
void name_index_free(struct name_index *index);
