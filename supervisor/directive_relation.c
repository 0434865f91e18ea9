/*
 * directive_relation.c - what binds a unit to others besides order and requirement: [Unit], and
 * [Install] with what `enable` does.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "supervisor/command.h"
#include "supervisor/directive_set.h"
#include "supervisor/specifier.h"
#include "supervisor/unit_name.h"

#define AT(field) DIRECTIVE_AT(field)
#define OF(name)  AT(relations[RELATION_##name])

static DIRECTIVE_SETTER(set_flag)
{
	return bool_parse(value, DIRECTIVE_FIELD(bool), err);
}

static DIRECTIVE_SETTER(set_default_dependencies)
{
	bool yes;
	int r = bool_parse(value, &yes, err);

	if (r == 0)
		ctx->unit->no_default_dependencies = !yes;
	return r;
}

/* How a job gets into the queue matters where there are transactions; here each job is for itself.
 */
static DIRECTIVE_SETTER(set_job_mode)
{
	static const char *const known[] = {
		"fail",
		"replace",
		"replace-irreversibly",
		"isolate",
		"flush",
		"ignore-dependencies",
		"ignore-requirements",
		"restart-dependencies",
		"lenient",
	};
	bool found = false;

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		found |= strcmp(value, known[i]) == 0;
	if (!found)
		return err_set(err, -EINVAL, "\"%.60s\" is no mode of a job", value);
	if (strcmp(value, "fail") == 0 || strncmp(value, "replace", 7) == 0)
		return 0;
	err_set(err, 0, "\"%.60s\" is taken for \"replace\"", value);
	return 1;
}

/* It is put into a name, and so must be able to stand in one. */
static DIRECTIVE_SETTER(set_instance)
{
	char name[UNIT_NAME_MAX];
	_cleanup_free_ char *text = NULL;
	int r = *value ? specifier_expand(value, ctx->unit->name, &text, err) : 0;

	if (r < 0)
		return r;
	if (text && !unit_name_instantiate("x@.service", text, name))
		return err_set(err, -EINVAL, "\"%.60s\" is no good name of an instance", text);
	free(ctx->unit->install.default_instance);
	ctx->unit->install.default_instance = steal_ptr(&text);
	return 0;
}

#define UNITS(field) directive_set_units, field, 0, directive_reset_units

static const struct directive unit_directives[] = {
	{"BindTo", UNITS(OF(BINDS_TO))},
	{"BindsTo", UNITS(OF(BINDS_TO))},
	{"Conflicts", UNITS(OF(CONFLICTS))},
	{"DefaultDependencies", set_default_dependencies, 0, 0, NULL},
	{"OnFailure", UNITS(OF(ON_FAILURE))},
	{"OnFailureJobMode", set_job_mode, 0, 0, NULL},
	{"OnSuccess", UNITS(OF(ON_SUCCESS))},
	{"OnSuccessJobMode", set_job_mode, 0, 0, NULL},
	{"PartOf", UNITS(OF(PART_OF))},
	{"PropagateReloadFrom", UNITS(OF(RELOAD_FROM))},
	{"PropagateReloadTo", UNITS(OF(RELOAD_TO))},
	{"PropagatesReloadTo", UNITS(OF(RELOAD_TO))},
	{"PropagatesStopTo", UNITS(OF(STOP_TO))},
	{"RefuseManualStart", set_flag, AT(refuse_manual_start), 0, NULL},
	{"RefuseManualStop", set_flag, AT(refuse_manual_stop), 0, NULL},
	{"ReloadPropagatedFrom", UNITS(OF(RELOAD_FROM))},
	{"Requisite", UNITS(OF(REQUISITE))},
	{"StopPropagatedFrom", UNITS(OF(STOP_FROM))},
	{"StopWhenUnneeded", set_flag, AT(stop_when_unneeded), 0, NULL},
	{"Upholds", UNITS(OF(UPHOLDS))},
};

static const struct directive install_directives[] = {
	{"Alias", UNITS(AT(install.alias))},
	{"Also", UNITS(AT(install.also))},
	{"DefaultInstance", set_instance, 0, 0, NULL},
	{"RequiredBy", UNITS(AT(install.required_by))},
	{"UpheldBy", UNITS(AT(install.upheld_by))},
	{"WantedBy", UNITS(AT(install.wanted_by))},
};

const struct directive_area directive_area_relation = {DIRECTIVES_UNIT, unit_directives,
						       ARRAY_LEN(unit_directives)};
const struct directive_area directive_area_install = {DIRECTIVES_INSTALL, install_directives,
						      ARRAY_LEN(install_directives)};
