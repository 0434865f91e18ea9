#include "supervisor/graph.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "supervisor/graph_names.h"

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

static int order_collect(struct edges *edges, const struct graph_names *names, size_t unit)
{
	const struct unit_set *set = names->set;
	const struct strv *lists[] = {&set->v[unit]->after, &set->v[unit]->before};
	size_t other = 0;
	int r = 0;

	for (size_t before = 0; before < 2; before++)
		for (size_t i = 0; i < lists[before]->n && r == 0; i++)
			if (graph_names_find(names, lists[before]->v[i], &other) == FOUND_UNIT)
				r = before ? edges_add(edges, other, unit, true)
					   : edges_add(edges, unit, other, false);
	return r;
}

/* True when one of the names is that of the unit. */
static bool names_unit(const struct graph_names *names, const struct strv *list, size_t unit)
{
	size_t other;

	for (size_t i = 0; i < list->n; i++)
		if (graph_names_find(names, list->v[i], &other) == FOUND_UNIT && other == unit)
			return true;
	return false;
}

/*
 * systemd.target(5), "Default Dependencies": a target comes after what it pulls in, but where one
 * of the two says otherwise.
 */
static int target_collect(struct edges *edges, const struct graph_names *names, size_t unit)
{
	const struct unit *target = names->set->v[unit];
	const struct strv *lists[] = {&target->wants, &target->requires,
				      &target->relations[RELATION_BINDS_TO]};
	size_t other = 0;
	int r = 0;

	if (target->kind != KIND_TARGET || target->no_default_dependencies)
		return 0;
	for (size_t k = 0; k < ARRAY_LEN(lists); k++)
		for (size_t i = 0; i < lists[k]->n && r == 0; i++) {
			const struct unit *pulled;

			if (graph_names_find(names, lists[k]->v[i], &other) != FOUND_UNIT ||
			    other == unit)
				continue;
			pulled = names->set->v[other];
			if (!pulled->no_default_dependencies &&
			    !names_unit(names, &pulled->after, unit) &&
			    !names_unit(names, &target->before, other))
				r = edges_add(edges, unit, other, false);
		}
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

/* What the names of one directive pull in; what is missing is told, and of a requirement kept. */
static int list_collect(struct graph *graph, struct edges *edges, const struct graph_names *names,
			size_t unit, const struct strv *list, const char *directive, bool required)
{
	size_t other = 0;
	int r = 0;

	for (size_t i = 0; i < list->n && r == 0; i++) {
		switch (graph_names_find(names, list->v[i], &other)) {
		case FOUND_UNIT:
			if (other != unit)
				r = edges_add(edges, unit, other, false);
			break;
		case FOUND_NOTHING:
			r = missing_add(graph, names->set, unit, directive, list->v[i]);
			graph->requires_missing[unit] |= required;
			break;
		case FOUND_OTHER:
			break;
		}
	}
	return r;
}

/* What an enabled unit says of others in its [Install], as if they had said it themselves. */
static int install_collect(struct edges *edges, const struct graph_names *names, size_t unit,
			   const struct strv *list)
{
	size_t other = 0;
	int r = 0;

	for (size_t i = 0; names->set->v[unit]->enabled && i < list->n && r == 0; i++)
		if (graph_names_find(names, list->v[i], &other) == FOUND_UNIT && other != unit)
			r = edges_add(edges, other, unit, false);
	return r;
}

static int pulls_collect(struct graph *graph, struct edges *edges, const struct graph_names *names,
			 size_t unit, bool required)
{
	const struct unit *of = names->set->v[unit];
	int r;

	if (!required) {
		r = list_collect(graph, edges, names, unit, &of->wants, "Wants", false);
		return r < 0 ? r : install_collect(edges, names, unit, &of->install.wanted_by);
	}
	r = list_collect(graph, edges, names, unit, &of->requires, "Requires", true);
	if (r == 0)
		r = list_collect(graph, edges, names, unit, &of->relations[RELATION_BINDS_TO],
				 "BindsTo", true);
	return r < 0 ? r : install_collect(edges, names, unit, &of->install.required_by);
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

enum edges_of {
	EDGES_ORDER = 0,
	EDGES_REQUIRES,
	EDGES_WANTS,
};

/* Writes the edges into the nodes, each at both of its ends where that is asked for. */
static int nodes_fill(struct graph *graph, const struct edges *edges, enum edges_of relation)
{
	int r = 0;

	for (size_t i = 0; i < edges->n && r == 0; i++) {
		const struct edge *edge = &edges->v[i];
		struct graph_node *unit = &graph->v[edge->unit], *on = &graph->v[edge->on];

		if (edge->cut)
			continue;
		switch (relation) {
		case EDGES_ORDER:
			r = graph_list_add(&unit->after, &unit->n_after, edge->on);
			if (r == 0)
				r = graph_list_add(&on->before, &on->n_before, edge->unit);
			break;
		case EDGES_REQUIRES:
			r = graph_list_add(&unit->requires, &unit->n_requires, edge->on);
			if (r == 0)
				r = graph_list_add(&on->required_by, &on->n_required_by,
						   edge->unit);
			break;
		case EDGES_WANTS:
			r = graph_list_add(&unit->wants, &unit->n_wants, edge->on);
			break;
		}
	}
	return r;
}

static int relation_build(struct graph *graph, const struct graph_names *names,
			  enum edges_of relation)
{
	_cleanup_(edges_free) struct edges edges = {0};
	const struct unit_set *set = names->set;
	int r = 0;

	for (size_t i = 0; i < set->n && r == 0; i++)
		r = relation == EDGES_ORDER
			    ? order_collect(&edges, names, i)
			    : pulls_collect(graph, &edges, names, i, relation == EDGES_REQUIRES);
	for (size_t i = 0; i < set->n && r == 0 && relation == EDGES_ORDER; i++)
		r = target_collect(&edges, names, i);
	edges_settle(&edges);
	if (r == 0 && relation == EDGES_ORDER)
		r = cycles_cut(graph, set, &edges);
	if (r == 0)
		r = nodes_fill(graph, &edges, relation);
	return r;
}

int graph_build(struct graph *graph, const struct unit_set *set, struct err *err)
{
	_cleanup_(graph_names_free) struct graph_names names;
	int r = graph_names_make(&names, set);

	/* One more than needed: calloc(0) may be NULL. */
	*graph = (struct graph){
		.v = calloc(set->n + 1, sizeof(*graph->v)),
		.n = set->n,
		.requires_missing = calloc(set->n + 1, sizeof(bool)),
	};
	if (!graph->v || !graph->requires_missing)
		r = -ENOMEM;
	for (enum edges_of relation = EDGES_ORDER; relation <= EDGES_WANTS && r == 0; relation++)
		r = relation_build(graph, &names, relation);
	if (r == 0)
		r = graph_relations_build(graph, &names);
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
		for (size_t k = 0; k < GRAPH_RELATIONS; k++)
			free(node->more[k].v);
	}
	free(graph->v);
	free(graph->requires_missing);
	strv_free(&graph->cycles);
	strv_free(&graph->missing);
	*graph = (struct graph){0};
}
