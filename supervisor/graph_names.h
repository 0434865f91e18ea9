/*
 * graph_names.h - from a name in a unit file to the unit's place in the set. For graph*.c alone.
 */
#pragma once

#include "supervisor/name_index.h"
#include "supervisor/unit.h"

enum graph_found {
	FOUND_NOTHING = 0, /* it could be run, and there is none of this name */
	FOUND_UNIT,
	FOUND_OTHER, /* a built-in target, a timer …: nothing that has to be waited for */
};

/* The units by all of their names. */
struct graph_names {
	const struct unit_set *set;
	struct name_index index; /* 1 + the unit's index, as a pointer */
};

int graph_names_make(struct graph_names *names, const struct unit_set *set);
void graph_names_free(struct graph_names *names);
/* Resolves a name with or without its suffix. */
enum graph_found graph_names_find(const struct graph_names *names, const char *name, size_t *index);

struct graph;
/* Appends to a list whose room is the next power of two. */
int graph_list_add(size_t **list, size_t *n, size_t value);
/* graph_relation.c: the lists of struct graph_node that are about neither order nor start. */
int graph_relations_build(struct graph *graph, const struct graph_names *names);
