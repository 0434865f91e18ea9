/*
 * units.c - the manager's units and their services: loaded at the start, more of them when they are
 * asked for by name. m->services has the services of m->units in the same order, and behind them
 * those whose unit is gone.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "supervisor/manager.h"
#include "supervisor/unit_builtin.h"
#include "supervisor/unit_name.h"

void manager_tell_problems(struct manager *m, size_t from)
{
	for (size_t i = from; i < m->units.problems.n; i++) {
		const struct unit_problem *p = &m->units.problems.v[i];
		struct service *s = p->unit ? manager_find(m, p->unit) : NULL;

		if (s)
			strv_add(&s->notes, p->text);
		if (p->fatal && !strv_has(&m->notes, p->text))
			strv_add(&m->notes, p->text);
	}
}

void manager_say_notes(struct manager *m)
{
	for (size_t i = 0; i < m->notes.n; i++)
		say(m, "%s", m->notes.v[i]);
}

int manager_index(struct manager *m, struct service *s)
{
	int r = name_index_add(&m->index, s->unit->name, s);

	for (size_t i = 0; i < s->unit->aliases.n && r >= 0; i++)
		r = name_index_add(&m->index, s->unit->aliases.v[i], s);
	return r < 0 ? r : 0;
}

struct service *manager_find(struct manager *m, const char *name)
{
	char full[UNIT_NAME_MAX];
	void *found = NULL;

	if (name_index_find(&m->index, name, &found))
		return found;
	if (snprintf(full, sizeof(full), "%s.service", name) < (int)sizeof(full))
		name_index_find(&m->index, full, &found);
	return found;
}

struct graph *manager_graph(struct manager *m)
{
	struct err err = {0};

	if (!m->graph_stale)
		return &m->graph;
	m->graph_stale = false;
	graph_free(&m->graph);
	if (graph_build(&m->graph, &m->units, &err) < 0) {
		m->graph = (struct graph){0};
		say(m, "%s: units start in any order until the next reload", err.text);
	}
	for (size_t i = 0; i < m->graph.cycles.n; i++)
		if (!strv_has(&m->notes, m->graph.cycles.v[i]))
			strv_add(&m->notes, m->graph.cycles.v[i]);
	return &m->graph;
}

/* The service of a unit; a built-in target has always been what it is. */
static struct service *make_service(struct manager *m, struct unit *unit)
{
	struct service *s = service_new(m, unit);

	if (s && unit->origin == ORIGIN_BUILTIN && unit_builtin(unit->name) == BUILTIN_UP) {
		s->machine.state = SERVICE_RUNNING;
		s->machine.was_up = true;
		s->state_since_us = s->ready_us = m->board->boot_ns / 1000;
	}
	return s;
}

int manager_align(struct manager *m)
{
	struct service **list = calloc(m->units.n + m->n_services + 1, sizeof(*list));
	size_t n = 0, kept = 0;
	int r = list ? 0 : -ENOMEM;
	void *found;

	for (size_t i = 0; i < m->units.n; i++) {
		struct unit *unit = m->units.v[i];
		struct service *s = NULL;

		if (name_index_find(&m->index, unit->name, &found))
			s = found;
		if (!s && r == 0)
			s = make_service(m, unit);
		if (!s) {
			unit_free(unit);
			r = -ENOMEM;
			continue;
		}
		m->units.v[kept++] = unit;
		if (list)
			list[n++] = s;
		if (manager_index(m, s) < 0)
			r = -ENOMEM;
	}
	m->units.n = kept;
	/* Without the list nothing new was made: what there was is in order. */
	if (!list)
		return r;
	for (size_t i = 0; i < m->n_services; i++)
		if (m->services[i]->orphan)
			list[n++] = m->services[i];
	for (size_t i = 0; i < n; i++)
		list[i]->index = i;
	free(m->services);
	m->services = list;
	m->n_services = n;
	m->graph_stale = true;
	return r;
}

void manager_forget_orphans(struct manager *m)
{
	size_t kept = m->units.n, had = m->n_services;

	for (size_t i = kept; i < had; i++) {
		struct service *s = m->services[i];

		if (s->orphan && service_is_at_rest(s->machine.state) && s->main.slot < 0 &&
		    s->control.slot < 0 && s->status.slot < 0) {
			service_free(s);
			continue;
		}
		s->index = kept;
		m->services[kept++] = s;
	}
	if (kept >= had)
		return;
	m->n_services = kept;
	m->dirty = true;
	name_index_free(&m->index);
	for (size_t i = 0; i < kept; i++)
		manager_index(m, m->services[i]);
}

struct service *manager_get(struct manager *m, const char *name, struct err *err)
{
	struct service *s = manager_find(m, name);
	size_t told = m->units.problems.n;
	char full[UNIT_NAME_MAX];
	struct unit *unit;
	int r;

	if (s)
		return s;
	if (snprintf(full, sizeof(full), "%s%s", name, unit_name_valid(name) ? "" : ".service") >=
		    (int)sizeof(full) ||
	    !unit_name_valid(full)) {
		err_set(err, -ENOENT, "there is no unit %.200s", name);
		return NULL;
	}
	r = unit_set_get(&m->units, &m->paths, full, &unit, err);
	if (r == -ENOENT)
		err_set(err, r, "there is no unit %s", name);
	/* Also what was loaded before it went wrong must have its place. */
	if (manager_align(m) < 0) {
		err_sys(err, -ENOMEM, "%s cannot be loaded", name);
		return NULL;
	}
	manager_tell_problems(m, told);
	return r < 0 ? NULL : manager_find(m, full);
}

int manager_load_units(struct manager *m, struct err *err)
{
	int r = unit_set_load_paths(&m->units, &m->paths, err);

	if (r < 0)
		return r;
	r = manager_align(m);
	if (r < 0)
		return err_sys(err, r, "the services");
	manager_tell_problems(m, 0);
	manager_graph(m);
	return 0;
}
