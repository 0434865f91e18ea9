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
};

static void show_property(const struct shown *shown, const struct property *p)
{
	if (!shown->s->options->value)
		printf("%s=", p->name);
	p->print(shown);
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
