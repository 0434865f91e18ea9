/*
 * directive_set.c - the supported directives: one row each, and how their values get into struct
 * unit.
 */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "supervisor/command.h"
#include "supervisor/directive_set.h"

#define SETTER(name) static DIRECTIVE_SETTER(name)

SETTER(set_string)
{
	return directive_string_put(DIRECTIVE_FIELD(char *), ctx, value, err);
}

/* Several are one text (systemd.unit(5): a list of URIs). */
SETTER(set_documentation)
{
	_cleanup_free_ char *more = NULL;
	char *both;
	int r = directive_string_put(&more, ctx, value, err);

	if (r < 0)
		return r;
	if (!more || !ctx->unit->documentation) {
		free(ctx->unit->documentation);
		ctx->unit->documentation = steal_ptr(&more);
		return 0;
	}
	if (asprintf(&both, "%s %s", ctx->unit->documentation, more) < 0)
		return -ENOMEM;
	free(ctx->unit->documentation);
	ctx->unit->documentation = both;
	return 0;
}

SETTER(set_session)
{
	return bool_parse(value, &ctx->unit->session, err);
}

SETTER(set_strict)
{
	return bool_parse(value, &ctx->strict, err);
}

enum timespan_rule {
	TIMESPAN_ANY = 0,
	TIMESPAN_ZERO_IS_INFINITY, /* as systemd's TimeoutStartSec= and its kin */
	TIMESPAN_PERIOD,           /* a question asked again and again: not too often, not never */
};

SETTER(set_timespan)
{
	uint64_t usec;
	int r = timespan_parse(value, &usec, err);

	if (r < 0)
		return r;
	if (d->arg == TIMESPAN_ZERO_IS_INFINITY && usec == 0)
		usec = USEC_INFINITY;
	if (d->arg == TIMESPAN_PERIOD && (usec < 10000 || usec == USEC_INFINITY))
		return err_set(err, -EINVAL, "it must be at least 10ms, and not infinity");
	*DIRECTIVE_FIELD(uint64_t) = usec;
	if (d->offset == offsetof(struct unit, timeout_start_usec))
		ctx->timeout_start_set = true;
	if (d->offset == offsetof(struct unit, restart_usec) ||
	    d->offset == offsetof(struct unit, restart_max_delay_usec))
		ctx->unit->life.restart_delay_set = true;
	return 0;
}

/* TimeoutSec= is both. */
SETTER(set_timeouts)
{
	uint64_t usec;
	int r = timespan_parse(value, &usec, err);

	if (r < 0)
		return r;
	usec = usec ? usec : USEC_INFINITY;
	ctx->unit->timeout_start_usec = ctx->unit->timeout_stop_usec = usec;
	ctx->timeout_start_set = true;
	return 0;
}

SETTER(set_unsigned)
{
	if (d->offset == offsetof(struct unit, restart_steps))
		ctx->unit->life.restart_delay_set = true;
	return unsigned_parse(value, d->arg, DIRECTIVE_FIELD(unsigned), err);
}

#define LOG_MIN 4096

SETTER(set_log_size)
{
	uint64_t bytes;
	int r = size_parse(value, &bytes, err);

	if (r < 0)
		return r;
	if (bytes < LOG_MIN || bytes > INT64_MAX)
		return err_set(err, -ERANGE, "it must be at least %d bytes and fit a file",
			       LOG_MIN);
	*DIRECTIVE_FIELD(uint64_t) = bytes;
	return 0;
}

SETTER(set_signal)
{
	int r = signal_parse(value, err);

	if (r < 0)
		return r;
	*DIRECTIVE_FIELD(int) = r;
	return 0;
}

SETTER(set_type)
{
	/* "idle" delays the start to keep a boot's console output apart: there is none here. */
	if (strcmp(value, "idle") == 0)
		value = "simple";
	for (enum unit_type t = TYPE_SIMPLE; t <= TYPE_FORKING; t++)
		if (strcmp(value, unit_type_name(t)) == 0) {
			ctx->unit->type = t;
			return 0;
		}
	return err_set(
		err, -EINVAL,
		"\"%.60s\" is none of simple, exec, forking, oneshot, notify, notify-reload, "
		"dbus",
		value);
}

SETTER(set_restart)
{
	for (enum unit_restart t = RESTART_NO; t <= RESTART_ALWAYS; t++)
		if (strcmp(value, unit_restart_name(t)) == 0) {
			ctx->unit->restart = t;
			return 0;
		}
	return err_set(err, -EINVAL,
		       "\"%.60s\" is none of no, on-success, on-failure, on-abnormal, on-watchdog, "
		       "on-abort, always",
		       value);
}

SETTER(set_kill_mode)
{
	for (enum unit_kill_mode t = KILL_CONTROL_GROUP; t <= KILL_NONE; t++)
		if (strcmp(value, unit_kill_mode_name(t)) == 0) {
			ctx->unit->kill_mode = t;
			if (t != KILL_NONE)
				return 0;
			err_set(err, 0, "\"none\" leaves processes behind at every stop");
			return 1;
		}
	return err_set(err, -EINVAL, "\"%.60s\" is none of control-group, mixed, process, none",
		       value);
}

