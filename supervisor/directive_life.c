/*
 * directive_life.c - the directives about how a service starts, lives and ends: systemd.service(5),
 * systemd.kill(5), and StartLimit…= of systemd.unit(5).
 */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "supervisor/command.h"
#include "supervisor/directive_set.h"
#include "supervisor/exit_set.h"

#define SETTER(name) static DIRECTIVE_SETTER(name)
#define LIFE(field)  DIRECTIVE_AT(life.field)

/* systemd's defaults where one of the two is written. */
#define LIMIT_USEC  (10 * USEC_PER_SEC)
#define LIMIT_BURST 5

/*
 * Our own default where the unit says nothing about its pauses: it is never given up, so the pauses
 * grow from 100 ms to half a minute.
 */
#define DEFAULT_STEPS     8
#define DEFAULT_MAX_DELAY (30 * USEC_PER_SEC)

/* The words of a directive, and what each means. */
struct choice {
	const char *word;
	int value;
	const char *note; /* what there is to say about it, or NULL */
};

enum choices {
	CHOICES_TIMEOUT_MODE = 0,
	CHOICES_RESTART_MODE,
	CHOICES_NOTIFY_ACCESS,
	CHOICES_OOM_POLICY,
	CHOICES_ACTION,
	CHOICES_N,
};

static const char no_machine[] = "there is no machine to end here: the container is stopped";

static const struct choice choices[CHOICES_N][20] = {
	[CHOICES_TIMEOUT_MODE] = {{"terminate", TIMEOUT_TERMINATE, NULL},
				  {"abort", TIMEOUT_ABORT, NULL},
				  {"kill", TIMEOUT_KILL, NULL}},
	[CHOICES_RESTART_MODE] = {{"normal", 0, NULL},
				  {"direct", 1, NULL},
				  {"debug", 0, "it is taken for \"normal\""}},
	[CHOICES_NOTIFY_ACCESS] = {{"none", NOTIFY_NONE, NULL},
				   {"main", NOTIFY_MAIN, NULL},
				   {"exec", NOTIFY_EXEC, NULL},
				   {"all", NOTIFY_ALL, NULL}},
	[CHOICES_OOM_POLICY] = {{"stop", OOM_STOP, NULL},
				{"continue", OOM_CONTINUE, NULL},
				{"kill", OOM_KILL, NULL}},
	[CHOICES_ACTION] = {{"none", ACTION_NONE, NULL},
			    {"exit", ACTION_EXIT, NULL},
			    {"exit-force", ACTION_EXIT, NULL},
			    {"poweroff", ACTION_EXIT, NULL},
			    {"poweroff-force", ACTION_EXIT, NULL},
			    {"poweroff-immediate", ACTION_EXIT, NULL},
			    {"halt", ACTION_EXIT, NULL},
			    {"halt-force", ACTION_EXIT, NULL},
			    {"halt-immediate", ACTION_EXIT, NULL},
			    {"reboot", ACTION_EXIT, no_machine},
			    {"reboot-force", ACTION_EXIT, no_machine},
			    {"reboot-immediate", ACTION_EXIT, no_machine},
			    {"kexec", ACTION_EXIT, no_machine},
			    {"kexec-force", ACTION_EXIT, no_machine},
			    {"soft-reboot", ACTION_EXIT, no_machine},
			    {"soft-reboot-force", ACTION_EXIT, no_machine}},
};

static int choose(unsigned list, const char *value, int *chosen, struct err *err)
{
	char all[300] = "";
	size_t used = 0;

	*chosen = 0;
	for (const struct choice *c = choices[list]; c->word; c++) {
		if (strcmp(c->word, value) == 0) {
			*chosen = c->value;
			if (!c->note)
				return 0;
			err_set(err, 0, "%s", c->note);
			return 1;
		}
		if (used < sizeof(all))
			used += (size_t)snprintf(all + used, sizeof(all) - used, "%s%s",
						 used ? ", " : "", c->word);
	}
	return err_set(err, -EINVAL, "\"%.60s\" is none of %s", value, all);
}

SETTER(set_timeout_mode)
{
	int mode;
	int r = choose(CHOICES_TIMEOUT_MODE, value, &mode, err);

	if (r >= 0)
		*DIRECTIVE_FIELD(enum unit_timeout_mode) = (enum unit_timeout_mode)mode;
	return r;
}

SETTER(set_restart_mode)
{
	int mode;
	int r = choose(CHOICES_RESTART_MODE, value, &mode, err);

	if (r >= 0)
		ctx->unit->life.restart_direct = mode;
	return r;
}

SETTER(set_notify_access)
{
	int access;
	int r = choose(CHOICES_NOTIFY_ACCESS, value, &access, err);

	if (r >= 0)
		ctx->unit->life.notify_access = (enum unit_notify_access)access;
	return r;
}

SETTER(set_oom_policy)
{
	int policy;
	int r = choose(CHOICES_OOM_POLICY, value, &policy, err);

	if (r >= 0)
		ctx->unit->life.oom_policy = (enum unit_oom_policy)policy;
	return r;
}

