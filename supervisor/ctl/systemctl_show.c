/*
 * systemctl_show.c - `systemctl show`: properties, as KEY=VALUE lines that scripts read; and `cat`.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "supervisor/ctl/cat.h"
#include "supervisor/ctl/systemctl.h"
#include "supervisor/ctl/systemctl_file.h"
#include "supervisor/unit.h"

/* What a property is made from. */
struct shown {
	const struct systemctl *s;
	const struct sc_unit *unit;
	const struct unit *loaded; /* what its file says; NULL: that is not known */
	const char *key;           /* of the property; NULL: its value alone is printed */
};

struct property {
	const char *name;
	/* Prints the value, without "KEY=" and newline. */
	void (*print)(const struct shown *shown);
};

/* A value is one line, and no byte of it is a control character. */
static void put(const struct shown *shown, const char *text)
{
	const struct look utf8 = {.utf8 = true};
	_cleanup_free_ char *clean = text ? show_clean(text, &utf8, true) : NULL;

	fputs(clean ? clean : "", stdout);
}

static void put_number(int64_t n, const char *otherwise)
{
	if (n < 0)
		fputs(otherwise, stdout);
	else
		printf("%lld", (long long)n);
}

static void put_yes(bool yes)
{
	fputs(yes ? "yes" : "no", stdout);
}

static void put_time(const struct shown *shown, int64_t us)
{
	char text[SHOW_TIME];

	fputs(sc_time(text, shown->unit, us), stdout);
}

static void put_monotonic(int64_t us)
{
	put_number(us, "0");
}

static void put_list(const struct shown *shown, const struct strv *list)
{
	for (size_t i = 0; list && i < list->n; i++) {
		if (i)
			putchar(' ');
		put(shown, list->v[i]);
	}
}

/* Names, which a unit may say more than once and in more than one way. */
static void put_loaded(const struct shown *shown, const char *text)
{
	put(shown, shown->loaded ? text : "");
}

static bool is_up(const struct shown *shown)
{
	return strcmp(sc_active(shown->unit), "active") == 0;
}

static bool is_loaded(const struct shown *shown)
{
	return shown->unit->load == SC_LOADED;
}

#define PROPERTY(id) static void print_##id(const struct shown *shown)

