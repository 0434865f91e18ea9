/*
 * systemctl_status.c - `systemctl status`: what a person reads, in systemctl's layout, since
 * scripts read "Active: active (running)" and "Main PID:" out of it.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "supervisor/ctl/status.h"
#include "supervisor/ctl/systemctl.h"

static void put(const struct systemctl *s, enum style style, const char *text)
{
	status_put_clean(stdout, &s->look, style, text);
}

static enum style style_of(const struct sc_unit *unit)
{
	const char *active = sc_active(unit);

	if (strcmp(active, "active") == 0)
		return STYLE_GOOD;
	if (strcmp(active, "failed") == 0)
		return STYLE_BAD;
	return STYLE_PLAIN;
}

static void put_dot(const struct systemctl *s, const struct sc_unit *unit)
{
	const char *active = sc_active(unit);
	bool failed = strcmp(active, "failed") == 0;
	const char *dot = !s->look.utf8 ? "*" : strcmp(active, "inactive") == 0 ? "○" : "●";

	put(s, style_of(unit), failed && s->look.utf8 ? "×" : dot);
	putchar(' ');
}

static void put_loaded(const struct systemctl *s, const struct sc_unit *unit)
{
	printf("     Loaded: %s", sc_load_name(unit->load));
	if (unit->file || unit->enabled[0]) {
		fputs(" (", stdout);
		put(s, STYLE_PLAIN, unit->file ? unit->file : unit->name);
		if (unit->enabled[0])
			printf("; %s", unit->enabled);
		putchar(')');
	}
	putchar('\n');
	for (size_t i = 0; i < unit->dropins.n; i++) {
		fputs(i ? "             " : "    Drop-In: ", stdout);
		put(s, STYLE_PLAIN, unit->dropins.v[i]);
		putchar('\n');
	}
}

static void put_active(const struct systemctl *s, const struct sc_unit *unit)
{
	const struct manager_view *m = &unit->manager;
	char text[SHOW_TIME], span[SHOW_SPAN];

	fputs("     Active: ", stdout);
	snprintf(text, sizeof(text), "%s (%s)", sc_active(unit),
		 unit->view.result && strcmp(sc_active(unit), "failed") == 0 ? "Result"
									     : sc_sub(unit));
	if (strcmp(sc_active(unit), "failed") == 0)
		snprintf(text, sizeof(text), "failed (Result: %.40s)",
			 unit->view.result ? unit->view.result : "unknown");
	put(s, style_of(unit), text);
	if (unit->view.since_us >= 0 && m->now_us >= unit->view.since_us) {
		printf(" since %s; %s ago", sc_time(text, unit, unit->view.since_us),
		       show_age(span, m->now_us - unit->view.since_us));
	}
	putchar('\n');
}

static void put_process(const struct systemctl *s, const struct sc_unit *unit)
{
	char path[64], comm[64] = "", span[SHOW_SPAN];
	_cleanup_fclose_ FILE *file = NULL;

	if (unit->view.pid > 0) {
		snprintf(path, sizeof(path), "/proc/%lld/comm", (long long)unit->view.pid);
		file = fopen(path, "re");
		if (!file || !fgets(comm, sizeof(comm), file))
			comm[0] = '\0';
		comm[strcspn(comm, "\n")] = '\0';
		printf("   Main PID: %lld", (long long)unit->view.pid);
		if (comm[0]) {
			fputs(" (", stdout);
			put(s, STYLE_PLAIN, comm);
			putchar(')');
		}
		putchar('\n');
	}
	if (unit->view.status && *unit->view.status) {
		fputs("     Status: \"", stdout);
		put(s, STYLE_PLAIN, unit->view.status);
		puts("\"");
	}
	if (unit->view.pid > 0 && unit->view.tasks >= 0)
		printf("      Tasks: %lld\n", (long long)unit->view.tasks);
	if (unit->view.memory >= 0)
		printf("     Memory: %s\n", show_size(span, unit->view.memory));
	if (unit->view.cpu_run_us >= 0)
		printf("        CPU: %s\n", show_span(span, unit->view.cpu_run_us));
	else if (unit->view.cpu_us > 0)
		printf("        CPU: %s\n", show_span(span, unit->view.cpu_us));
}

static void put_tail(const struct systemctl *s, const struct sc_unit *unit)
{
	size_t n = json_array_size(unit->view.tail);
	uint64_t lines = s->options->lines;

	if (n && lines)
		putchar('\n');
	for (size_t i = n > lines ? n - (size_t)lines : 0; i < n; i++) {
		put(s, STYLE_PLAIN, json_string_value(json_array_get(unit->view.tail, i)));
		putchar('\n');
	}
}

static int status_one(const struct systemctl *s, const char *name)
{
	_cleanup_(sc_unit_free) struct sc_unit unit = {0};
	struct err err = {0};
	int r = sc_unit_get(s, name, &unit, &err);

	if (r < 0)
		return sc_complain(SC_NO_SUCH_UNIT, "%s", err.text);
	if (unit.load == SC_NOT_FOUND)
		return sc_complain(SC_NO_SUCH_UNIT, "Unit %s could not be found.", name);
	put_dot(s, &unit);
	put(s, STYLE_PLAIN, unit.name);
	if (unit.view.description && *unit.view.description) {
		fputs(" - ", stdout);
		put(s, STYLE_PLAIN, unit.view.description);
	}
	putchar('\n');
	put_loaded(s, &unit);
	put_active(s, &unit);
	put_process(s, &unit);
	if (unit.view.last_error && style_of(&unit) != STYLE_GOOD) {
		fputs("      Error: ", stdout);
		put(s, STYLE_BAD, unit.view.last_error);
		putchar('\n');
	}
	put_tail(s, &unit);
	return view_is_active(&unit.view) || strcmp(sc_active(&unit), "reloading") == 0
		       ? SC_OK
		       : SC_NOT_ACTIVE;
}

/* Of the whole container. */
static int status_all(const struct systemctl *s)
{
	static const char *const words[] = {"status"};
	_cleanup_(reply_free) struct reply reply = {0};
	struct manager_view m;
	struct err err = {0};
	char host[256] = "", text[SHOW_TIME];
	size_t failed = 0, n = 0;
	json_t *packet;

	if (client_ask_once(words, 1, CLIENT_TIMEOUT_MS, &reply, &err) < 0)
		return sc_complain(SC_FAILED, "%s", err.text);
	m = view_manager(json_array_get(reply.packets, 0));
	for (size_t i = 1; (packet = json_array_get(reply.packets, i)); i++) {
		struct unit_view u = view_unit(packet);

		n++;
		failed += u.active && strcmp(u.active, "failed") == 0;
	}
	gethostname(host, sizeof(host) - 1);
	printf("%s %s\n    State: %s\n    Units: %zu loaded\n     Jobs: 0 queued\n   Failed: %zu "
	       "units\n    Since: %s\n  systemd: hakim-init " HAKIM_VERSION "\n",
	       s->look.utf8 ? "●" : "*", host, m.state ? m.state : "?", n, failed,
	       show_time(text, m.boot_realtime_us));
	return SC_OK;
}

int sc_status(struct systemctl *s)
{
	_cleanup_(strv_free) struct strv names = {0};
	struct err err = {0};
	int status = SC_OK;

	if (!s->n_names)
		return status_all(s);
	if (sc_expand(s, &names, &err) < 0)
		return sc_complain(SC_NO_SUCH_UNIT, "%s", err.text);
	for (size_t i = 0; i < names.n; i++) {
		int one;

		if (i)
			putchar('\n');
		one = status_one(s, names.v[i]);
		if (one > status)
			status = one;
	}
	return status;
}
