/*
 * order.c - what is told to one unit, and what follows from it for the others: the manager's side
 * of graph.h and relation.h. Only units that something has happened to are looked at, and their
 * neighbours: the cost of a start does not grow with the number of units that have nothing to do
 * with it.
 */
#include "supervisor/order.h"

#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"
#include "supervisor/control.h"
#include "supervisor/manager.h"
#include "supervisor/relation.h"
#include "supervisor/sockets.h"

/* What fails at once is not started again at once by others. */
#define HASTE_USEC  (10 * USEC_PER_SEC) /* Upholds=: a start this long ago is no haste … */
#define UPHOLD_USEC USEC_PER_SEC        /* … else it waits for this long */
#define CIRCLE_USEC USEC_PER_SEC        /* OnFailure= of one that has just failed itself */

/* ---- the queue of those to be looked at ---- */

void order_touch(struct manager *m, struct service *s)
{
	m->order_pending = true;
	if (s->order_queued)
		return;
	s->order_queued = true;
	s->order_next = NULL;
	if (m->order_tail)
		m->order_tail->order_next = s;
	else
		m->order_head = s;
	m->order_tail = s;
}

void order_touch_all(struct manager *m)
{
	for (size_t i = 0; i < m->n_services; i++)
		order_touch(m, m->services[i]);
	m->order_pending = true;
}

void order_forget(struct manager *m)
{
	for (struct service *s = m->order_head; s; s = s->order_next)
		s->order_queued = false;
	m->order_head = m->order_tail = NULL;
}

static struct service *queue_pop(struct manager *m)
{
	struct service *s = m->order_head;

	if (!s)
		return NULL;
	m->order_head = s->order_next;
	if (!m->order_head)
		m->order_tail = NULL;
	s->order_queued = false;
	return s;
}

void order_changed(struct service *s, enum service_state old)
{
	enum service_state now = s->machine.state;
	bool was_out = service_is_at_rest(old) || old == SERVICE_AUTO_RESTART;
	/* RestartMode=direct: a pause is no end. */
	bool is_out = service_is_at_rest(now) ||
		      (now == SERVICE_AUTO_RESTART && !s->unit->life.restart_direct);

	if (now == old)
		return;
	s->order_moved = true;
	if (service_is_up(now) && !service_is_up(old))
		s->moved |= MOVED_UP;
	if (is_out && (!was_out || service_is_failed(now)))
		s->moved |= MOVED_DOWN | (old == SERVICE_WAITING ? 0 : MOVED_ENDED);
	order_touch(s->manager, s);
}

/* ---- jobs ---- */

static enum relation_now now_of(void *arg, size_t unit)
{
	const struct manager *m = arg;
	const struct service *s = m->services[unit];
	enum service_state state = s->machine.state;

	if (service_is_at_rest(state))
		return NOW_DOWN;
	if (s->stop_pending)
		return NOW_GOING;
	if (service_is_up(state))
		return NOW_UP;
	return service_is_stopping(state) && !s->machine.start_again ? NOW_GOING : NOW_COMING;
}

static void follow(struct manager *m, const struct service *s, enum relation_cause cause,
		   struct relation_tasks *tasks)
{
	const struct graph *graph = manager_graph(m);

	if (relation_follow(graph, s->index, cause, now_of, m, tasks) < 0)
		say(m, "%s: there is not enough memory to tell the units that depend on it",
		    s->unit->name);
}

static void start(struct manager *m, struct service *s, struct relation_tasks *tasks)
{
	enum service_state state = s->machine.state;

	if (s->job == JOB_LATE)
		job_anew(s);
	/* What has no unit any more goes on until its end, and no longer. */
	if (m->stopping || s->orphan ||
	    (!service_is_at_rest(state) && state != SERVICE_AUTO_RESTART &&
	     !service_is_stopping(state) && !s->stop_pending))
		return;
	s->stop_pending = false;
	/* A stop that is taken back was the job. */
	job_follow(s);
	order_touch(m, s);
	/* It starts again anyway; and two that require each other would go round for ever. */
	if (s->machine.start_again)
		return;
	service_event(s, EVENT_START);
	follow(m, s, CAUSE_START, tasks);
}

static void stop(struct manager *m, struct service *s, struct relation_tasks *tasks)
{
	if (s->stop_pending || service_is_at_rest(s->machine.state))
		return;
	s->stop_pending = true;
	job_begin(s);
	m->dirty = true;
	order_touch(m, s);
	follow(m, s, CAUSE_STOP, tasks);
}

