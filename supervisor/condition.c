#include "supervisor/condition.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"
#include "supervisor/command.h"
#include "supervisor/condition_kinds.h"
#include "supervisor/directive_set.h"
#include "supervisor/unit.h"

/* What never holds in a container: no first boot, no update that is pending, no encrypted path that
 * is ours to know of, no credentials of the service manager. */
static CONDITION_QUESTION(never)
{
	return false;
}

static CONDITION_CHECK(check_any)
{
	return *arg ? 0 : err_set(err, -EINVAL, "its value is missing");
}

static CONDITION_CHECK(check_variable)
{
	size_t len = strcspn(arg, "=");

	return variable_name_valid(arg, len)
		       ? 0
		       : err_set(err, -EINVAL, "\"%.*s\" is no name of a variable",
				 (int)(len < 60 ? len : 60), arg);
}

static const struct {
	CONDITION_CHECK((*check));
	CONDITION_QUESTION((*ask)); /* NULL: condition_ask() itself */
} kinds[CONDITION_KINDS_N] = {
	[CONDITION_AC_POWER] = {condition_check_bool, condition_ac_power},
	[CONDITION_ARCHITECTURE] = {check_any, condition_architecture},
	[CONDITION_CPU_FEATURE] = {check_any, condition_cpu_feature},
	[CONDITION_CPU_PRESSURE] = {condition_check_pressure, condition_cpu_pressure},
	[CONDITION_CPUS] = {condition_check_cpus, condition_cpus},
	[CONDITION_CAPABILITY] = {condition_check_capability, condition_capability},
	[CONDITION_CONTROL_GROUP_CONTROLLER] = {condition_check_words,
						condition_control_group_controller},
	[CONDITION_CREDENTIAL] = {check_any, never},
	[CONDITION_DIRECTORY_NOT_EMPTY] = {directive_path_check, condition_directory_not_empty},
	[CONDITION_ENVIRONMENT] = {check_variable, NULL},
	[CONDITION_FILE_IS_EXECUTABLE] = {directive_path_check, condition_file_is_executable},
	[CONDITION_FILE_NOT_EMPTY] = {directive_path_check, condition_file_not_empty},
	[CONDITION_FIRMWARE] = {condition_check_firmware, condition_firmware},
	[CONDITION_FIRST_BOOT] = {condition_check_bool, NULL},
	[CONDITION_GROUP] = {check_any, condition_group},
	[CONDITION_HOST] = {check_any, condition_host},
	[CONDITION_IO_PRESSURE] = {condition_check_pressure, condition_io_pressure},
	[CONDITION_KERNEL_COMMAND_LINE] = {check_any, condition_kernel_command_line},
	[CONDITION_KERNEL_MODULE_LOADED] = {check_any, condition_kernel_module_loaded},
	[CONDITION_KERNEL_VERSION] = {condition_check_words, condition_kernel_version},
	[CONDITION_MEMORY] = {condition_check_memory, condition_memory},
	[CONDITION_MEMORY_PRESSURE] = {condition_check_pressure, condition_memory_pressure},
	[CONDITION_NEEDS_UPDATE] = {directive_path_check, never},
	[CONDITION_OS_RELEASE] = {condition_check_os_release, condition_os_release},
	[CONDITION_PATH_EXISTS] = {directive_path_check, condition_path_exists},
	[CONDITION_PATH_EXISTS_GLOB] = {directive_path_check, condition_path_exists_glob},
	[CONDITION_PATH_IS_DIRECTORY] = {directive_path_check, condition_path_is_directory},
	[CONDITION_PATH_IS_ENCRYPTED] = {directive_path_check, never},
	[CONDITION_PATH_IS_MOUNT_POINT] = {directive_path_check, condition_path_is_mount_point},
	[CONDITION_PATH_IS_READ_WRITE] = {directive_path_check, condition_path_is_read_write},
	[CONDITION_PATH_IS_SOCKET] = {directive_path_check, condition_path_is_socket},
	[CONDITION_PATH_IS_SYMBOLIC_LINK] = {directive_path_check, condition_path_is_symbolic_link},
	[CONDITION_SECURITY] = {condition_check_security, condition_security},
	[CONDITION_USER] = {check_any, condition_user},
	[CONDITION_VIRTUALIZATION] = {check_any, condition_virtualization},
	[CONDITION_ENABLED] = {condition_check_enabled, NULL},
	[CONDITION_PROGRAM] = {condition_check_program, NULL},
};

const char *condition_kind_name(enum condition_kind kind)
{
	static const char *const names[] = {
#define CONDITION_NAME(kind, name) name,
		CONDITION_KINDS(CONDITION_NAME)
		/* */
		CONDITION_KINDS_HAKIM(CONDITION_NAME)
#undef CONDITION_NAME
	};

	return (unsigned)kind < CONDITION_KINDS_N ? names[kind] : "?";
}