SETTER(set_action)
{
	int action;
	int r = choose(CHOICES_ACTION, value, &action, err);

	if (r >= 0)
		*DIRECTIVE_FIELD(enum unit_action) = (enum unit_action)action;
	return r;
}

SETTER(set_exit_status)
{
	unsigned status = 0;
	int r = *value ? unsigned_parse(value, 255, &status, err) : 0;

	if (r == 0)
		*DIRECTIVE_FIELD(int) = *value ? (int)status : -1;
	return r;
}

/* `arg`: the field says the opposite of the directive. */
SETTER(set_bool)
{
	bool yes;
	int r = bool_parse(value, &yes, err);

	if (r == 0)
		*DIRECTIVE_FIELD(bool) = d->arg ? !yes : yes;
	return r;
}

SETTER(set_signal)
{
	int r = signal_parse(value, err);

	if (r < 0)
		return r;
	*DIRECTIVE_FIELD(int) = r;
	return 0;
}

enum timespan_rule {
	TIMESPAN_ANY = 0,
	TIMESPAN_ZERO_IS_INFINITY,
};

SETTER(set_timespan)
{
	uint64_t usec;
	int r = timespan_parse(value, &usec, err);

	if (r == 0)
		*DIRECTIVE_FIELD(uint64_t) =
			d->arg == TIMESPAN_ZERO_IS_INFINITY && usec == 0 ? USEC_INFINITY : usec;
	return r;
}

/* 0 and nothing are no limit. */
SETTER(set_job_timeout)
{
	*DIRECTIVE_FIELD(uint64_t) = USEC_INFINITY;
	return *value ? set_timespan(d, ctx, value, err) : 0;
}

SETTER(set_watchdog)
{
	int r = set_timespan(d, ctx, value, err);

	/* Both mean that there is none. */
	if (ctx->unit->life.watchdog_usec == USEC_INFINITY)
		ctx->unit->life.watchdog_usec = 0;
	return r;
}

/* Empty: TimeoutStopSec= again. */
SETTER(set_timeout_abort)
{
	ctx->unit->life.timeout_abort_set = *value;
	return *value ? set_timespan(d, ctx, value, err) : 0;
}

SETTER(set_limit_interval)
{
	ctx->unit->life.start_limit_usec_set = true;
	return set_timespan(d, ctx, value, err);
}

SETTER(set_limit_burst)
{
	ctx->unit->life.start_limit_burst_set = true;
	return unsigned_parse(value, UINT_MAX, &ctx->unit->life.start_limit_burst, err);
}

SETTER(set_exit_set)
{
	return exit_set_parse(DIRECTIVE_FIELD(struct exit_set), value, err);
}

static DIRECTIVE_RESET(reset_exit_set)
{
	*DIRECTIVE_FIELD(struct exit_set) = (struct exit_set){0};
	return 0;
}

/* systemd.service(5): a relative one is below /run. */
SETTER(set_pid_file)
{
	_cleanup_free_ char *path = NULL;
	char *full = NULL;
	int r = directive_string_put(&path, ctx, value, err);

	if (r < 0)
		return r;
	if (path && *path != '/') {
		if (asprintf(&full, "/run/%s", path) < 0)
			return -ENOMEM;
		free(path);
		path = full;
	}
	r = path ? directive_path_check(path, err) : 0;
	if (r < 0)
		return r;
	free(ctx->unit->life.pid_file);
	ctx->unit->life.pid_file = steal_ptr(&path);
	return 0;
}

static const struct directive unit_directives[] = {
	{"FailureAction", set_action, LIFE(failure_action), 0, NULL},
	{"FailureActionExitStatus", set_exit_status, LIFE(failure_exit_status), 0, NULL},
	{"JobRunningTimeoutSec", set_job_timeout, LIFE(job_running_timeout_usec),
	 TIMESPAN_ZERO_IS_INFINITY, NULL},
	{"JobTimeoutAction", set_action, LIFE(job_timeout_action), 0, NULL},
	{"JobTimeoutSec", set_job_timeout, LIFE(job_timeout_usec), TIMESPAN_ZERO_IS_INFINITY, NULL},
	{"StartLimitAction", set_action, LIFE(start_limit_action), 0, NULL},
	{"StartLimitBurst", set_limit_burst, 0, 0, NULL},
	{"StartLimitInterval", set_limit_interval, LIFE(start_limit_usec), 0, NULL},
	{"StartLimitIntervalSec", set_limit_interval, LIFE(start_limit_usec), 0, NULL},
	{"SuccessAction", set_action, LIFE(success_action), 0, NULL},
	{"SuccessActionExitStatus", set_exit_status, LIFE(success_exit_status), 0, NULL},
};

