/*
 * order_go.c - may a unit start or stop now, and if it may, does anything forbid it?
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
#include "supervisor/order.h"
#include "supervisor/unit_name.h"
#include "supervisor/user_access.h"

struct graph_node *order_node(struct manager *m, const struct service *s)
{
	const struct graph *graph = manager_graph(m);

	return s->index < graph->n ? &graph->v[s->index] : NULL;
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
		if (service_is_failed(other->machine.state) ||
		    !service_settled(other->machine.state))
			return other;
		if (other->machine.state == SERVICE_DEAD &&
		    !(other->policy.type == TYPE_ONESHOT && other->machine.was_up))
			return other;
	}
	return NULL;
}

/* The one that it must find up and that is not, or NULL: Requisite=, and BindsTo= with After=. */
static const struct service *missing_companion(struct manager *m, const struct graph_node *node)
{
	const struct graph_list *requisites = &node->more[GRAPH_REQUISITES];
	const struct graph_list *binds = &node->more[GRAPH_BINDS_TO];

	for (size_t i = 0; i < requisites->n; i++)
		if (!service_is_up(m->services[requisites->v[i]]->machine.state))
			return m->services[requisites->v[i]];
	for (size_t i = 0; i < binds->n; i++)
		if (contains(node->after, node->n_after, binds->v[i]) &&
		    !service_is_up(m->services[binds->v[i]]->machine.state))
			return m->services[binds->v[i]];
	return NULL;
}

/* One whose job is late is waited for no longer. */
static bool order_is_settled(const struct service *s)
{
	return service_settled(s->machine.state) || s->job == JOB_LATE;
}

bool order_may_go(struct manager *m, const struct service *s)
{
	const struct graph_node *node = order_node(m, s);

	for (size_t i = 0; node && i < node->n_after; i++)
		if (!order_is_settled(m->services[node->after[i]]))
			return false;
	/* systemd waits for the end of the other one only where an order is set; never both is what
	 * Conflicts= is written for. */
	for (size_t i = 0; node && i < node->more[GRAPH_CONFLICTS].n; i++) {
		const struct service *other = m->services[node->more[GRAPH_CONFLICTS].v[i]];

		if (other->stop_pending || service_is_stopping(other->machine.state))
			return false;
	}
	return true;
}

/* Here and now. *name must outlive it. */
static struct condition_world world_of(const struct manager *m, struct utsname *name)
{
	cpu_set_t cpus;
	struct condition_world world = {
		.root = "",
		.env = &m->env,
		.secret_names = &m->secret_names,
		.place = report_place(m),
		.uid = geteuid(),
		.gid = getegid(),
		.machine = name->machine,
		.release = name->release,
		.host = name->nodename,
		.cpus = 1,
	};

	if (uname(name) < 0)
		*name = (struct utsname){0};
	if (sched_getaffinity(0, sizeof(cpus), &cpus) == 0)
		world.cpus = (unsigned)CPU_COUNT(&cpus);
	return world;
}

enum condition_verdict order_conditions(const struct manager *m, const struct unit *unit,
					char *reason, size_t size)
{
	struct utsname name = {0};
	struct condition_world world;

	if (!unit->n_conditions)
		return CONDITIONS_HOLD;
	world = world_of(m, &name);
	return condition_check(unit, &world, reason, size);
}

void order_conditions_report(const struct manager *m, const struct unit *unit, struct json *j)
{
	struct utsname name = {0};
	struct condition_world world = {0};
	char text[64];

	if (unit->n_conditions)
		world = world_of(m, &name);
	json_begin_array(j, "conditions");
	for (size_t i = 0; i < unit->n_conditions; i++) {
		const struct condition *c = &unit->conditions[i];
		enum condition_answer answer = condition_ask(c, unit, &world);

		snprintf(text, sizeof(text), "%s%s", c->assertion ? "Assert" : "Condition",
			 condition_kind_name(c->kind));
		json_begin_object(j, NULL);
		json_string(j, "name", text);
		json_bool(j, "trigger", c->trigger);
		json_bool(j, "negate", c->negate);
		json_string_len(j, "parameter", c->arg, condition_shown(c, answer));
		json_bool(j, "holds", answer == CONDITION_YES);
		json_end_object(j);
	}
	json_end_array(j);
}

void order_go(struct manager *m, struct service *s)
{
	struct graph_node *node = order_node(m, s);
	const struct service *failed = node ? failed_requirement(m, node) : NULL;
	const struct service *absent = node && !failed ? missing_companion(m, node) : NULL;
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
	if (absent) {
		service_set_error(s, "%s, which must be up before it, is not", absent->unit->name);
		service_event(s, EVENT_DEPENDENCY_FAILED);
		return;
	}
	switch (order_conditions(m, s->unit, reason, sizeof(reason))) {
	case CONDITIONS_UNMET:
		snprintf(s->status_text, sizeof(s->status_text), "%s", reason);
		service_event(s, EVENT_CONDITION_UNMET);
		break;
	case CONDITIONS_WRONG:
		service_set_error(s, "%s", reason);
		service_event(s, EVENT_ASSERT_FAILED);
		break;
	case CONDITIONS_HOLD:
		if (unit_name_is_user(s->unit->name))
			user_runtime_dir_make(m->paths.user);
		s->status_text[0] = '\0';
		if (!service_start_limited(s))
			service_event(s, EVENT_GO);
		break;
	}
}

bool order_may_stop(struct manager *m, const struct service *s)
{
	const struct graph_node *node = order_node(m, s);

	for (size_t i = 0; node && i < node->n_before; i++) {
		const struct service *other = m->services[node->before[i]];

		if (other->stop_pending ||
		    (service_is_stopping(other->machine.state) && other->job != JOB_LATE))
			return false;
	}
	return true;
}
