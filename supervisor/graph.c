#include "supervisor/graph.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "supervisor/name_index.h"
#include "supervisor/unit_builtin.h"

/* So many cycles are told, and so many names of one: a knot of all units has thousands. */
#define CYCLES_TOLD 16
#define NAMES_TOLD  8

/* "unit" comes after "on", or requires or wants it. */
struct edge {
	size_t unit, on;
	bool from_before; /* it was Before=unit of `on` that said so */
	bool cut;         /* left out, to break a cycle */
};

struct edges {
	struct edge *v;
	size_t n, room;
};

static void edges_free(struct edges *edges)
{
	free(edges->v);
	*edges = (struct edges){0};
}

static int edges_add(struct edges *edges, size_t unit, size_t on, bool from_before)
{
	if (edges->n == edges->room) {
		size_t room = edges->room ? edges->room * 2 : 64;
		struct edge *grown = reallocarray(edges->v, room, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		edges->v = grown;
		edges->room = room;
	}
	edges->v[edges->n++] = (struct edge){unit, on, from_before, false};
	return 0;
}

static int edge_order(const void *a, const void *b)
{
	const struct edge *x = a, *y = b;

	if (x->unit != y->unit)
		return x->unit < y->unit ? -1 : 1;
	if (x->on != y->on)
		return x->on < y->on ? -1 : 1;
	return x->from_before - y->from_before;
}

/* Sorts by unit and leaves one of each pair. */
static void edges_settle(struct edges *edges)
{
	size_t kept = 0;

	if (edges->n == 0)
		return;
	qsort(edges->v, edges->n, sizeof(*edges->v), edge_order);
	for (size_t i = 1; i < edges->n; i++)
		if (edges->v[i].unit != edges->v[kept].unit || edges->v[i].on != edges->v[kept].on)
			edges->v[++kept] = edges->v[i];
	edges->n = kept + 1;
}

enum found {
	FOUND_NOTHING = 0, /* it could be run, and there is none of this name */
	FOUND_UNIT,
	FOUND_OTHER, /* a built-in target, a timer …: nothing that has to be waited for */
};

/* The units by all of their names. */
struct names {
	const struct unit_set *set;
	struct name_index index; /* 1 + the unit's index, as a pointer */
};

static void names_free(struct names *names)
{
	name_index_free(&names->index);
}

static int names_make(struct names *names, const struct unit_set *set)
{
	int r = 0;

	*names = (struct names){.set = set};
	for (size_t i = 0; i < set->n && r >= 0; i++) {
		void *value = (void *)(uintptr_t)(i + 1);

		r = name_index_add(&names->index, set->v[i]->name, value);
		for (size_t k = 0; k < set->v[i]->aliases.n && r >= 0; k++)
			r = name_index_add(&names->index, set->v[i]->aliases.v[k], value);
	}
	return r < 0 ? r : 0;
}

/* Resolves a name with or without its suffix. */
static enum found name_find(const struct names *names, const char *name, size_t *index)
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

static int order_collect(struct edges *edges, const struct names *names, size_t unit)
{
	const struct unit_set *set = names->set;
	const struct strv *lists[] = {&set->v[unit]->after, &set->v[unit]->before};
	size_t other = 0;
	int r = 0;

	for (size_t before = 0; before < 2; before++)
		for (size_t i = 0; i < lists[before]->n && r == 0; i++)
			if (name_find(names, lists[before]->v[i], &other) == FOUND_UNIT)
				r = before ? edges_add(edges, other, unit, true)
					   : edges_add(edges, unit, other, false);
	return r;
}

static int missing_add(struct graph *graph, const struct unit_set *set, size_t unit,
		       const char *directive, const char *name)
{
	const char *why = "there is no such unit";
	char *text;

	for (size_t i = 0; i < set->problems.n; i++) {
		const struct unit_problem *p = &set->problems.v[i];

		if (p->fatal && p->unit && strcmp(p->unit, name) == 0)
			why = "this unit could not be loaded";
	}
	if (strv_has(&set->masked, name))
		why = "this unit is masked";
	if (asprintf(&text, "%s: %s=%s: %s", set->v[unit]->name, directive, name, why) < 0)
		return -ENOMEM;
	return strv_take(&graph->missing, text);
}

/* What a unit pulls in; *missing is set when one of them is not there. */
static int pulls_collect(struct graph *graph, struct edges *edges, const struct names *names_of,
			 size_t unit, bool required)
{
	const struct unit_set *set = names_of->set;
	const struct strv *names = required ? &set->v[unit]->requires : &set->v[unit]->wants;
	size_t other = 0;
	int r = 0;

	for (size_t i = 0; i < names->n && r == 0; i++) {
		switch (name_find(names_of, names->v[i], &other)) {
		case FOUND_UNIT:
			if (other != unit)
				r = edges_add(edges, unit, other, false);
			break;
		case FOUND_NOTHING:
			r = missing_add(graph, set, unit, required ? "Requires" : "Wants",
					names->v[i]);
			graph->requires_missing[unit] |= required;
			break;
		case FOUND_OTHER:
			break;
		}
	}
	return r;
}

enum colour {
	WHITE = 0, /* not seen */
	GREY,      /* on the way that led here */
	BLACK,     /* done: no cycle goes through it */
};

struct walk {
	size_t *first;         /* by unit: its first edge; one more at the end */
	size_t *next;          /* by unit: the edge to look at next */
	size_t *way;           /* the units on the way */
	unsigned char *colour; /* enum colour, by unit */
};

static void walk_free(struct walk *walk)
{
	free(walk->first);
	free(walk->next);
	free(walk->way);
	free(walk->colour);
}

static int cycle_tell(struct graph *graph, const struct unit_set *set, const size_t *way,
		      size_t len, const struct edge *edge)
{
	const char *unit = set->v[edge->unit]->name, *on = set->v[edge->on]->name;
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return -ENOMEM;
	for (size_t i = 0; i < len && i < NAMES_TOLD; i++)
		fprintf(f, "%s → ", set->v[way[i]]->name);
	if (len > NAMES_TOLD)
		fprintf(f, "… (%zu more) → ", len - NAMES_TOLD);
	fprintf(f, "%s: %s=%s of %s is left out", on, edge->from_before ? "Before" : "After",
		edge->from_before ? unit : on, edge->from_before ? on : unit);
	if (fclose(f) != 0) {
		free(text);
		return -ENOMEM;
	}
	return strv_take(&graph->cycles, text);
}

/*
 * Walks depth first from one unit, without recursion: a chain may be as long as there are units. An
 * edge back onto the way closes a cycle and is cut; what is left of the edges has none.
 */
static int walk_from(struct graph *graph, const struct unit_set *set, struct edges *edges,
		     struct walk *walk, size_t root, size_t *cut)
{
	size_t depth = 0;
	int r = 0;

	walk->way[depth++] = root;
	walk->colour[root] = GREY;
	while (depth > 0 && r == 0) {
		size_t unit = walk->way[depth - 1], start;
		struct edge *edge;

		if (walk->next[unit] == walk->first[unit + 1]) {
			walk->colour[unit] = BLACK;
			depth--;
			continue;
		}
		edge = &edges->v[walk->next[unit]++];
		if (walk->colour[edge->on] == WHITE) {
			walk->colour[edge->on] = GREY;
			walk->way[depth++] = edge->on;
		} else if (walk->colour[edge->on] == GREY) {
			edge->cut = true;
			if ((*cut)++ >= CYCLES_TOLD)
				continue;
			for (start = depth - 1; walk->way[start] != edge->on;)
				start--;
			r = cycle_tell(graph, set, walk->way + start, depth - start, edge);
		}
	}
	return r;
}

static int cycles_cut(struct graph *graph, const struct unit_set *set, struct edges *edges)
{
	_cleanup_(walk_free) struct walk walk = {
		.first = calloc(set->n + 1, sizeof(size_t)),
		.next = calloc(set->n + 1, sizeof(size_t)),
		.way = calloc(set->n + 1, sizeof(size_t)),
		.colour = calloc(set->n + 1, 1),
	};
	size_t cut = 0, at = 0;
	char *text;
	int r = 0;

	if (!walk.first || !walk.next || !walk.way || !walk.colour)
		return -ENOMEM;
	for (size_t unit = 0; unit <= set->n; unit++) {
		while (at < edges->n && edges->v[at].unit < unit)
			at++;
		walk.first[unit] = walk.next[unit] = at;
	}
	for (size_t unit = 0; unit < set->n && r == 0; unit++)
		if (walk.colour[unit] == WHITE)
			r = walk_from(graph, set, edges, &walk, unit, &cut);
	if (r < 0 || cut <= CYCLES_TOLD)
		return r;
	if (asprintf(&text, "%zu more cycles were broken in the same way", cut - CYCLES_TOLD) < 0)
		return -ENOMEM;
	return strv_take(&graph->cycles, text);
}

/* Appends to a list whose room is the next power of two. */
static int list_add(size_t **list, size_t *n, size_t value)
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

enum relation {
	RELATION_ORDER = 0,
	RELATION_REQUIRES,
	RELATION_WANTS,
};

/* Writes the edges into the nodes, each at both of its ends where that is asked for. */
static int nodes_fill(struct graph *graph, const struct edges *edges, enum relation relation)
{
	int r = 0;

	for (size_t i = 0; i < edges->n && r == 0; i++) {
		const struct edge *edge = &edges->v[i];
		struct graph_node *unit = &graph->v[edge->unit], *on = &graph->v[edge->on];

		if (edge->cut)
			continue;
		switch (relation) {
		case RELATION_ORDER:
			r = list_add(&unit->after, &unit->n_after, edge->on);
			if (r == 0)
				r = list_add(&on->before, &on->n_before, edge->unit);
			break;
		case RELATION_REQUIRES:
			r = list_add(&unit->requires, &unit->n_requires, edge->on);
			if (r == 0)
				r = list_add(&on->required_by, &on->n_required_by, edge->unit);
			break;
		case RELATION_WANTS:
			r = list_add(&unit->wants, &unit->n_wants, edge->on);
			break;
		}
	}
	return r;
}

static int relation_build(struct graph *graph, const struct names *names, enum relation relation)
{
	_cleanup_(edges_free) struct edges edges = {0};
	const struct unit_set *set = names->set;
	int r = 0;

	for (size_t i = 0; i < set->n && r == 0; i++)
		r = relation == RELATION_ORDER
			    ? order_collect(&edges, names, i)
			    : pulls_collect(graph, &edges, names, i, relation == RELATION_REQUIRES);
	edges_settle(&edges);
	if (r == 0 && relation == RELATION_ORDER)
		r = cycles_cut(graph, set, &edges);
	if (r == 0)
		r = nodes_fill(graph, &edges, relation);
	return r;
}

int graph_build(struct graph *graph, const struct unit_set *set, struct err *err)
{
	_cleanup_(names_free) struct names names;
	int r = names_make(&names, set);

	/* One more than needed: calloc(0) may be NULL. */
	*graph = (struct graph){
		.v = calloc(set->n + 1, sizeof(*graph->v)),
		.n = set->n,
		.requires_missing = calloc(set->n + 1, sizeof(bool)),
	};
	if (!graph->v || !graph->requires_missing)
		r = -ENOMEM;
	for (enum relation relation = RELATION_ORDER; relation <= RELATION_WANTS && r == 0;
	     relation++)
		r = relation_build(graph, &names, relation);
	if (r == 0)
		return 0;
	graph_free(graph);
	return err_sys(err, r, "the order of the units");
}

void graph_free(struct graph *graph)
{
	for (size_t i = 0; graph->v && i < graph->n; i++) {
		struct graph_node *node = &graph->v[i];

		free(node->after);
		free(node->before);
		free(node->requires);
		free(node->required_by);
		free(node->wants);
	}
	free(graph->v);
	free(graph->requires_missing);
	strv_free(&graph->cycles);
	strv_free(&graph->missing);
	*graph = (struct graph){0};
}
