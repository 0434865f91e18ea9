/*
 * status_unit.c - the long view of one unit, as `systemctl status` has taught people to read it.
 */
#include <string.h>

#include "common/cleanup.h"
#include "supervisor/ctl/status.h"

#define LABEL_WIDTH 12
#define TAIL_LINES  10 /* `hakimctl logs` shows more */

static void put_label(FILE *out, const char *label)
{
	fprintf(out, "%*s: ", LABEL_WIDTH, label);
}

/* "     Label: text"; nothing at all where there is no text. */
static void put_line(FILE *out, const struct look *look, const char *label, enum style style,
		     const char *text)
{
	if (!text || !*text)
		return;
	put_label(out, label);
	status_put_clean(out, look, style, text);
	fputc('\n', out);
}

static void put_title(const struct unit_view *u, const struct look *look, FILE *out)
{
	style_put(out, look, view_state(u).style, look->utf8 ? "\u25cf " : "* ");
	status_put_clean(out, look, STYLE_BOLD, u->name);
	if (u->description && *u->description) {
		fputs(" - ", out);
		status_put_clean(out, look, STYLE_PLAIN, u->description);
	}
	fputc('\n', out);
}

/* "ready (active, running) since 2026-11-24 03:07:08 UTC; 3m 12s ago" */
static void put_state(const struct manager_view *m, const struct unit_view *u,
		      const struct look *look, FILE *out)
{
	struct view_state state = view_state(u);
	char when[SHOW_TIME], span[SHOW_SPAN];

	put_label(out, "State");
	status_put_clean(out, look, state.style, state.word);
	/* systemd's words, where they say more. */
	if (!u->sub || strcmp(state.word, u->sub) != 0) {
		fputs(" (", out);
		status_put_clean(out, look, STYLE_PLAIN, u->active);
		fputs(", ", out);
		status_put_clean(out, look, STYLE_PLAIN, u->sub);
		fputc(')', out);
	}
	/* Sums of two numbers from elsewhere must not overflow. */
	if (u->since_us >= 0 && m->boot_realtime_us >= 0 &&
	    u->since_us <= INT64_MAX - m->boot_realtime_us)
		fprintf(out, " since %s", show_time(when, m->boot_realtime_us + u->since_us));
	if (u->since_us >= 0 && m->now_us >= u->since_us)
		fprintf(out, "; %s ago", show_age(span, m->now_us - u->since_us));
	fputc('\n', out);
}

static void put_processes(const struct unit_view *u, FILE *out)
{
	char text[SHOW_SPAN];

	if (u->pid >= 0) {
		put_label(out, "PID");
		fprintf(out, "%lld", (long long)u->pid);
		if (u->tasks > 0)
			fprintf(out, " (%lld task%s)", (long long)u->tasks,
				u->tasks == 1 ? "" : "s");
		fputc('\n', out);
	}
	if (u->memory >= 0) {
		put_label(out, "Memory");
		fprintf(out, "%s\n", show_size(text, u->memory));
	}
	if (u->cpu_run_us >= 0) {
		put_label(out, "CPU");
		fprintf(out, "%s\n", show_span(text, u->cpu_run_us));
	} else if (u->cpu_us > 0) {
		put_label(out, "CPU");
		fprintf(out, "%s of processes that have ended\n", show_span(text, u->cpu_us));
	}
}

/* "48 ms after its start; started 1.8 ms after boot, its program after 0.5 ms" */
static void put_times(const struct unit_view *u, FILE *out)
{
	int64_t after = view_ready_after_us(u);
	char text[SHOW_SPAN];

	if (u->started_us >= 0) {
		put_label(out, "Started");
		fprintf(out, "%s after boot", show_span(text, u->started_us));
		if (u->queued_us >= 0 && u->started_us >= u->queued_us)
			fprintf(out, ", had waited for %s",
				show_span(text, u->started_us - u->queued_us));
		if (u->exec_us > u->started_us)
			fprintf(out, "; its program %s later",
				show_span(text, u->exec_us - u->started_us));
		fputc('\n', out);
	}
	if (after >= 0) {
		put_label(out, "Ready after");
		fprintf(out, "%s\n", show_span(text, after));
	}
	if (u->restarts >= 0) {
		put_label(out, "Restarts");
		fprintf(out, "%lld\n", (long long)u->restarts);
	}
}

static void put_health(const struct unit_view *u, const struct look *look, FILE *out)
{
	bool good = u->health && strcmp(u->health, "healthy") == 0;

	if (!u->health)
		return;
	put_label(out, "Health");
	status_put_clean(out, look, good ? STYLE_GOOD : STYLE_BUSY, u->health);
	if (u->health_failures > 0)
		fprintf(out, ", %lld failure%s in a row", (long long)u->health_failures,
			u->health_failures == 1 ? "" : "s");
	if (u->health_text) {
		fputs(" (", out);
		status_put_clean(out, look, STYLE_PLAIN, u->health_text);
		fputc(')', out);
	}
	fputc('\n', out);
}

static void put_log(const struct unit_view *u, const struct look *look, FILE *out)
{
	char text[SHOW_SPAN];

	if (!u->log || !*u->log)
		return;
	put_label(out, "Log");
	status_put_clean(out, look, STYLE_PLAIN, u->log);
	if (u->log_lost > 0)
		fprintf(out, " (%s could not be written)", show_size(text, u->log_lost));
	if (u->log_suppressed > 0)
		fprintf(out, " (%lld lines were over its rate limit)",
			(long long)u->log_suppressed);
	if (u->log_error) {
		fputs("; now: ", out);
		status_put_clean(out, look, STYLE_BAD, u->log_error);
	}
	fputc('\n', out);
}