static void restart(struct manager *m, struct service *s, struct relation_tasks *tasks)
{
	if (m->stopping)
		return;
	if (service_is_at_rest(s->machine.state)) {
		start(m, s, tasks);
		return;
	}
	if (s->orphan) {
		stop(m, s, tasks);
		return;
	}
	if (s->machine.start_again)
		return;
	job_begin(s);
	s->stop_pending = false;
	service_event(s, EVENT_RESTART);
	job_follow(s);
	order_touch(m, s);
	follow(m, s, CAUSE_RESTART, tasks);
}

/* Each once: two may reload each other. */
static void reload(struct manager *m, struct service *s, struct relation_tasks *tasks, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (tasks->v[i].unit == s->index && tasks->v[i].job == JOB_RELOAD)
			return;
	service_event(s, EVENT_RELOAD);
	follow(m, s, CAUSE_RELOAD, tasks);
}

static void react(struct manager *m, struct service *s, struct relation_tasks *tasks)
{
	if (service_is_failed(s->machine.state) && now_us() - s->queued_us < CIRCLE_USEC) {
		say(m, "%s is not started again: it has just failed itself", s->unit->name);
		return;
	}
	start(m, s, tasks);
}

static void uphold(struct manager *m, struct service *s, struct relation_tasks *tasks)
{
	/* An automatic restart is on its way already. */
	if (!service_is_at_rest(s->machine.state))
		return;
	if (now_us() - s->queued_us < HASTE_USEC)
		service_timer_set(s, TIMER_UPHOLD, now_us() + UPHOLD_USEC);
	else
		start(m, s, tasks);
}

static void carry_out(struct manager *m, struct relation_tasks *tasks)
{
	/* Jobs add their consequences at the end. */
	for (size_t i = 0; i < tasks->n; i++) {
		struct service *s = m->services[tasks->v[i].unit];

		switch (tasks->v[i].job) {
		case JOB_START:
			start(m, s, tasks);
			break;
		case JOB_STOP:
			stop(m, s, tasks);
			break;
		case JOB_RESTART:
			restart(m, s, tasks);
			break;
		case JOB_RELOAD:
			reload(m, s, tasks, i);
			break;
		case JOB_REACT:
			react(m, s, tasks);
			break;
		case JOB_UPHOLD:
			uphold(m, s, tasks);
			break;
		}
	}
	relation_tasks_free(tasks);
}

void order_start(struct manager *m, struct service *s)
{
	struct relation_tasks tasks = {0};

	start(m, s, &tasks);
	carry_out(m, &tasks);
}

void order_stop(struct manager *m, struct service *s)
{
	struct relation_tasks tasks = {0};

	stop(m, s, &tasks);
	carry_out(m, &tasks);
}

void order_restart(struct manager *m, struct service *s)
{
	struct relation_tasks tasks = {0};

	restart(m, s, &tasks);
	carry_out(m, &tasks);
}

void order_reload(struct manager *m, struct service *s)
{
	struct relation_tasks tasks = {0};

	reload(m, s, &tasks, 0);
	carry_out(m, &tasks);
}

void order_uphold_due(struct service *s)
{
	struct manager *m = s->manager;
	const struct graph_node *node = order_node(m, s);

	for (size_t i = 0; node && i < node->more[GRAPH_UPHELD_BY].n; i++)
		if (now_of(m, node->more[GRAPH_UPHELD_BY].v[i]) == NOW_UP) {
			order_start(m, s);
			return;
		}
}

/* ---- what follows ---- */

/* What its coming up or going down means for others. */
static void follow_move(struct manager *m, struct service *s)
{
	struct relation_tasks tasks = {0};
	unsigned moved = s->moved;

	s->moved = 0;
	if (m->stopping || !moved)
		return;
	m->dirty = true;
	if (moved & MOVED_UP)
		follow(m, s, CAUSE_UP, &tasks);
	if (moved & MOVED_DOWN)
		follow(m, s, CAUSE_DOWN, &tasks);
	if (moved & MOVED_DOWN && s->machine.state == SERVICE_FAILED)
		follow(m, s, CAUSE_FAILED, &tasks);
	if (moved & MOVED_ENDED && s->machine.state == SERVICE_DEAD && s->machine.was_up)
		follow(m, s, CAUSE_SUCCEEDED, &tasks);
	carry_out(m, &tasks);
}