PROPERTY(id)
{
	put(shown, shown->unit->name);
}
PROPERTY(description)
{
	const char *text = shown->unit->view.description;

	if (!text && shown->loaded)
		text = shown->loaded->description;
	put(shown, text ? text : shown->unit->name);
}
PROPERTY(load_state)
{
	put(shown, sc_load_name(shown->unit->load));
}
PROPERTY(active_state)
{
	put(shown, sc_active(shown->unit));
}
PROPERTY(sub_state)
{
	put(shown, sc_sub(shown->unit));
}
PROPERTY(fragment)
{
	put(shown, shown->unit->file);
}
PROPERTY(dropins)
{
	put_list(shown, &shown->unit->dropins);
}
PROPERTY(enabled)
{
	put(shown, shown->unit->enabled);
}
PROPERTY(empty)
{
}
PROPERTY(main_pid)
{
	put_number(shown->unit->view.pid, "0");
}
PROPERTY(result)
{
	put(shown, shown->unit->view.result ? shown->unit->view.result : "success");
}
PROPERTY(restarts)
{
	put_number(shown->unit->view.restarts, "0");
}
PROPERTY(status_text)
{
	put(shown, shown->unit->view.status);
}
PROPERTY(started)
{
	put_time(shown, shown->unit->view.exec_us);
}
PROPERTY(started_monotonic)
{
	put_monotonic(shown->unit->view.exec_us);
}
PROPERTY(changed)
{
	put_time(shown, shown->unit->view.since_us);
}
PROPERTY(changed_monotonic)
{
	put_monotonic(shown->unit->view.since_us);
}
PROPERTY(up_since)
{
	put_time(shown, is_up(shown) ? shown->unit->view.since_us : -1);
}
PROPERTY(up_since_monotonic)
{
	put_monotonic(is_up(shown) ? shown->unit->view.since_us : -1);
}
PROPERTY(down_since)
{
	put_time(shown, is_up(shown) ? -1 : shown->unit->view.since_us);
}
PROPERTY(memory)
{
	put_number(shown->unit->view.memory, "[not set]");
}
PROPERTY(tasks)
{
	put_number(shown->unit->view.tasks, "[not set]");
}
PROPERTY(cpu)
{
	const struct unit_view *view = &shown->unit->view;
	int64_t us = view->cpu_run_us >= 0 ? view->cpu_run_us : view->cpu_us;

	put_number(us < 0 || us > INT64_MAX / 1000 ? -1 : us * 1000, "[not set]");
}
PROPERTY(can_start)
{
	put_yes(is_loaded(shown));
}
PROPERTY(can_reload)
{
	put_yes(is_loaded(shown) && sc_file_has(shown->unit->file, "Service", "ExecReload="));
}
PROPERTY(no)
{
	put_yes(false);
}
PROPERTY(type)
{
	put_loaded(shown, shown->loaded ? unit_type_name(shown->loaded->type) : "");
}
PROPERTY(restart)
{
	put_loaded(shown, shown->loaded ? unit_restart_name(shown->loaded->restart) : "");
}
PROPERTY(kill_mode)
{
	put_loaded(shown, shown->loaded ? unit_kill_mode_name(shown->loaded->kill_mode) : "");
}
PROPERTY(user)
{
	put_loaded(shown, shown->loaded ? shown->loaded->user : "");
}
PROPERTY(group)
{
	put_loaded(shown, shown->loaded ? shown->loaded->group : "");
}
PROPERTY(working_directory)
{
	put_loaded(shown, shown->loaded ? shown->loaded->working_directory : "");
}
PROPERTY(documentation)
{
	put_loaded(shown, shown->loaded ? shown->loaded->documentation : "");
}
PROPERTY(requires)
{
	put_list(shown, shown->loaded ? &shown->loaded->requires : NULL);
}
PROPERTY(wants)
{
	put_list(shown, shown->loaded ? &shown->loaded->wants : NULL);
}
PROPERTY(after)
{
	put_list(shown, shown->loaded ? &shown->loaded->after : NULL);
}
PROPERTY(before)
{
	put_list(shown, shown->loaded ? &shown->loaded->before : NULL);
}
PROPERTY(environment)
{
	put_list(shown, shown->loaded ? &shown->loaded->environment : NULL);
}

/* As systemctl(1) writes command lines: one a line, each with its key. */
static void put_commands(const struct shown *shown, const struct commands *commands)
{
	for (size_t i = 0; i < commands->n; i++) {
		const struct command *c = &commands->v[i];

		if (i)
			printf("\n%s%s", shown->key ? shown->key : "", shown->key ? "=" : "");
		fputs("{ path=", stdout);
		put(shown, c->path);
		fputs(" ; argv[]=", stdout);
		put_list(shown, &c->argv);
		printf(" ; ignore_errors=%s }", c->ignore_failure ? "yes" : "no");
	}
}

/* "1min 30s", as systemd.time(7) has it. */
static void put_span(uint64_t us)
{
	static const struct {
		const char *name;
		uint64_t us;
	} units[] = {{"d", 86400000000}, {"h", 3600000000}, {"min", 60000000},
		     {"s", 1000000},     {"ms", 1000},      {"us", 1}};
	const char *gap = "";

	if (us == USEC_INFINITY || us == 0) {
		fputs(us ? "infinity" : "0", stdout);
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		if (us / units[i].us) {
			printf("%s%llu%s", gap, (unsigned long long)(us / units[i].us),
			       units[i].name);
			gap = " ";
		}
		us %= units[i].us;
	}
}

#define OF_FILE(id, print)                            \
	PROPERTY(id)                                  \
	{                                             \
		const struct unit *u = shown->loaded; \
                                                      \
		if (u)                                \
			(print);                      \
	}