int condition_argument_check(enum condition_kind kind, const char *arg, struct err *err)
{
	return kinds[kind].check(arg, err);
}

static enum condition_answer environment_ask(const char *arg, const struct condition_world *w)
{
	size_t len = strcspn(arg, "=");

	for (size_t i = 0; i < w->secret_names->n; i++)
		if (strlen(w->secret_names->v[i]) == len &&
		    strncmp(w->secret_names->v[i], arg, len) == 0)
			return arg[len] ? CONDITION_SECRET : CONDITION_YES;
	for (size_t i = 0; i < w->env->n; i++) {
		if (strncmp(w->env->v[i], arg, len) != 0 || w->env->v[i][len] != '=')
			continue;
		if (!arg[len] || strcmp(w->env->v[i], arg) == 0)
			return CONDITION_YES;
	}
	return CONDITION_NO;
}

enum condition_answer condition_ask(const struct condition *condition, const struct unit *unit,
				    const struct condition_world *world)
{
	enum condition_answer answer;
	bool first_boot;

	switch (condition->kind) {
	case CONDITION_ENVIRONMENT:
		answer = environment_ask(condition->arg, world);
		break;
	case CONDITION_FIRST_BOOT:
		/* It never is: whether that was asked for decides. */
		answer = bool_parse(condition->arg, &first_boot, NULL) == 0 && !first_boot;
		break;
	case CONDITION_ENABLED:
		answer = condition_enabled(world, condition->arg);
		break;
	case CONDITION_PROGRAM:
		answer = condition_program(world, unit, condition->arg);
		break;
	default:
		answer = kinds[condition->kind].ask(world, condition->arg);
		break;
	}
	if (answer == CONDITION_SECRET || answer == CONDITION_BAD || !condition->negate)
		return answer;
	return answer == CONDITION_YES ? CONDITION_NO : CONDITION_YES;
}

size_t condition_shown(const struct condition *condition, enum condition_answer answer)
{
	return answer == CONDITION_SECRET ? strcspn(condition->arg, "=") : strlen(condition->arg);
}

static void reason_put(char *reason, size_t size, const struct condition *condition,
		       const struct condition_world *world, enum condition_answer answer)
{
	int shown = (int)condition_shown(condition, answer);

	if (condition->kind == CONDITION_ENABLED || condition->kind == CONDITION_PROGRAM) {
		if (condition->kind == CONDITION_ENABLED)
			condition_enabled_reason(condition, world, reason, size);
		else
			condition_program_reason(condition, reason, size);
		return;
	}
	snprintf(reason, size, "%s%s=%s%s%.*s was not met%s",
		 condition->assertion ? "Assert" : "Condition",
		 condition_kind_name(condition->kind), condition->trigger ? "|" : "",
		 condition->negate ? "!" : "", shown, condition->arg,
		 answer == CONDITION_SECRET ? ": the value of a secret is not compared" : "");
}

/* As systemd's condition_test_list(): all without "|" must hold, and of those with it, if there are
 * any, one. */
static enum condition_verdict all_hold(const struct unit *unit, bool assertions,
				       const struct condition_world *world, char *reason,
				       size_t size)
{
	const enum condition_verdict unmet = assertions ? CONDITIONS_WRONG : CONDITIONS_UNMET;
	const struct condition *missed = NULL;
	enum condition_answer missed_answer = CONDITION_NO;
	bool triggered = false;

	for (size_t i = 0; i < unit->n_conditions; i++) {
		const struct condition *condition = &unit->conditions[i];
		enum condition_answer answer;

		if (condition->assertion != assertions)
			continue;
		answer = condition_ask(condition, unit, world);
		if (condition->trigger && answer == CONDITION_YES)
			triggered = true;
		if (answer == CONDITION_YES)
			continue;
		if (!condition->trigger || answer == CONDITION_BAD) {
			reason_put(reason, size, condition, world, answer);
			return answer == CONDITION_BAD ? CONDITIONS_WRONG : unmet;
		}
		if (!missed) {
			missed = condition;
			missed_answer = answer;
		}
	}
	if (!missed || triggered)
		return CONDITIONS_HOLD;
	reason_put(reason, size, missed, world, missed_answer);
	return unmet;
}

enum condition_verdict condition_check(const struct unit *unit, const struct condition_world *world,
				       char *reason, size_t size)
{
	enum condition_verdict verdict = all_hold(unit, false, world, reason, size);

	return verdict == CONDITIONS_HOLD ? all_hold(unit, true, world, reason, size) : verdict;
}