/* Those that may have waited for it. */
static void touch_neighbours(struct manager *m, const struct service *s)
{
	const struct graph_node *node = order_node(m, s);

	for (size_t i = 0; node && i < node->n_before; i++)
		if (m->services[node->before[i]]->machine.state == SERVICE_WAITING)
			order_touch(m, m->services[node->before[i]]);
	for (size_t i = 0; node && i < node->n_after; i++)
		if (m->services[node->after[i]]->stop_pending)
			order_touch(m, m->services[node->after[i]]);
	for (size_t i = 0; node && i < node->more[GRAPH_CONFLICTS].n; i++)
		if (m->services[node->more[GRAPH_CONFLICTS].v[i]]->machine.state == SERVICE_WAITING)
			order_touch(m, m->services[node->more[GRAPH_CONFLICTS].v[i]]);
}

static void look(struct manager *m, struct service *s)
{
	follow_move(m, s);
	if (s->stop_pending && order_may_stop(m, s)) {
		s->stop_pending = false;
		s->order_moved = true;
		service_event(s, EVENT_STOP);
	} else if (s->machine.state == SERVICE_WAITING && !s->stop_pending && !m->stopping &&
		   order_may_go(m, s)) {
		order_go(m, s);
	}
	/* A step of its own puts it into the queue again; this is about those that waited for it.
	 */
	if (s->order_moved) {
		s->order_moved = false;
		touch_neighbours(m, s);
	}
}

/* The end of the boot, once: what came up and what did not. */
static void announce(struct manager *m)
{
	size_t services = 0;
	size_t up = 0;
	size_t failed = 0;

	if (m->announced || m->stopping)
		return;
	for (size_t i = 0; i < m->n_services; i++) {
		enum service_state state = m->services[i]->machine.state;

		if (!service_settled(state))
			return;
		/* One that only might be needed is not missed. */
		if (m->services[i]->unit->kind != KIND_SERVICE ||
		    (!m->services[i]->unit->boot && !m->services[i]->queued_us))
			continue;
		services++;
		up += service_is_up(state);
		failed += service_is_failed(state);
	}
	m->announced = m->trim = true;
	m->settled_us = now_us();
	if (services)
		say(m, "%zu of %zu services run, %zu failed, after %llu ms", up, services, failed,
		    (unsigned long long)((now_us() - m->board->boot_ns / 1000) / 1000));
}

static bool all_stopped(const struct manager *m)
{
	for (size_t i = 0; i < m->n_services; i++)
		if (!service_is_at_rest(m->services[i]->machine.state))
			return false;
	return true;
}

void order_run(struct manager *m)
{
	struct service *s;

	if (m->order_pending && !m->order_head)
		order_touch_all(m);
	m->order_pending = false;
	/* One that goes may settle at once (skipped, failed) and let the next go. */
	while ((s = queue_pop(m)))
		look(m, s);
	m->order_pending = false;
	manager_forget_orphans(m);
	announce(m);
	control_settled(m);
	if (m->stopping && !m->stopped_told && all_stopped(m)) {
		m->stopped_told = true;
		m->exit_now = true;
	}
}

/* The one that it must not run with and that is to run already, or NULL. */
static const struct service *rival_of(struct manager *m, const struct service *s)
{
	const struct graph_node *node = order_node(m, s);

	for (size_t i = 0; node && i < node->more[GRAPH_CONFLICTS].n; i++) {
		size_t other = node->more[GRAPH_CONFLICTS].v[i];

		if (now_of(m, other) == NOW_COMING || now_of(m, other) == NOW_UP)
			return m->services[other];
	}
	return NULL;
}

void order_boot_one(struct manager *m, struct service *s)
{
	const struct service *rival;

	if (!s->unit->boot || sockets_start_it(m, s))
		return;
	/* Both are wanted and only one can be: the first stays. */
	rival = rival_of(m, s);
	if (rival) {
		snprintf(s->status_text, sizeof(s->status_text),
			 "it was not started: it conflicts with %s", rival->unit->name);
		say(m, "%s: %s", s->unit->name, s->status_text);
		return;
	}
	order_start(m, s);
}

void order_boot(struct manager *m)
{
	for (size_t i = 0; i < m->n_services; i++)
		order_boot_one(m, m->services[i]);
	m->order_pending = true;
}
