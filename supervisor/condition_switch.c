/*
 * condition_switch.c - ConditionProgram= and ConditionEnabled= of [X-Hakim]: the program of a
 * module is there, and its variable does not switch it off. Unlike systemd's they say what to do.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "supervisor/command.h"
#include "supervisor/condition_kinds.h"
#include "supervisor/spawn.h"
#include "supervisor/unit.h"

#define VALUE_SHOWN 40

CONDITION_CHECK(condition_check_program)
{
	return *arg && !strpbrk(arg, " \t")
		       ? 0
		       : err_set(err, -EINVAL, "it is the name or the path of one program");
}

static bool executable(const struct condition_world *w, const char *dir, size_t len,
		       const char *name)
{
	char path[4096];

	return (size_t)snprintf(path, sizeof(path), "%.*s%s%s", (int)len, dir, len ? "/" : "",
				name) < sizeof(path) &&
	       condition_file_is_executable(w, path);
}

/* launch.c looks there, too. */
static bool in_path(const struct condition_world *w, const struct unit *unit, const char *name)
{
	const char *path = unit ? strv_env_get(&unit->environment, "PATH") : NULL;

	for (size_t i = 0; unit && i < unit->exec.search_path.n; i++)
		if (executable(w, unit->exec.search_path.v[i], strlen(unit->exec.search_path.v[i]),
			       name))
			return true;
	if (unit && unit->exec.search_path.n)
		return false;
	path = path ? path : strv_env_get(w->env, "PATH");
	if (!path && unit)
		path = strv_env_get(&unit->environment_default, "PATH");
	for (path = path && *path ? path : SPAWN_PATH_DEFAULT; *path;) {
		size_t len = strcspn(path, ":");

		if (len && executable(w, path, len, name))
			return true;
		path += len;
		path += *path == ':';
	}
	return false;
}

enum condition_answer condition_program(const struct condition_world *w, const struct unit *unit,
					const char *arg)
{
	return (*arg == '/' ? executable(w, "", 0, arg) : in_path(w, unit, arg)) ? CONDITION_YES
										 : CONDITION_NO;
}

void condition_program_reason(const struct condition *condition, char *reason, size_t size)
{
	if (condition->negate)
		snprintf(reason, size, "the program %s is installed", condition->arg);
	else
		snprintf(reason, size, "the program %s is not installed%s", condition->arg,
			 *condition->arg == '/' ? "" : " (it is not in the PATH)");
}

/* "NAME" or "NAME=yes": what counts while the variable is unset or empty. */
CONDITION_CHECK(condition_check_enabled)
{
	size_t len = strcspn(arg, "=");
	bool on;

	if (!variable_name_valid(arg, len))
		return err_set(err, -EINVAL, "\"%.*s\" is no name of a variable",
			       (int)(len < 60 ? len : 60), arg);
	return arg[len] && bool_parse(arg + len + 1, &on, NULL) < 0
		       ? err_set(err, -EINVAL, "%.60s: after the = comes yes or no", arg)
		       : 0;
}

/* The variable's value, NULL when it is unset or empty; *name has its name. */
static const char *value_of(const struct condition_world *w, const char *arg, char name[256])
{
	const char *value;

	snprintf(name, 256, "%.*s", (int)strcspn(arg, "="), arg);
	value = strv_env_get(w->env, name);
	return value && *value ? value : NULL;
}

enum condition_answer condition_enabled(const struct condition_world *w, const char *arg)
{
	char name[256];
	const char *value = value_of(w, arg, name);
	bool on = false;

	if (value && bool_parse(value, &on, NULL) < 0)
		return CONDITION_BAD;
	if (!value && arg[strlen(name)])
		bool_parse(arg + strlen(name) + 1, &on, NULL);
	return on ? CONDITION_YES : CONDITION_NO;
}

void condition_enabled_reason(const struct condition *condition, const struct condition_world *w,
			      char *reason, size_t size)
{
	char name[256];
	const char *value = value_of(w, condition->arg, name);
	bool on;

	if (!value)
		snprintf(reason, size, "%s is not set%s%s%s", name, condition->negate ? "" : ": ",
			 condition->negate ? "" : name,
			 condition->negate ? "" : "=1 switches it on");
	else if (bool_parse(value, &on, NULL) < 0)
		snprintf(reason, size, "%s=%.*s is neither yes nor no: set it to 1 or 0", name,
			 VALUE_SHOWN, value);
	else
		snprintf(reason, size, "%s=%.*s switches it off", name, VALUE_SHOWN, value);
}
