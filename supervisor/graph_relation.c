/*
 * graph_relation.c - the names of units, and the relations of theirs that neither order nor pull
 * in.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/cleanup.h"
#include "supervisor/graph.h"
#include "supervisor/graph_names.h"
#include "supervisor/unit_builtin.h"

void graph_names_free(struct graph_names *names)
{
	name_index_free(&names->index);
}

int graph_names_make(struct graph_names *names, const struct unit_set *set)
{
	int r = 0;

	*names = (struct graph_names){.set = set};
	for (size_t i = 0; i < set->n && r >= 0; i++) {
		void *value = (void *)(uintptr_t)(i + 1);

		r = name_index_add(&names->index, set->v[i]->name, value);
		for (size_t k = 0; k < set->v[i]->aliases.n && r >= 0; k++)
			r = name_index_add(&names->index, set->v[i]->aliases.v[k], value);
	}
	return r < 0 ? r : 0;
}

enum graph_found graph_names_find(const struct graph_names *names, const char *name, size_t *index)
{
	char full[UNIT_NAME_MAX];
	void *value;

	if (!unit_name_valid(name)) {
		if (snprintf(full, sizeof(full), "%s.service", name) >= (int)sizeof(full))
			return FOUND_NOTHING;
		name = full;
	}
	if (name_index_find(&names->index, name, &value)) {
		*index = (size_t)(uintptr_t)value - 1;
		return FOUND_UNIT;
	}
	/* A target that nothing has loaded is a name to be ordered after, and no more. */
	if (unit_kind_of(name) == KIND_OTHER || unit_builtin(name))
		return FOUND_OTHER;
	return FOUND_NOTHING;
}

int graph_list_add(size_t **list, size_t *n, size_t value)
{
	if ((*n & (*n - 1)) == 0) {
		size_t *grown = reallocarray(*list, *n ? *n * 2 : 1, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		*list = grown;
	}
	(*list)[(*n)++] = value;
	return 0;
}

/* In which list of the unit the named one goes, and in which of the named one the unit. */
static const struct {
	enum unit_relation relation;
	enum graph_relation forward, backward;
} rows[] = {
	{RELATION_REQUISITE, GRAPH_REQUISITES, GRAPH_REQUISITE_OF},
	{RELATION_BINDS_TO, GRAPH_BINDS_TO, GRAPH_BOUND_BY},
	{RELATION_PART_OF, GRAPH_NONE, GRAPH_PARTS},
	{RELATION_CONFLICTS, GRAPH_CONFLICTS, GRAPH_CONFLICTS},
	{RELATION_UPHOLDS, GRAPH_UPHOLDS, GRAPH_UPHELD_BY},
	{RELATION_ON_FAILURE, GRAPH_ON_FAILURE, GRAPH_NONE},
	{RELATION_ON_SUCCESS, GRAPH_ON_SUCCESS, GRAPH_NONE},
	{RELATION_RELOAD_TO, GRAPH_RELOADS, GRAPH_NONE},
	{RELATION_RELOAD_FROM, GRAPH_NONE, GRAPH_RELOADS},
	{RELATION_STOP_TO, GRAPH_STOPS, GRAPH_NONE},
	{RELATION_STOP_FROM, GRAPH_NONE, GRAPH_STOPS},
};

static int add(struct graph *graph, size_t unit, enum graph_relation relation, size_t other)
{
	struct graph_list *list = &graph->v[unit].more[relation];

	return relation == GRAPH_NONE ? 0 : graph_list_add(&list->v, &list->n, other);
}

static int connect(struct graph *graph, const struct graph_names *names, size_t unit,
		   const struct strv *list, enum graph_relation forward,
		   enum graph_relation backward)
{
	size_t other;
	int r = 0;

	for (size_t i = 0; i < list->n && r == 0; i++) {
		if (graph_names_find(names, list->v[i], &other) != FOUND_UNIT || other == unit)
			continue;
		r = add(graph, unit, forward, other);
		if (r == 0)
			r = add(graph, other, backward, unit);
	}
	return r;
}

int graph_relations_build(struct graph *graph, const struct graph_names *names)
{
	int r = 0;

	for (size_t unit = 0; unit < graph->n && r == 0; unit++) {
		const struct unit *of = names->set->v[unit];

		/* What the boot wants is needed. */
		graph->v[unit].stop_when_unneeded = of->stop_when_unneeded && !of->boot;
		for (size_t k = 0; k < ARRAY_LEN(rows) && r == 0; k++)
			r = connect(graph, names, unit, &of->relations[rows[k].relation],
				    rows[k].forward, rows[k].backward);
		if (of->enabled && r == 0)
			r = connect(graph, names, unit, &of->install.upheld_by, GRAPH_UPHELD_BY,
				    GRAPH_UPHOLDS);
		/* Who wants it has it in its own list; the other way round nobody else looks. */
		for (size_t i = 0; i < graph->v[unit].n_wants && r == 0; i++)
			r = add(graph, graph->v[unit].wants[i], GRAPH_WANTED_BY, unit);
	}
	return r;
}
