/*
 * order.c - which service may start or stop when: the manager's side of graph.h.
 */
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "supervisor/condition.h"
#include "supervisor/control.h"
#include "supervisor/manager.h"
#include "supervisor/sockets.h"

static bool is_at_rest(const struct service *s)
{
	return service_is_at_rest(s->machine.state);
}

static struct graph_node *node_of(struct manager *m, const struct service *s)
{
	const struct graph *graph = manager_graph(m);

	return s->index < graph->n ? &graph->v[s->index] : NULL;
}

void order_start(struct manager *m, struct service *s)
{
	struct graph_node *node = node_of(m, s);

	if (m->stopping || (!is_at_rest(s) && s->machine.state != SERVICE_AUTO_RESTART &&
			    !service_is_stopping(s->machine.state)))
		return;
	s->stop_pending = false;
	/* It starts again anyway; and two that require each other would go round for ever. */
	if (s->machine.start_again)
		return;
	service_event(s, EVENT_START);
	for (size_t i = 0; node && i < node->n_requires; i++)
		order_start(m, m->services[node->requires[i]]);
	for (size_t i = 0; node && i < node->n_wants; i++)
		order_start(m, m->services[node->wants[i]]);
}

void order_stop(struct manager *m, struct service *s)
{
	struct graph_node *node = node_of(m, s);

	if (s->stop_pending || is_at_rest(s))
		return;
	s->stop_pending = true;
	m->order_pending = m->dirty = true;
	for (size_t i = 0; node && i < node->n_required_by; i++)
		order_stop(m, m->services[node->required_by[i]]);
}

void order_restart(struct manager *m, struct service *s)
{
	struct graph_node *node = node_of(m, s);

	if (m->stopping)
		return;
	if (is_at_rest(s)) {
		order_start(m, s);
		return;
	}
	if (s->machine.start_again)
		return;
	service_event(s, EVENT_RESTART);
	for (size_t i = 0; node && i < node->n_required_by; i++)
		if (!is_at_rest(m->services[node->required_by[i]]))
			order_restart(m, m->services[node->required_by[i]]);
}

static bool contains(const size_t *list, size_t n, size_t value)
{
	for (size_t i = 0; i < n; i++)
		if (list[i] == value)
			return true;
	return false;
}

/* The unit that it requires and that did not come up, or NULL. Without After= a requirement is not
 * waited for. */
static const struct service *failed_requirement(struct manager *m, const struct graph_node *node)
{
	for (size_t i = 0; i < node->n_requires; i++) {
		const struct service *other = m->services[node->requires[i]];

		if (!contains(node->after, node->n_after, node->requires[i]))
			continue;
		/* A unit whose condition was not met is no failure, as in systemd; a oneshot that
		 * has ended well neither. */
		if (service_is_failed(other->machine.state))
			return other;
		if (other->machine.state == SERVICE_DEAD &&
		    !(other->policy.type == TYPE_ONESHOT && other->machine.was_up))
			return other;
	}
	return NULL;
}

static bool may_go(struct manager *m, const struct graph_node *node)
{
	for (size_t i = 0; node && i < node->n_after; i++)
		if (!service_settled(m->services[node->after[i]]->machine.state))
			return false;
	return true;
}

static enum condition_verdict check_conditions(const struct manager *m, const struct unit *unit,
					       char *reason, size_t size)
{
	struct utsname name = {0};
	cpu_set_t cpus;
	struct condition_world world = {
		.root = "",
		.env = &m->env,
		.secret_names = &m->secret_names,
		.place = report_place(m),
		.uid = geteuid(),
		.gid = getegid(),
		.machine = name.machine,
		.release = name.release,
		.host = name.nodename,
		.cpus = 1,
	};

	if (!unit->n_conditions)
		return CONDITIONS_HOLD;
	if (uname(&name) < 0)
		name = (struct utsname){0};
	if (sched_getaffinity(0, sizeof(cpus), &cpus) == 0)
		world.cpus = (unsigned)CPU_COUNT(&cpus);
	return condition_check(unit, &world, reason, size);
}

static void go(struct manager *m, struct service *s)
{
	struct graph_node *node = node_of(m, s);
	const struct service *failed = node ? failed_requirement(m, node) : NULL;
	char reason[SERVICE_TEXT];

	if (node && m->graph.requires_missing && m->graph.requires_missing[s->index]) {
		service_set_error(s, "a unit that it requires does not exist");
		for (size_t i = 0; i < m->graph.missing.n; i++)
			if (strncmp(m->graph.missing.v[i], s->unit->name, strlen(s->unit->name)) ==
			    0)
				service_set_error(
					s, "%s", m->graph.missing.v[i] + strlen(s->unit->name) + 2);
		service_event(s, EVENT_DEPENDENCY_FAILED);
		return;
	}
	if (failed) {
		service_set_error(s, "%s, which it requires, did not start", failed->unit->name);
		service_event(s, EVENT_DEPENDENCY_FAILED);
		return;
	}
	switch (check_conditions(m, s->unit, reason, sizeof(reason))) {
	case CONDITIONS_UNMET:
		snprintf(s->status_text, sizeof(s->status_text), "%s", reason);
		service_event(s, EVENT_CONDITION_UNMET);
		break;
	case CONDITIONS_WRONG:
		service_set_error(s, "%s", reason);
		service_event(s, EVENT_ASSERT_FAILED);
		break;
	case CONDITIONS_HOLD:
		s->status_text[0] = '\0';
		service_event(s, EVENT_GO);
		break;
	}
}

static bool may_stop(struct manager *m, const struct graph_node *node)
{
	for (size_t i = 0; node && i < node->n_before; i++) {
		const struct service *other = m->services[node->before[i]];

		if (other->stop_pending || service_is_stopping(other->machine.state))
			return false;
	}
	return true;
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
	m->announced = true;
	if (services)
		say(m, "%zu of %zu services run, %zu failed, after %llu ms", up, services, failed,
		    (unsigned long long)((now_us() - m->board->boot_ns / 1000) / 1000));
}

static bool all_stopped(const struct manager *m)
{
	for (size_t i = 0; i < m->n_services; i++)
		if (!is_at_rest(m->services[i]))
			return false;
	return true;
}

void order_run(struct manager *m)
{
	/* One that goes may settle at once (skipped, failed) and let the next go. */
	for (unsigned round = 0; m->order_pending && round < 10000; round++) {
		m->order_pending = false;
		for (size_t i = 0; i < m->n_services; i++) {
			struct service *s = m->services[i];

			if (s->stop_pending && may_stop(m, node_of(m, s))) {
				s->stop_pending = false;
				m->order_pending = true;
				service_event(s, EVENT_STOP);
			} else if (s->machine.state == SERVICE_WAITING && !m->stopping &&
				   may_go(m, node_of(m, s))) {
				go(m, s);
			}
		}
	}
	announce(m);
	control_settled(m);
	if (m->stopping && !m->stopped_told && all_stopped(m)) {
		m->stopped_told = true;
		m->exit_now = true;
	}
}

void order_boot(struct manager *m)
{
	for (size_t i = 0; i < m->n_services; i++)
		if (m->services[i]->unit->boot && !sockets_start_it(m, m->services[i]))
			order_start(m, m->services[i]);
	m->order_pending = true;
}
