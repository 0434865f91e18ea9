#include "supervisor/relation.h"

#include <errno.h>
#include <stdlib.h>

#include "common/cleanup.h"

/* The lists of struct graph_node that have names of their own. */
enum {
	LIST_REQUIRES = GRAPH_RELATIONS,
	LIST_REQUIRED_BY,
	LIST_WANTS,
};

/* In which states of the other unit the job makes sense, as bits 1 << enum relation_now. */
#define IF_DOWN   (1u << NOW_DOWN)
#define IF_ACTIVE (1u << NOW_COMING | 1u << NOW_UP)
#define IF_UP     (1u << NOW_UP)
#define ALWAYS    (IF_DOWN | IF_ACTIVE | 1u << NOW_GOING)

/* UNIT_ATOM_… of systemd's unit-dependency-atom.c, as far as they have an effect here. */
static const struct {
	enum relation_cause cause;
	unsigned list;
	enum relation_job job;
	unsigned when;
} rows[] = {
	{CAUSE_START, LIST_REQUIRES, JOB_START, ALWAYS},
	{CAUSE_START, LIST_WANTS, JOB_START, ALWAYS},
	{CAUSE_START, GRAPH_UPHOLDS, JOB_START, ALWAYS},
	{CAUSE_START, GRAPH_CONFLICTS, JOB_STOP, IF_ACTIVE},
	{CAUSE_STOP, LIST_REQUIRED_BY, JOB_STOP, ALWAYS},
	{CAUSE_STOP, GRAPH_REQUISITE_OF, JOB_STOP, ALWAYS},
	{CAUSE_STOP, GRAPH_PARTS, JOB_STOP, ALWAYS},
	{CAUSE_STOP, GRAPH_STOPS, JOB_STOP, ALWAYS},
	{CAUSE_RESTART, LIST_REQUIRED_BY, JOB_RESTART, IF_ACTIVE},
	{CAUSE_RESTART, GRAPH_REQUISITE_OF, JOB_RESTART, IF_ACTIVE},
	{CAUSE_RESTART, GRAPH_PARTS, JOB_RESTART, IF_ACTIVE},
	{CAUSE_RESTART, GRAPH_STOPS, JOB_RESTART, IF_ACTIVE},
	{CAUSE_RELOAD, GRAPH_RELOADS, JOB_RELOAD, IF_UP},
	{CAUSE_UP, GRAPH_UPHOLDS, JOB_START, IF_DOWN},
	{CAUSE_DOWN, GRAPH_BOUND_BY, JOB_STOP, IF_ACTIVE},
	{CAUSE_FAILED, GRAPH_ON_FAILURE, JOB_REACT, ALWAYS},
	{CAUSE_SUCCEEDED, GRAPH_ON_SUCCESS, JOB_REACT, ALWAYS},
};

static struct graph_list list_of(const struct graph_node *node, unsigned list)
{
	switch (list) {
	case LIST_REQUIRES:
		return (struct graph_list){node->requires, node->n_requires};
	case LIST_REQUIRED_BY:
		return (struct graph_list){node->required_by, node->n_required_by};
	case LIST_WANTS:
		return (struct graph_list){node->wants, node->n_wants};
	default:
		return node->more[list];
	}
}

static int task_add(struct relation_tasks *tasks, size_t unit, enum relation_job job)
{
	if ((tasks->n & (tasks->n - 1)) == 0) {
		struct relation_task *grown =
			reallocarray(tasks->v, tasks->n ? tasks->n * 2 : 1, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		tasks->v = grown;
	}
	tasks->v[tasks->n++] = (struct relation_task){unit, job};
	return 0;
}

/* One of the units in the list is in one of the states. */
static bool any_is(const struct graph_node *node, unsigned list, unsigned when,
		   enum relation_now (*now)(void *, size_t), void *arg)
{
	struct graph_list others = list_of(node, list);

	for (size_t i = 0; i < others.n; i++)
		if (when & 1u << now(arg, others.v[i]))
			return true;
	return false;
}

static bool is_needed(const struct graph_node *node, enum relation_now (*now)(void *, size_t),
		      void *arg)
{
	static const unsigned lists[] = {LIST_REQUIRED_BY, GRAPH_REQUISITE_OF, GRAPH_WANTED_BY,
					 GRAPH_UPHELD_BY};

	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		if (any_is(node, lists[i], IF_ACTIVE | 1u << NOW_GOING, now, arg))
			return true;
	return false;
}

/* StopWhenUnneeded= of what the unit has needed until now; and whether it must come up again. */
static int follow_down(const struct graph *graph, size_t unit,
		       enum relation_now (*now)(void *, size_t), void *arg,
		       struct relation_tasks *tasks)
{
	static const unsigned lists[] = {LIST_REQUIRES, LIST_WANTS, GRAPH_UPHOLDS,
					 GRAPH_REQUISITES};
	const struct graph_node *node = &graph->v[unit];
	int r = 0;

	for (size_t k = 0; k < ARRAY_LEN(lists); k++) {
		struct graph_list needs = list_of(node, lists[k]);

		for (size_t i = 0; i < needs.n && r == 0; i++) {
			const struct graph_node *other = &graph->v[needs.v[i]];

			if (other->stop_when_unneeded && IF_ACTIVE & 1u << now(arg, needs.v[i]) &&
			    !is_needed(other, now, arg))
				r = task_add(tasks, needs.v[i], JOB_STOP);
		}
	}
	if (r == 0 && any_is(node, GRAPH_UPHELD_BY, IF_UP, now, arg))
		r = task_add(tasks, unit, JOB_UPHOLD);
	return r;
}

int relation_follow(const struct graph *graph, size_t unit, enum relation_cause cause,
		    enum relation_now (*now)(void *arg, size_t unit), void *arg,
		    struct relation_tasks *tasks)
{
	int r = 0;

	if (unit >= graph->n)
		return 0;
	for (size_t k = 0; k < ARRAY_LEN(rows); k++) {
		struct graph_list others;

		if (rows[k].cause != cause)
			continue;
		others = list_of(&graph->v[unit], rows[k].list);
		for (size_t i = 0; i < others.n && r == 0; i++)
			if (rows[k].when & 1u << now(arg, others.v[i]))
				r = task_add(tasks, others.v[i], rows[k].job);
	}
	return r == 0 && cause == CAUSE_DOWN ? follow_down(graph, unit, now, arg, tasks) : r;
}

void relation_tasks_free(struct relation_tasks *tasks)
{
	free(tasks->v);
	*tasks = (struct relation_tasks){0};
}
