#include "supervisor/reload.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "supervisor/manager.h"

const char *reload_change_name(enum reload_change change)
{
	static const char *const names[] = {"new", "changed", "removed"};

	return change < ARRAY_LEN(names) ? names[change] : "?";
}

static int diff_add(struct reload_diff *diff, const char *unit, enum reload_change change)
{
	if ((diff->n & (diff->n - 1)) == 0) {
		struct reload_item *grown =
			reallocarray(diff->v, diff->n ? diff->n * 2 : 1, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		diff->v = grown;
	}
	diff->v[diff->n] = (struct reload_item){strdup(unit), change};
	return diff->v[diff->n].unit ? (diff->n++, 0) : -ENOMEM;
}

int reload_compare(const struct unit_set *old, const struct unit_set *fresh,
		   struct reload_diff *diff)
{
	size_t i = 0, k = 0;
	int r = 0;

	*diff = (struct reload_diff){0};
	while ((i < old->n || k < fresh->n) && r == 0) {
		int order = i == old->n     ? 1
			    : k == fresh->n ? -1
					    : strcmp(old->v[i]->name, fresh->v[k]->name);

		if (order < 0) {
			r = diff_add(diff, old->v[i++]->name, CHANGE_REMOVED);
		} else if (order > 0) {
			r = diff_add(diff, fresh->v[k++]->name, CHANGE_NEW);
		} else {
			if (old->v[i]->digest != fresh->v[k]->digest)
				r = diff_add(diff, fresh->v[k]->name, CHANGE_CHANGED);
			i++;
			k++;
		}
	}
	return r;
}

void reload_diff_free(struct reload_diff *diff)
{
	for (size_t i = 0; i < diff->n; i++)
		free(diff->v[i].unit);
	free(diff->v);
	*diff = (struct reload_diff){0};
}

static bool has_process(const struct service *s)
{
	return s->main.slot >= 0 || s->control.slot >= 0 || service_is_active(s->machine.state);
}

static bool was_told(const struct problems *problems, const char *text)
{
	for (size_t i = 0; i < problems->n; i++)
		if (strcmp(problems->v[i].text, text) == 0)
			return true;
	return false;
}

/*
 * All units as they are now. Those that were only ever asked for by name are asked for again; a
 * template or an alias may have become something else meanwhile.
 */
static int load_fresh(struct manager *m, struct unit_set *fresh, struct err *err)
{
	int r = unit_set_load_paths(fresh, &m->paths, err);

	for (size_t i = 0; i < m->n_services && r == 0; i++) {
		const struct unit *was = m->services[i]->unit;
		struct err why = {0};
		struct unit *unit;

		if ((was->origin == ORIGIN_MODULE && !m->services[i]->connection) ||
		    m->services[i]->orphan || unit_set_find(fresh, was->name))
			continue;
		r = unit_set_get(fresh, &m->paths, was->name, &unit, &why);
		if (r == -EINVAL && !strv_has(&fresh->masked, was->name))
			r = err_set(err, r, "nothing was changed: %s", why.text);
		else if (r == -ENOENT || r == -EINVAL)
			r = 0;
		else if (r < 0)
			r = err_set(err, r, "%s", why.text);
	}
	for (size_t i = 0; i < fresh->problems.n && r == 0; i++) {
		const struct unit_problem *p = &fresh->problems.v[i];

		/* A directory that cannot be read just now has as many units as before. */
		if (p->fatal && (p->unit ? manager_find(m, p->unit) != NULL
					 : !was_told(&m->units.problems, p->text)))
			r = err_set(err, -EINVAL, "nothing was changed: %s", p->text);
	}
	if (r < 0)
		unit_set_free(fresh);
	return r;
}

/* A service keeps the definition of a unit that is gone, until its end. */
static void make_orphan(struct service *s, struct unit_set *units)
{
	for (size_t k = 0; !s->orphan && k < units->n; k++)
		if (units->v[k] == s->unit)
			s->orphan = steal_ptr(&units->v[k]);
}

static void give_unit(struct service *s, struct unit *unit)
{
	if (s->orphan) {
		unit_free(s->orphan);
		s->orphan = NULL;
	}
	strv_free(&s->notes);
	service_set_unit(s, unit);
}

/* Puts the fresh units in the place of the old ones. What runs goes on with its processes. */
static int swap_units(struct manager *m, struct unit_set *fresh, struct err *err)
{
	struct unit_set old_units = m->units;
	struct service **old = m->services;
	size_t n_old = m->n_services;

	m->services = calloc(fresh->n + n_old + 1, sizeof(*m->services));
	if (!m->services) {
		m->services = old;
		unit_set_free(fresh);
		return err_sys(err, -ENOMEM, "reload");
	}
	order_forget(m);
	m->units = *fresh;
	m->n_services = 0;
	for (size_t i = 0; i < n_old; i++) {
		struct unit *unit = unit_set_find(&m->units, old[i]->unit->name);

		if (unit)
			give_unit(old[i], unit);
		else if (has_process(old[i]))
			make_orphan(old[i], &old_units);
		else
			service_free(steal_ptr(&old[i]));
		/* In any order for now: manager_align() sorts them. */
		if (old[i])
			m->services[m->n_services++] = old[i];
	}
	free(old);
	unit_set_free(&old_units);
	name_index_free(&m->index);
	for (size_t i = 0; i < m->n_services; i++)
		manager_index(m, m->services[i]);
	order_touch_all(m);
	return manager_align(m) < 0 ? err_sys(err, -ENOMEM, "reload") : 0;
}

/* What is wanted now and was not, or is not any more what it was. */
static void act(struct manager *m, const struct reload_diff *diff)
{
	for (size_t i = 0; i < diff->n; i++) {
		struct service *s = manager_find(m, diff->v[i].unit);

		if (!s)
			continue;
		switch (diff->v[i].change) {
		case CHANGE_NEW:
			order_boot_one(m, s);
			break;
		case CHANGE_CHANGED:
			/* A failure may be what the change has mended. */
			if (has_process(s) || service_is_failed(s->machine.state))
				order_restart(m, s);
			break;
		case CHANGE_REMOVED:
			order_stop(m, s);
			break;
		}
	}
}

static void go_on(struct manager *m)
{
	strv_free(&m->notes);
	manager_tell_problems(m, 0);
	manager_graph(m);
	manager_say_notes(m);
	/* A probe that is not there any more cannot hold anybody up. */
	for (size_t i = 0; i < m->n_services; i++)
		if (m->services[i]->machine.state == SERVICE_READY_WAIT &&
		    !m->services[i]->policy.has_probe)
			service_event(m->services[i], EVENT_PROBE_OK);
}

int manager_reload(struct manager *m, unsigned flags, struct reload_diff *diff, struct err *err)
{
	_cleanup_(reload_diff_free) struct reload_diff own = {0};
	struct unit_set fresh = {0};
	int r = load_fresh(m, &fresh, err);

	if (r < 0)
		return r;
	diff = diff ? diff : &own;
	r = reload_compare(&m->units, &fresh, diff);
	if (r < 0 || flags & RELOAD_DRY_RUN) {
		unit_set_free(&fresh);
		return r < 0 ? err_sys(err, r, "reload") : 0;
	}
	r = swap_units(m, &fresh, err);
	if (r < 0)
		return r;
	go_on(m);
	if (!(flags & RELOAD_NO_RESTART))
		act(m, diff);
	m->dirty = m->order_pending = true;
	m->trim = true;
	say(m, "reloaded: %zu units, %zu of them new, changed or gone", m->units.n, diff->n);
	return 0;
}