static void put_tail(const struct unit_view *u, const struct look *look, FILE *out)
{
	const json_t *line;

	size_t n = json_array_size(u->tail);

	if (!n)
		return;
	fputc('\n', out);
	for (size_t i = n > TAIL_LINES ? n - TAIL_LINES : 0; (line = json_array_get(u->tail, i));
	     i++) {
		status_put_clean(out, look, STYLE_PLAIN, json_string_value(line));
		fputc('\n', out);
	}
}

static const char *text_in(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "-";
}

/* The label before the first of several, and blanks before the others. */
static void put_label_once(FILE *out, const char *label, bool first)
{
	if (first)
		put_label(out, label);
	else
		fprintf(out, "%*s  ", LABEL_WIDTH, "");
}

/* "ConditionPathExists=!/x does not hold now": who asks why it was skipped wants those alone. */
static void put_conditions(const struct unit_view *u, const struct look *look, FILE *out)
{
	const json_t *one;
	bool first = true;

	for (size_t i = 0; (one = json_array_get(u->conditions, i)); i++) {
		if (!json_is_false(json_object_get(one, "holds")))
			continue;
		put_label_once(out, "Conditions", first);
		status_put_clean(out, look, STYLE_BUSY, text_in(one, "name"));
		fprintf(out, "=%s%s", json_is_true(json_object_get(one, "trigger")) ? "|" : "",
			json_is_true(json_object_get(one, "negate")) ? "!" : "");
		status_put_clean(out, look, STYLE_PLAIN, text_in(one, "parameter"));
		fputs(" does not hold now\n", out);
		first = false;
	}
}

static void put_socket(const struct unit_view *u, const struct look *look, FILE *out)
{
	const json_t *one;

	for (size_t i = 0; (one = json_array_get(u->listen, i)); i++) {
		put_label_once(out, "Listen", i == 0);
		status_put_clean(out, look, STYLE_PLAIN, text_in(one, "address"));
		fputs(" (", out);
		status_put_clean(out, look, STYLE_PLAIN, text_in(one, "kind"));
		fputs(")\n", out);
	}
	if (u->accepted < 0)
		return;
	put_label(out, "Accepted");
	fprintf(out, "%lld connection%s", (long long)u->accepted, u->accepted == 1 ? "" : "s");
	if (u->connections >= 0)
		fprintf(out, ", %lld of them now", (long long)u->connections);
	fputc('\n', out);
}

/* "2 of 3 are up", and what the others are. */
static void put_members(const struct unit_view *u, const struct look *look, FILE *out)
{
	const json_t *one;
	size_t n = json_array_size(u->members), up = 0;

	if (!n)
		return;
	for (size_t i = 0; i < n; i++) {
		struct unit_view view = view_unit(json_array_get(u->members, i));

		up += view_is_active(&view);
	}
	put_label(out, "Members");
	fprintf(out, "%zu of %zu %s up\n", up, n, n == 1 ? "is" : "are");
	for (size_t i = 0; (one = json_array_get(u->members, i)); i++) {
		struct unit_view view = view_unit(one);
		struct view_state state = view_state(&view);

		put_label_once(out, "", false);
		style_put(out, look, state.style, look->utf8 ? "\u25cf " : "* ");
		status_put_clean(out, look, STYLE_PLAIN, text_in(one, "name"));
		fputc(' ', out);
		status_put_clean(out, look, state.style, state.word);
		fputc('\n', out);
	}
}

/* How the last runs ended, the newest first: "3s ago: exited with status 3 (exit-code)". */
static void put_ends(const struct manager_view *m, const struct unit_view *u,
		     const struct look *look, FILE *out)
{
	const json_t *end;
	char span[SHOW_SPAN];

	for (size_t i = 0; (end = json_array_get(u->ends, i)); i++) {
		const json_t *at = json_object_get(end, "at_us");
		const char *result = json_string_value(json_object_get(end, "result"));
		const char *text = json_string_value(json_object_get(end, "text"));
		int64_t at_us = json_is_integer(at) ? json_integer_value(at) : -1;

		put_label_once(out, "Ends", i == 0);
		if (at_us >= 0 && m->now_us >= at_us)
			fprintf(out, "%s ago: ", show_age(span, m->now_us - at_us));
		status_put_clean(out, look, STYLE_PLAIN, text && *text ? text : result);
		if (text && *text && result) {
			fputs(" (", out);
			status_put_clean(out, look, STYLE_PLAIN, result);
			fputc(')', out);
		}
		fputc('\n', out);
	}
}

void status_print_unit(const struct manager_view *m, const struct unit_view *u,
		       const struct look *look, FILE *out)
{
	enum style style = view_state(u).style;
	const json_t *note;

	put_title(u, look, out);
	put_state(m, u, look, out);
	put_line(out, look, "Status", STYLE_PLAIN, u->status);
	put_line(out, look, "Last error", style == STYLE_BAD ? STYLE_BAD : STYLE_PLAIN,
		 u->last_error);
	if (u->result && strcmp(u->result, "success") != 0)
		put_line(out, look, "Result", STYLE_PLAIN, u->result);
	put_conditions(u, look, out);
	put_socket(u, look, out);
	put_members(u, look, out);
	put_processes(u, out);
	put_times(u, out);
	put_ends(m, u, look, out);
	put_health(u, look, out);
	put_line(out, look, "File", STYLE_PLAIN, u->file);
	put_log(u, look, out);
	for (size_t i = 0; (note = json_array_get(u->notes, i)); i++)
		put_line(out, look, "Note", STYLE_BUSY, json_string_value(note));
	put_tail(u, look, out);
}