OF_FILE(exec_condition, put_commands(shown, &u->life.condition))
OF_FILE(exec_start_pre, put_commands(shown, &u->start_pre))
OF_FILE(exec_start, put_commands(shown, &u->start))
OF_FILE(exec_start_post, put_commands(shown, &u->life.start_post))
OF_FILE(exec_reload, put_commands(shown, &u->life.reload))
OF_FILE(exec_stop, put_commands(shown, &u->stop))
OF_FILE(exec_stop_post, put_commands(shown, &u->life.stop_post))
OF_FILE(restart_usec, put_span(u->restart_usec))
OF_FILE(timeout_start, put_span(u->timeout_start_usec))
OF_FILE(timeout_stop, put_span(u->timeout_stop_usec))
OF_FILE(runtime_max, put_span(u->life.runtime_max_usec))
OF_FILE(watchdog, put_span(u->life.watchdog_usec))
OF_FILE(kill_signal, printf("%d", u->kill_signal))
OF_FILE(remain, put_yes(u->life.remain_after_exit))
OF_FILE(pid_file, put(shown, u->life.pid_file))
OF_FILE(environment_files, put_list(shown, &u->environment_files))
OF_FILE(pass_environment, put_list(shown, &u->pass_environment))
OF_FILE(umask, printf("%04o", (unsigned)u->exec.umask))
OF_FILE(groups, put_list(shown, &u->exec.supplementary_groups))
OF_FILE(ready_http, put_list(shown, &u->ready.http))
OF_FILE(ready_tcp, put_list(shown, &u->ready.tcp))
OF_FILE(ready_socket, put_list(shown, &u->ready.sockets))
OF_FILE(ready_exec, put_commands(shown, &u->ready.exec))
OF_FILE(ready_log, put(shown, u->ready.log))
OF_FILE(health_http, put_list(shown, &u->health.http))
OF_FILE(health_tcp, put_list(shown, &u->health.tcp))
OF_FILE(health_socket, put_list(shown, &u->health.sockets))
OF_FILE(health_exec, put_commands(shown, &u->health.exec))

/* Of org.freedesktop.systemd1(5), those that are read by scripts and people. */
static const struct property properties[] = {
	{"Id", print_id},
	{"Names", print_id},
	{"Description", print_description},
	{"LoadState", print_load_state},
	{"ActiveState", print_active_state},
	{"SubState", print_sub_state},
	{"Result", print_result},
	{"FragmentPath", print_fragment},
	{"DropInPaths", print_dropins},
	{"SourcePath", print_empty},
	{"UnitFileState", print_enabled},
	{"UnitFilePreset", print_enabled},
	{"Type", print_type},
	{"Restart", print_restart},
	{"KillMode", print_kill_mode},
	{"User", print_user},
	{"Group", print_group},
	{"WorkingDirectory", print_working_directory},
	{"Environment", print_environment},
	{"MainPID", print_main_pid},
	{"ExecMainPID", print_main_pid},
	{"ExecMainStartTimestamp", print_started},
	{"ExecMainStartTimestampMonotonic", print_started_monotonic},
	{"NRestarts", print_restarts},
	{"StatusText", print_status_text},
	{"StateChangeTimestamp", print_changed},
	{"StateChangeTimestampMonotonic", print_changed_monotonic},
	{"ActiveEnterTimestamp", print_up_since},
	{"ActiveEnterTimestampMonotonic", print_up_since_monotonic},
	{"InactiveEnterTimestamp", print_down_since},
	{"MemoryCurrent", print_memory},
	{"TasksCurrent", print_tasks},
	{"CPUUsageNSec", print_cpu},
	{"Requires", print_requires},
	{"Wants", print_wants},
	{"After", print_after},
	{"Before", print_before},
	{"Documentation", print_documentation},
	{"CanStart", print_can_start},
	{"CanStop", print_can_start},
	{"CanReload", print_can_reload},
	{"NeedDaemonReload", print_no},
	{"ExecCondition", print_exec_condition},
	{"ExecStartPre", print_exec_start_pre},
	{"ExecStart", print_exec_start},
	{"ExecStartPost", print_exec_start_post},
	{"ExecReload", print_exec_reload},
	{"ExecStop", print_exec_stop},
	{"ExecStopPost", print_exec_stop_post},
	{"RestartUSec", print_restart_usec},
	{"TimeoutStartUSec", print_timeout_start},
	{"TimeoutStopUSec", print_timeout_stop},
	{"RuntimeMaxUSec", print_runtime_max},
	{"WatchdogUSec", print_watchdog},
	{"KillSignal", print_kill_signal},
	{"RemainAfterExit", print_remain},
	{"PIDFile", print_pid_file},
	{"EnvironmentFiles", print_environment_files},
	{"PassEnvironment", print_pass_environment},
	{"UMask", print_umask},
	{"SupplementaryGroups", print_groups},
	/* Of [X-Hakim]. */
	{"ReadyHTTP", print_ready_http},
	{"ReadyTCP", print_ready_tcp},
	{"ReadyUnix", print_ready_socket},
	{"ReadyExec", print_ready_exec},
	{"ReadyLog", print_ready_log},
	{"HealthHTTP", print_health_http},
	{"HealthTCP", print_health_tcp},
	{"HealthUnix", print_health_socket},
	{"HealthExec", print_health_exec},
};

