/*
 * property_service.c - the properties of [Service] about how it starts, lives and ends.
 */
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "supervisor/command.h"
#include "supervisor/ctl/property.h"

#define AT(field)         offsetof(struct unit, field)
#define SPAN(field)       property_span, AT(field), 0, NULL, NULL
#define BOOL(field)       property_bool, AT(field), 0, NULL, NULL
#define NOT(field)        property_bool, AT(field), 1, NULL, NULL
#define SIGNAL(field)     property_signal, AT(field), 0, NULL, NULL
#define COMMANDS(field)   property_commands, AT(field), 0, NULL, NULL
#define WORD(field, list) property_word, AT(field), 0, list, NULL

static PRINTER(type)
{
	fputs(unit_type_name(of->unit->type), of->out);
}
static PRINTER(restart)
{
	fputs(unit_restart_name(of->unit->restart), of->out);
}
static PRINTER(kill_mode)
{
	fputs(unit_kill_mode_name(of->unit->kill_mode), of->out);
}

/* "1 2 SIGKILL": numbers and names, as systemctl(1) has them. */
static PRINTER(exit_set)
{
	const struct exit_set *set = &PROPERTY_FIELD(struct exit_set);
	const char *gap = "";

	for (unsigned i = 0; i < 256; i++)
		if (set->status[i / 64] >> i % 64 & 1) {
			fprintf(of->out, "%s%u", gap, i);
			gap = " ";
		}
	for (unsigned i = 0; i < 128; i++)
		if (set->signal[i / 64] >> i % 64 & 1) {
			fprintf(of->out, "%s%s", gap, signal_name((int)i));
			gap = " ";
		}
}

static const char *const timeout_modes[] = {"terminate", "abort", "kill", NULL};
/* What the default means depends on Type= and WatchdogSec=. */
static PRINTER(notify_access)
{
	static const char *const names[] = {"", "none", "main", "exec", "all"};
	const struct unit *u = of->unit;
	enum unit_notify_access access = u->life.notify_access;

	if (access == NOTIFY_DEFAULT)
		access = u->type == TYPE_NOTIFY || u->type == TYPE_NOTIFY_RELOAD ||
					 u->life.watchdog_usec
				 ? NOTIFY_MAIN
				 : NOTIFY_NONE;
	fputs(names[access], of->out);
}
static PRINTER(restart_mode)
{
	fputs(of->unit->life.restart_direct ? "direct" : "normal", of->out);
}
static const char *const oom_policies[] = {"stop", "continue", "kill", NULL};
static const char *const preserve[] = {"restart", "no", "yes", NULL};

static const struct property rows[] = {
	{"Type", type, 0, 0, NULL, NULL},
	{"Restart", restart, 0, 0, NULL, NULL},
	{"RestartMode", restart_mode, 0, 0, NULL, NULL},
	{"RestartUSec", SPAN(restart_usec)},
	{"RestartSteps", property_unsigned, AT(restart_steps), 0, NULL, NULL},
	{"RestartMaxDelayUSec", SPAN(restart_max_delay_usec)},
	{"RestartPreventExitStatus", exit_set, AT(life.prevent), 0, NULL, NULL},
	{"RestartForceExitStatus", exit_set, AT(life.force), 0, NULL, NULL},
	{"SuccessExitStatus", exit_set, AT(life.success), 0, NULL, NULL},
	{"TimeoutStartUSec", property_span, AT(timeout_start_usec), 0, NULL, "TimeoutSec"},
	{"TimeoutStopUSec", SPAN(timeout_stop_usec)},
	{"TimeoutAbortUSec", SPAN(life.timeout_abort_usec)},
	{"TimeoutStartFailureMode", WORD(life.start_timeout_mode, timeout_modes)},
	{"TimeoutStopFailureMode", WORD(life.stop_timeout_mode, timeout_modes)},
	{"RuntimeMaxUSec", SPAN(life.runtime_max_usec)},
	{"RuntimeRandomizedExtraUSec", SPAN(life.runtime_extra_usec)},
	{"WatchdogUSec", SPAN(life.watchdog_usec)},
	{"WatchdogSignal", SIGNAL(life.watchdog_signal)},
	{"NotifyAccess", notify_access, 0, 0, NULL, NULL},
	{"RemainAfterExit", BOOL(life.remain_after_exit)},
	{"PIDFile", property_string, AT(life.pid_file), 0, NULL, NULL},
	{"GuessMainPID", NOT(life.no_guess)},
	{"BusName", property_string, AT(bus_name), 0, NULL, NULL},
	{"KillMode", kill_mode, 0, 0, NULL, NULL},
	{"KillSignal", SIGNAL(kill_signal)},
	{"RestartKillSignal", SIGNAL(life.restart_kill_signal)},
	{"FinalKillSignal", SIGNAL(life.final_kill_signal)},
	{"ReloadSignal", SIGNAL(life.reload_signal)},
	{"SendSIGKILL", NOT(life.no_sigkill)},
	{"SendSIGHUP", BOOL(life.send_sighup)},
	{"OOMPolicy", WORD(life.oom_policy, oom_policies)},
	{"ExecCondition", COMMANDS(life.condition)},
	{"ExecStartPre", COMMANDS(start_pre)},
	{"ExecStart", COMMANDS(start)},
	{"ExecStartPost", COMMANDS(life.start_post)},
	{"ExecReload", COMMANDS(life.reload)},
	{"ExecStop", COMMANDS(stop)},
	{"ExecStopPost", COMMANDS(life.stop_post)},
	{"Sockets", property_list, AT(sockets), 0, NULL, NULL},
	{"NonBlocking", BOOL(non_blocking)},
	{"FileDescriptorStoreMax", property_unsigned, AT(fd_store_max), 0, NULL, NULL},
	{"FileDescriptorStorePreserve", WORD(fd_store_preserve, preserve)},
	{"OpenFile", property_list, AT(open_files), 0, NULL, NULL},
};

const struct property_area property_area_service = {PROPERTY_SERVICE, rows, ARRAY_LEN(rows)};