/* FailureAction= and StartLimit…= stood here in older units. */
static const struct directive service_directives[] = {
	{"ExecCondition", directive_set_commands, LIFE(condition), 0, directive_reset_commands},
	{"ExecReload", directive_set_commands, LIFE(reload), 0, directive_reset_commands},
	{"ExecStartPost", directive_set_commands, LIFE(start_post), 0, directive_reset_commands},
	{"ExecStopPost", directive_set_commands, LIFE(stop_post), 0, directive_reset_commands},
	{"FailureAction", set_action, LIFE(failure_action), 0, NULL},
	{"FinalKillSignal", set_signal, LIFE(final_kill_signal), 0, NULL},
	{"GuessMainPID", set_bool, LIFE(no_guess), 1, NULL},
	{"NotifyAccess", set_notify_access, 0, 0, NULL},
	{"OOMPolicy", set_oom_policy, 0, 0, NULL},
	{"PIDFile", set_pid_file, 0, 0, NULL},
	{"ReloadSignal", set_signal, LIFE(reload_signal), 0, NULL},
	{"RemainAfterExit", set_bool, LIFE(remain_after_exit), 0, NULL},
	{"RestartForceExitStatus", set_exit_set, LIFE(force), 0, reset_exit_set},
	{"RestartKillSignal", set_signal, LIFE(restart_kill_signal), 0, NULL},
	{"RestartMode", set_restart_mode, 0, 0, NULL},
	{"RestartPreventExitStatus", set_exit_set, LIFE(prevent), 0, reset_exit_set},
	{"RuntimeMaxSec", set_timespan, LIFE(runtime_max_usec), TIMESPAN_ANY, NULL},
	{"RuntimeRandomizedExtraSec", set_timespan, LIFE(runtime_extra_usec), TIMESPAN_ANY, NULL},
	{"SendSIGHUP", set_bool, LIFE(send_sighup), 0, NULL},
	{"SendSIGKILL", set_bool, LIFE(no_sigkill), 1, NULL},
	{"StartLimitAction", set_action, LIFE(start_limit_action), 0, NULL},
	{"StartLimitBurst", set_limit_burst, 0, 0, NULL},
	{"StartLimitInterval", set_limit_interval, LIFE(start_limit_usec), 0, NULL},
	{"SuccessExitStatus", set_exit_set, LIFE(success), 0, reset_exit_set},
	{"TimeoutAbortSec", set_timeout_abort, LIFE(timeout_abort_usec), TIMESPAN_ZERO_IS_INFINITY,
	 NULL},
	{"TimeoutStartFailureMode", set_timeout_mode, LIFE(start_timeout_mode), 0, NULL},
	{"TimeoutStopFailureMode", set_timeout_mode, LIFE(stop_timeout_mode), 0, NULL},
	{"WatchdogSec", set_watchdog, LIFE(watchdog_usec), TIMESPAN_ANY, NULL},
	{"WatchdogSignal", set_signal, LIFE(watchdog_signal), 0, NULL},
};

static const struct directive hakim_directives[] = {
	{"Vital", set_bool, LIFE(vital), 0, NULL},
};

const struct directive_area directive_area_life_unit = {DIRECTIVES_UNIT, unit_directives,
							ARRAY_LEN(unit_directives)};
const struct directive_area directive_area_life = {DIRECTIVES_SERVICE, service_directives,
						   ARRAY_LEN(service_directives)};
const struct directive_area directive_area_life_hakim = {DIRECTIVES_HAKIM, hakim_directives,
							 ARRAY_LEN(hakim_directives)};

void unit_life_init(struct unit_life *life)
{
	life->reload_signal = SIGHUP;
	life->final_kill_signal = SIGKILL;
	life->watchdog_signal = SIGABRT;
	life->runtime_max_usec = USEC_INFINITY;
	life->job_timeout_usec = life->job_running_timeout_usec = USEC_INFINITY;
	life->failure_exit_status = life->success_exit_status = -1;
}

void unit_life_finish(struct unit *unit)
{
	struct unit_life *life = &unit->life;

	if (life->start_limit_burst_set && !life->start_limit_usec_set)
		life->start_limit_usec = LIMIT_USEC;
	if (life->start_limit_usec_set && !life->start_limit_burst_set)
		life->start_limit_burst = LIMIT_BURST;
	if (!life->timeout_abort_set)
		life->timeout_abort_usec = unit->timeout_stop_usec;
	if (!life->restart_delay_set && !life->start_limit_usec) {
		unit->restart_steps = DEFAULT_STEPS;
		unit->restart_max_delay_usec = DEFAULT_MAX_DELAY;
	}
	if (life->notify_access == NOTIFY_DEFAULT)
		life->notify_access = unit->type == TYPE_NOTIFY ||
						      unit->type == TYPE_NOTIFY_RELOAD ||
						      life->watchdog_usec || unit->fd_store_max
					      ? NOTIFY_MAIN
					      : NOTIFY_NONE;
}

void unit_life_free(struct unit_life *life)
{
	commands_free(&life->condition);
	commands_free(&life->start_post);
	commands_free(&life->reload);
	commands_free(&life->stop_post);
	free(life->pid_file);
}
