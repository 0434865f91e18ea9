/*
 * graph.h - in which order units start and stop. Pure: arrays in, arrays out.
 *
 * After=/Before= only order; Wants=/Requires= only pull in; both together are "first that, then
 * this", as in systemd.unit(5). A cycle is broken by leaving out one ordering edge and is reported;
 * it never stops the boot.
 */
#pragma once

#include "supervisor/unit.h"

/* The relations that are about neither order nor start, and their reverse. */
enum graph_relation {
	GRAPH_REQUISITES = 0, /* must be up when this one starts */
	GRAPH_REQUISITE_OF,
	GRAPH_BINDS_TO, /* they are in `requires`, too */
	GRAPH_BOUND_BY, /* must stop when this one is not up any more */
	GRAPH_PARTS,    /* stop and restart with this one */
	GRAPH_CONFLICTS,
	GRAPH_UPHOLDS, /* are started again while this one is up */
	GRAPH_UPHELD_BY,
	GRAPH_ON_FAILURE,
	GRAPH_ON_SUCCESS,
	GRAPH_RELOADS, /* are reloaded with this one */
	GRAPH_STOPS,   /* are stopped with this one */
	GRAPH_WANTED_BY,
	GRAPH_RELATIONS,
	GRAPH_NONE = GRAPH_RELATIONS,
};

struct graph_list {
	size_t *v;
	size_t n;
};

struct graph_node {
	size_t *after; /* indices of the units that must have settled (up, failed or skipped) before
			  this one starts */
	size_t n_after;
	size_t *before; /* the reverse: units that must have stopped before this one stops */
	size_t n_before;
	size_t *requires; /* indices of Requires= */
	size_t n_requires;
	size_t *required_by; /* the reverse of Requires= */
	size_t n_required_by;
	size_t *wants;
	size_t n_wants;
	struct graph_list more[GRAPH_RELATIONS];
	bool stop_when_unneeded;
};

struct graph {
	struct graph_node *v; /* same order and number as the unit_set */
	size_t n;
	struct strv cycles; /* a sentence each: "a.service → b.service → a.service: After=b.service
			       of a.service is left out" */
	struct strv missing;    /* "a.service: Requires=x.service: there is no such unit" (also
				   Wants=); such a Requires= makes    the unit fail with this reason, a
				   Wants= is only noted; a missing After= is nothing */
	bool *requires_missing; /* per unit: a Requires= names a unit that does not exist */
};

int graph_build(struct graph *graph, const struct unit_set *set, struct err *err);
void graph_free(struct graph *graph);