static void show_property(const struct shown *shown, const struct property *p)
{
	struct shown one = *shown;

	if (!shown->s->options->value) {
		printf("%s=", p->name);
		one.key = p->name;
	}
	p->print(&one);
	putchar('\n');
}

/* All, or those that were asked for, in the order in which they were; unknown ones are nothing, as
 * with systemctl. */
static void show_unit(const struct shown *shown)
{
	const struct strv *wanted = &shown->s->options->properties;

	for (size_t i = 0; !wanted->n && i < ARRAY_LEN(properties); i++)
		show_property(shown, &properties[i]);
	for (size_t k = 0; k < wanted->n; k++)
		for (size_t i = 0; i < ARRAY_LEN(properties); i++)
			if (strcmp(properties[i].name, wanted->v[k]) == 0)
				show_property(shown, &properties[i]);
}

static void show_one(const struct systemctl *s, const char *name)
{
	_cleanup_(sc_unit_free) struct sc_unit unit = {0};
	_cleanup_(problems_free) struct problems problems = {0};
	struct unit *loaded = NULL;
	struct err err = {0};

	sc_unit_get(s, name, &unit, &err);
	if (unit.file && unit.load == SC_LOADED)
		unit_load_file(unit.file, &loaded, &problems, &err);
	if (unit.load == SC_LOADED && unit.file && !loaded && !unit.packet)
		unit.load = SC_BAD;
	show_unit(&(struct shown){.s = s, .unit = &unit, .loaded = loaded});
	unit_free(loaded);
}

/* `systemctl show` without a name is about the manager. */
static int show_manager(const struct systemctl *s)
{
	static const char *const words[] = {"status"};
	_cleanup_(reply_free) struct reply reply = {0};
	const struct strv *wanted = &s->options->properties;
	struct manager_view m = {0};
	struct err err = {0};

	if (client_ask_once(words, 1, CLIENT_TIMEOUT_MS, &reply, &err) < 0)
		return sc_complain(SC_FAILED, "Failed to get properties: %s", err.text);
	m = view_manager(json_array_get(reply.packets, 0));
	const struct {
		const char *name, *value;
	} all[] = {
		{"Version", "hakim-init " HAKIM_VERSION},
		{"Virtualization", m.place},
		{"SystemState", m.state},
		{"UnitPath", "/etc/hakim/modules " HAKIM_LIBDIR
			     "/modules /etc/systemd/system /run/systemd/system "
			     "/usr/local/lib/systemd/system /usr/lib/systemd/system"},
	};
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		if (!wanted->n || strv_has(wanted, all[i].name))
			printf("%s%s%s\n", s->options->value ? "" : all[i].name,
			       s->options->value ? "" : "=", all[i].value ? all[i].value : "");
	return SC_OK;
}

int sc_show(struct systemctl *s)
{
	_cleanup_(strv_free) struct strv names = {0};
	struct err err = {0};

	if (!s->n_names)
		return show_manager(s);
	if (sc_expand(s, &names, &err) < 0)
		return sc_complain(SC_FAILED, "Failed to show: %s", err.text);
	for (size_t i = 0; i < names.n; i++) {
		if (i)
			putchar('\n');
		show_one(s, names.v[i]);
	}
	return SC_OK;
}

/* ---- cat ---- */

int sc_cat(struct systemctl *s)
{
	_cleanup_(strv_free) struct strv names = {0};
	struct err err = {0};
	int status = SC_OK;

	if (sc_expand(s, &names, &err) < 0)
		return sc_complain(SC_FAILED, "Failed to show: %s", err.text);
	for (size_t i = 0; i < names.n; i++) {
		_cleanup_(sc_unit_free) struct sc_unit unit = {0};

		sc_unit_get(s, names.v[i], &unit, &err);
		if (!unit.file) {
			status = sc_complain(SC_FAILED, "No files found for %s.", names.v[i]);
			continue;
		}
		if (cat_files(unit.file, &unit.dropins, &s->look, i == 0, &err) < 0)
			status = sc_complain(SC_FAILED, "%s", err.text);
	}
	return status;
}