/* A user's or a group's name or number, as far as its text goes; systemd's rules, USER_NAMES(7). */
SETTER(set_user)
{
	_cleanup_free_ char *name = NULL;
	unsigned number;
	int r = directive_string_put(&name, ctx, value, err);

	if (r < 0)
		return r;
	if (name && isdigit((unsigned char)*name)) {
		/* -1 means "unchanged" to the kernel, as 16 bits once did. */
		if (unsigned_parse(name, UINT_MAX - 1, &number, NULL) < 0 || number == 65535)
			return err_set(err, -EINVAL, "\"%.60s\" is no valid number", name);
	} else if (name &&
		   (*name == '-' || strlen(name) > 256 || strpbrk(name, " \t:/,\\\"'*?[]{}()"))) {
		return err_set(err, -EINVAL, "\"%.60s\" is no valid name", name);
	}
	free(*DIRECTIVE_FIELD(char *));
	*DIRECTIVE_FIELD(char *) = steal_ptr(&name);
	return 0;
}

SETTER(set_working_directory)
{
	_cleanup_free_ char *path = NULL;
	bool optional = *value == '-';
	int r = directive_string_put(&path, ctx, value + optional, err);

	if (r < 0)
		return r;
	if (optional && !path)
		return err_set(err, -EINVAL, "behind the \"-\" the path is missing");
	r = path && strcmp(path, "~") != 0 ? directive_path_check(path, err) : 0;
	if (r < 0)
		return r;
	free(ctx->unit->working_directory);
	ctx->unit->working_directory = steal_ptr(&path);
	ctx->unit->working_directory_optional = optional;
	return 0;
}

SETTER(set_variable_name)
{
	if (*value && !variable_name_valid(value, strlen(value)))
		return err_set(err, -EINVAL, "\"%.60s\" is no name of a variable", value);
	return set_string(d, ctx, value, err);
}

#define AT(field) DIRECTIVE_AT(field)

static const struct directive unit_directives[] = {
	{"After", directive_set_units, AT(after), 0, directive_reset_units},
	{"Before", directive_set_units, AT(before), 0, directive_reset_units},
	{"Description", set_string, AT(description), 0, NULL},
	{"Documentation", set_documentation, 0, 0, NULL},
	{"Requires", directive_set_units, AT(requires), 0, directive_reset_units},
	{"Wants", directive_set_units, AT(wants), 0, directive_reset_units},
};

static const struct directive service_directives[] = {
	{"CacheDirectory", directive_set_directories, AT(directories[DIRECTORY_CACHE]), 0,
	 directive_reset_list},
	{"Environment", directive_set_environment, AT(environment), 0, directive_reset_list},
	{"EnvironmentFile", directive_set_environment_file, AT(environment_files), 0,
	 directive_reset_list},
	{"ExecStart", directive_set_commands, AT(start), 0, directive_reset_commands},
	{"ExecStartPre", directive_set_commands, AT(start_pre), 0, directive_reset_commands},
	{"ExecStop", directive_set_commands, AT(stop), 0, directive_reset_commands},
	{"Group", set_user, AT(group), 0, NULL},
	{"KillMode", set_kill_mode, 0, 0, NULL},
	{"KillSignal", set_signal, AT(kill_signal), 0, NULL},
	{"LogsDirectory", directive_set_directories, AT(directories[DIRECTORY_LOGS]), 0,
	 directive_reset_list},
	{"PassEnvironment", directive_set_variables, AT(pass_environment), 0, directive_reset_list},
	{"Restart", set_restart, 0, 0, NULL},
	{"RestartMaxDelaySec", set_timespan, AT(restart_max_delay_usec), TIMESPAN_ANY, NULL},
	{"RestartSec", set_timespan, AT(restart_usec), TIMESPAN_ANY, NULL},
	{"RestartSteps", set_unsigned, AT(restart_steps), 1000000, NULL},
	{"RuntimeDirectory", directive_set_directories, AT(directories[DIRECTORY_RUNTIME]), 0,
	 directive_reset_list},
	{"StateDirectory", directive_set_directories, AT(directories[DIRECTORY_STATE]), 0,
	 directive_reset_list},
	{"TimeoutSec", set_timeouts, 0, 0, NULL},
	{"TimeoutStartSec", set_timespan, AT(timeout_start_usec), TIMESPAN_ZERO_IS_INFINITY, NULL},
	{"TimeoutStopSec", set_timespan, AT(timeout_stop_usec), TIMESPAN_ZERO_IS_INFINITY, NULL},
	{"Type", set_type, 0, 0, NULL},
	{"User", set_user, AT(user), 0, NULL},
	{"WorkingDirectory", set_working_directory, 0, 0, NULL},
};

static const struct directive hakim_directives[] = {
	{"EnvironmentDefault", directive_set_environment, AT(environment_default), 0,
	 directive_reset_list},
	{"LogKeep", set_unsigned, AT(log_keep), 100, NULL},
	{"LogMaxSize", set_log_size, AT(log_max_bytes), 0, NULL},
	{"SecretPipe", directive_set_variables, AT(secret_pipe), 0, directive_reset_list},
	{"Session", set_session, 0, 0, NULL},
	{"SessionEnvironment", directive_set_environment, AT(session_environment), 0,
	 directive_reset_list},
	{"StatusExec", directive_set_command, AT(status_exec), 0, NULL},
	{"StatusIntervalSec", set_timespan, AT(status_interval_usec), TIMESPAN_PERIOD, NULL},
	{"Strict", set_strict, 0, 0, NULL},
	{"UserFrom", set_variable_name, AT(user_from), 0, NULL},
	{"WorkingDirectoryFrom", set_variable_name, AT(working_directory_from), 0, NULL},
};

const struct directive_area directive_area_unit = {DIRECTIVES_UNIT, unit_directives,
						   ARRAY_LEN(unit_directives)};
const struct directive_area directive_area_service = {DIRECTIVES_SERVICE, service_directives,
						      ARRAY_LEN(service_directives)};
const struct directive_area directive_area_hakim = {DIRECTIVES_HAKIM, hakim_directives,
						    ARRAY_LEN(hakim_directives)};
