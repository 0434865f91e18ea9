/*
 * property_unit.c - the properties of [Unit] and [Install].
 */
#include <string.h>

#include "common/cleanup.h"
#include "supervisor/ctl/property.h"
#include "supervisor/socket.h"

#define AT(field)    offsetof(struct unit, field)
#define LIST(field)  property_list, AT(field), 0, NULL
#define OF(relation) LIST(relations[RELATION_##relation])
#define BOOL(field)  property_bool, AT(field), 0, NULL, NULL
#define NOT(field)   property_bool, AT(field), 1, NULL, NULL

/* What the files say, and what there is besides by links and of itself: the supervisor knows. */
static PRINTER(with_told)
{
	const struct strv *list = &PROPERTY_FIELD(struct strv);
	const json_t *told = json_object_get(of->state->packet, p->words), *one;
	const char *gap = list->n ? " " : "";

	property_list(p, of);
	for (size_t i = 0; (one = json_array_get(told, i)); i++) {
		const char *name = json_string_value(one);

		if (!name || strv_has(list, name))
			continue;
		fputs(gap, of->out);
		property_put(of->out, name);
		gap = " ";
	}
}

/* What the supervisor says of this one; NULL where it has said nothing. */
static const json_t *told(const struct property_of *of, size_t index)
{
	return json_array_get(json_object_get(of->state->packet, "conditions"), index);
}

/* "untested" where it has not said. */
static const char *answer(const struct property_of *of, size_t index)
{
	const json_t *holds = json_object_get(told(of, index), "holds");

	return json_is_boolean(holds) ? json_is_true(holds) ? "succeeded" : "failed" : "untested";
}

static PRINTER(conditions)
{
	bool first = true;

	for (size_t i = 0; i < of->unit->n_conditions; i++) {
		const struct condition *c = &of->unit->conditions[i];
		/* It leaves out the value that a secret is compared with. */
		const char *arg = json_string_value(json_object_get(told(of, i), "parameter"));

		if (c->assertion != (p->arg == 1))
			continue;
		fprintf(of->out,
			"%s{ type=%s%s ; trigger=%s ; negate=%s ; parameter=", first ? "" : "\n",
			c->assertion ? "Assert" : "Condition", condition_kind_name(c->kind),
			c->trigger ? "yes" : "no", c->negate ? "yes" : "no");
		property_put(of->out, arg ? arg : c->arg);
		fprintf(of->out, " ; state=%s }", answer(of, i));
		first = false;
	}
}

/* A file alone does not have it: it follows from [Socket] when all units are loaded. */
static PRINTER(triggers)
{
	char name[UNIT_NAME_MAX];

	if (of->unit->socket && socket_service_name(of->unit, name) == 0)
		property_put(of->out, name);
	else
		property_list(p, of);
}

static const char *const actions[] = {"none", "exit", NULL};

static const struct property rows[] = {
	{"Documentation", property_string, AT(documentation), 0, NULL, NULL},
	{"Requires", with_told, AT(requires), 0, "requires", NULL},
	{"Wants", with_told, AT(wants), 0, "wants", NULL},
	{"Requisite", OF(REQUISITE), NULL},
	{"BindsTo", OF(BINDS_TO), "BindTo"},
	{"PartOf", OF(PART_OF), NULL},
	{"Upholds", OF(UPHOLDS), NULL},
	{"Conflicts", OF(CONFLICTS), NULL},
	{"After", with_told, AT(after), 0, "after", NULL},
	{"Before", LIST(before), NULL},
	{"OnFailure", OF(ON_FAILURE), NULL},
	{"OnFailureJobMode", property_constant, 0, 0, "replace", NULL},
	{"OnSuccess", OF(ON_SUCCESS), NULL},
	{"OnSuccessJobMode", property_constant, 0, 0, "replace", NULL},
	{"Triggers", triggers, AT(relations[RELATION_TRIGGERS]), 0, NULL, NULL},
	{"PropagatesReloadTo", OF(RELOAD_TO), "PropagateReloadTo"},
	{"ReloadPropagatedFrom", OF(RELOAD_FROM), "PropagateReloadFrom"},
	{"PropagatesStopTo", OF(STOP_TO), NULL},
	{"StopPropagatedFrom", OF(STOP_FROM), NULL},
	{"StopWhenUnneeded", BOOL(stop_when_unneeded)},
	{"RefuseManualStart", BOOL(refuse_manual_start)},
	{"RefuseManualStop", BOOL(refuse_manual_stop)},
	{"DefaultDependencies", NOT(no_default_dependencies)},
	{"StartLimitIntervalUSec", property_span, AT(life.start_limit_usec), 0, NULL,
	 "StartLimitInterval"},
	{"StartLimitBurst", property_unsigned, AT(life.start_limit_burst), 0, NULL, NULL},
	{"StartLimitAction", property_word, AT(life.start_limit_action), 0, actions, NULL},
	{"FailureAction", property_word, AT(life.failure_action), 0, actions, NULL},
	{"FailureActionExitStatus", property_int, AT(life.failure_exit_status), 0, NULL, NULL},
	{"SuccessAction", property_word, AT(life.success_action), 0, actions, NULL},
	{"SuccessActionExitStatus", property_int, AT(life.success_exit_status), 0, NULL, NULL},
	{"JobTimeoutUSec", property_span, AT(life.job_timeout_usec), 0, NULL, NULL},
	{"JobRunningTimeoutUSec", property_span, AT(life.job_running_timeout_usec), 0, NULL, NULL},
	{"JobTimeoutAction", property_word, AT(life.job_timeout_action), 0, actions, NULL},
	{"Conditions", conditions, 0, 0, NULL, "Condition*"},
	{"Asserts", conditions, 0, 1, NULL, "Assert*"},
	{"WantedBy", LIST(install.wanted_by), NULL},
	{"RequiredBy", LIST(install.required_by), NULL},
	{"UpheldBy", LIST(install.upheld_by), NULL},
	{"Also", LIST(install.also), NULL},
	{"Alias", LIST(install.alias), NULL},
	{"DefaultInstance", property_string, AT(install.default_instance), 0, NULL, NULL},
};

const struct property_area property_area_unit = {PROPERTY_UNIT, rows, ARRAY_LEN(rows)};
