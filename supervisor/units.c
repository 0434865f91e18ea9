/*
 * units.c - the manager's units: loaded at the start, and read anew by reload.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "supervisor/manager.h"
#include "supervisor/sockets.h"

static void tell_problems(struct manager *m, const struct problems *problems)
{
	for (size_t i = 0; i < problems->n; i++) {
		const struct unit_problem *p = &problems->v[i];
		struct service *s = p->unit ? manager_find(m, p->unit) : NULL;

		if (s)
			strv_add(&s->notes, p->text);
		if (p->fatal)
			strv_add(&m->notes, p->text);
	}
}

void manager_say_notes(struct manager *m)
{
	for (size_t i = 0; i < m->notes.n; i++)
		say(m, "%s", m->notes.v[i]);
}

static int add_services(struct manager *m, struct err *err)
{
	m->services = calloc(m->units.n + 1, sizeof(*m->services));
	if (!m->services)
		return err_sys(err, -ENOMEM, "the services");
	for (size_t i = 0; i < m->units.n; i++) {
		struct service *s = service_new(m, m->units.v[i]);

		if (!s)
			return err_sys(err, -ENOMEM, "the services");
		s->index = i;
		m->services[m->n_services++] = s;
	}
	return 0;
}

static int build_graph(struct manager *m, struct err *err)
{
	int r = graph_build(&m->graph, &m->units, err);

	for (size_t i = 0; r == 0 && i < m->graph.cycles.n; i++)
		strv_add(&m->notes, m->graph.cycles.v[i]);
	return r;
}

int manager_load_units(struct manager *m, struct err *err)
{
	int r = unit_set_load(&m->units, m->module_dirs, err);

	if (r == 0)
		r = add_services(m, err);
	if (r < 0)
		return r;
	tell_problems(m, &m->units.problems);
	return build_graph(m, err);
}

/* Finds the old service of a unit by name and takes it out of the old list. */
static struct service *take_old(struct service **old, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++) {
		if (old[i] && strcmp(old[i]->unit->name, name) == 0)
			return steal_ptr(&old[i]);
	}
	return NULL;
}

static bool is_alive(const struct service *s)
{
	return s->main.slot >= 0 || s->control.slot >= 0 || service_is_active(s->machine.state);
}

/*
 * Reads all units anew. What runs goes on with its process; a changed definition counts from its
 * next start. A service whose file is gone goes on until it is stopped; a new one is started. When
 * a unit that is known cannot be read any more, nothing is changed at all.
 */
int manager_reload(struct manager *m, struct err *err)
{
	struct unit_set fresh = {0};
	struct unit_set old_units = m->units;
	struct service **old = m->services;
	size_t n_old = m->n_services;
	struct service **list;
	size_t n = 0;
	int r = unit_set_load(&fresh, m->module_dirs, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < fresh.problems.n; i++) {
		const struct unit_problem *p = &fresh.problems.v[i];

		if (p->fatal && p->unit && manager_find(m, p->unit)) {
			r = err_set(err, -EINVAL, "nothing was changed: %s", p->text);
			unit_set_free(&fresh);
			return r;
		}
	}
	list = calloc(fresh.n + n_old + 1, sizeof(*list));
	if (!list) {
		unit_set_free(&fresh);
		return err_sys(err, -ENOMEM, "reload");
	}
	for (size_t i = 0; i < fresh.n; i++) {
		struct service *s = take_old(old, n_old, fresh.v[i]->name);
		bool is_new = !s || s->orphan;

		if (!s)
			s = service_new(m, fresh.v[i]);
		if (!s)
			continue;
		if (s->orphan) {
			unit_free(s->orphan);
			s->orphan = NULL;
		}
		strv_free(&s->notes);
		service_set_unit(s, fresh.v[i]);
		s->index = n;
		list[n++] = s;
		s->is_new = is_new && !is_alive(s);
	}
	/* What is gone: forgotten if it is at rest, else it keeps its old definition until its end.
	 */
	for (size_t i = 0; i < n_old; i++) {
		struct service *s = old[i];

		if (!s)
			continue;
		if (!is_alive(s)) {
			service_free(s);
			continue;
		}
		for (size_t k = 0; !s->orphan && k < old_units.n; k++)
			if (old_units.v[k] == s->unit)
				s->orphan = steal_ptr(&old_units.v[k]);
		s->index = n;
		list[n++] = s;
	}
	m->units = fresh;
	m->services = list;
	m->n_services = n;
	free(old);
	unit_set_free(&old_units);
	strv_free(&m->notes);
	graph_free(&m->graph);
	tell_problems(m, &m->units.problems);
	r = build_graph(m, err);
	manager_say_notes(m);
	/* A probe that is not there any more cannot hold anybody up. */
	for (size_t i = 0; i < m->n_services; i++)
		if (m->services[i]->machine.state == SERVICE_READY_WAIT &&
		    !m->services[i]->policy.has_probe)
			service_event(m->services[i], EVENT_PROBE_OK);
	for (size_t i = 0; i < m->n_services; i++)
		if (m->services[i]->is_new && !sockets_start_it(m, m->services[i]))
			order_start(m, m->services[i]);
	m->dirty = m->order_pending = true;
	say(m, "reloaded: %zu units", m->units.n);
	return r;
}
