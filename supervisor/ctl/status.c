/*
 * status.c - `hakimctl status`: all units as a table, or, with --json, what the supervisor said.
 */
#include "supervisor/ctl/status.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "supervisor/ctl/client.h"
#include "supervisor/ctl/ctl.h"
#include "supervisor/ctl/table.h"
#include "supervisor/ctl/view.h"

/* The first packet of a type. */
static json_t *find_packet(const struct reply *reply, const char *type)
{
	json_t *packet;

	for (size_t i = 0; (packet = json_array_get(reply->packets, i)); i++) {
		const char *is = json_string_value(json_object_get(packet, "type"));

		if (is && strcmp(is, type) == 0)
			return packet;
	}
	return NULL;
}

/* The packets of units, as a new array of borrowed objects. */
static json_t *find_units(const struct reply *reply)
{
	json_t *units = json_array();
	json_t *packet;

	for (size_t i = 0; (packet = json_array_get(reply->packets, i)); i++) {
		const char *is = json_string_value(json_object_get(packet, "type"));

		if (is && strcmp(is, "unit") == 0 && json_array_append(units, packet) < 0) {
			json_decref(units);
			return NULL;
		}
	}
	return units;
}

void status_put_clean(FILE *out, const struct look *look, enum style style, const char *text)
{
	_cleanup_free_ char *clean = show_clean(text ? text : "-", look, true);

	style_put(out, look, style, clean ? clean : "?");
}

/* ---- the head ---- */

/* "12 units: 10 ready, 1 failed, 1 skipped", in the order of first appearance. */
static void put_counts(const json_t *units, const struct look *look, FILE *out)
{
	struct {
		struct view_state state;
		size_t n;
	} counts[16] = {0};
	size_t k, n = json_array_size(units);
	const json_t *unit;

	fprintf(out, "  %zu unit%s", n, n == 1 ? "" : "s");
	for (size_t i = 0; (unit = json_array_get(units, i)); i++) {
		struct unit_view view = view_unit(unit);
		struct view_state state = view_state(&view);

		for (k = 0; k < ARRAY_LEN(counts) - 1 && counts[k].n; k++)
			if (strcmp(counts[k].state.word, state.word) == 0)
				break;
		counts[k].state = state;
		counts[k].n++;
	}
	for (k = 0; k < ARRAY_LEN(counts) && counts[k].n; k++) {
		fprintf(out, "%s%zu ", k ? ", " : ": ", counts[k].n);
		status_put_clean(out, look, counts[k].state.style, counts[k].state.word);
	}
	fputc('\n', out);
}

static enum style style_of_manager(const char *state)
{
	if (!state)
		return STYLE_PLAIN;
	if (strcmp(state, "running") == 0)
		return STYLE_GOOD;
	return strcmp(state, "degraded") == 0 ? STYLE_BAD : STYLE_BUSY;
}

static void put_warning(const struct look *look, FILE *out, const char *text)
{
	fputs("  ", out);
	style_put(out, look, STYLE_BUSY, "warning: ");
	status_put_clean(out, look, STYLE_PLAIN, text);
	fputc('\n', out);
}

static void put_head(const struct manager_view *m, const struct look *look, FILE *out)
{
	char span[SHOW_SPAN], text[128];
	const json_t *note;

	status_put_clean(out, look, style_of_manager(m->state), look->utf8 ? "\u25cf " : "* ");
	style_put(out, look, STYLE_BOLD, "hakim-init");
	if (m->version) {
		fputc(' ', out);
		status_put_clean(out, look, STYLE_PLAIN, m->version);
	}
	fputs(": ", out);
	status_put_clean(out, look, style_of_manager(m->state), m->state);
	if (m->now_us >= 0)
		fprintf(out, " for %s", show_age(span, m->now_us));
	if (m->place && strcmp(m->place, "unknown") != 0) {
		fputs(" in ", out);
		status_put_clean(out, look, STYLE_PLAIN, m->place);
	}
	if (m->supervisor_pid >= 0)
		fprintf(out, ", supervisor PID %lld", (long long)m->supervisor_pid);
	if (m->supervisor_starts > 1)
		fprintf(out, " (started %lld times)", (long long)m->supervisor_starts);
	fputc('\n', out);
	for (size_t i = 0; (note = json_array_get(m->notes, i)); i++)
		if (json_is_string(note))
			put_warning(look, out, json_string_value(note));
	if (m->console_dropped > 0) {
		snprintf(text, sizeof(text), "%s of messages did not fit the console",
			 show_size(span, m->console_dropped));
		put_warning(look, out, text);
	}
	if (m->version && strcmp(m->version, HAKIM_VERSION) != 0)
		put_warning(look, out,
			    "hakimctl is version " HAKIM_VERSION
			    "; after an upgrade, 'hakimctl reexec' brings the new supervisor");
}

/* ---- the table ---- */

static const struct table_column columns[] = {
	{"NAME", false, 0},    {"STATE", false, 0}, {"SINCE", true, 4},       {"PID", true, 3},
	{"RESTARTS", true, 2}, {"MEMORY", true, 5}, {"READY AFTER", true, 1}, {"STATUS", false, 0},
};

static void add_number(struct table *table, const struct look *look, enum style style, int64_t n)
{
	char text[24];

	snprintf(text, sizeof(text), "%lld", (long long)n);
	table_add(table, look, style, n < 0 ? NULL : text);
}

static void add_remark(struct table *table, const struct look *look, const struct unit_view *u)
{
	const char *remark = view_remark(u);
	size_t notes = json_array_size(u->notes);
	char text[64];

	if (!remark && notes) {
		snprintf(text, sizeof(text), "%zu note%s on its file", notes,
			 notes == 1 ? "" : "s");
		remark = text;
	}
	table_add(table, look, STYLE_PLAIN, remark);
}

static void add_row(struct table *table, const struct look *look, const struct manager_view *m,
		    const struct unit_view *u)
{
	struct view_state state = view_state(u);
	char name[VIEW_NAME], span[SHOW_SPAN];
	int64_t age = m->now_us >= 0 && u->since_us >= 0 ? m->now_us - u->since_us : -1;

	table_add(table, look, STYLE_PLAIN, view_short_name(name, u->name));
	table_add(table, look, state.style, state.word);
	table_add(table, look, STYLE_PLAIN, show_age(span, age));
	add_number(table, look, STYLE_PLAIN, u->pid);
	add_number(table, look, u->restarts > 0 ? STYLE_BUSY : STYLE_PLAIN, u->restarts);
	table_add(table, look, STYLE_PLAIN, show_size(span, u->memory));
	table_add(table, look, STYLE_PLAIN, show_span(span, view_ready_after_us(u)));
	add_remark(table, look, u);
}

int status_print_table(const json_t *manager, const json_t *units, const struct look *look,
		       FILE *out)
{
	_cleanup_(table_free) struct table table = {.columns = columns,
						    .n_columns = ARRAY_LEN(columns)};
	struct manager_view m = view_manager(manager);
	const json_t *unit;

	put_head(&m, look, out);
	put_counts(units, look, out);
	if (!json_array_size(units))
		return 0;
	fputc('\n', out);
	for (size_t i = 0; (unit = json_array_get(units, i)); i++) {
		struct unit_view view = view_unit(unit);

		add_row(&table, look, &m, &view);
	}
	return table_print(&table, look, out);
}

/* ---- the command ---- */

/* {"manager": …, "units": […]}; what is a terminal gets no byte above 0x7e. */
static int print_json(json_t *manager, json_t *units, const struct look *look)
{
	size_t flags = JSON_INDENT(2) | (look->terminal ? JSON_ENSURE_ASCII : 0);
	json_t *all = json_pack("{s:O?, s:O}", "manager", manager, "units", units);
	json_t *unit;
	int r;

	if (!all)
		return -ENOMEM;
	json_object_del(manager, "type");
	for (size_t i = 0; (unit = json_array_get(units, i)); i++)
		json_object_del(unit, "type");
	r = json_dumpf(all, stdout, flags);
	json_decref(all);
	putchar('\n');
	/* A full disk is told at the end of the program; what else there is, is a lack of memory.
	 */
	return r < 0 && !ferror(stdout) ? -ENOMEM : 0;
}

static int print_long(const json_t *manager, const json_t *units, const struct look *look)
{
	struct manager_view m = view_manager(manager);
	const json_t *unit;

	for (size_t i = 0; (unit = json_array_get(units, i)); i++) {
		struct unit_view view = view_unit(unit);

		if (i)
			putchar('\n');
		status_print_unit(&m, &view, look, stdout);
	}
	return 0;
}

/* As systemctl does: who names units wants to know whether they are up. */
static int exit_status(const struct ctl *ctl, const json_t *units)
{
	const json_t *unit;

	if (!ctl->args.n_names)
		return CTL_OK;
	for (size_t i = 0; (unit = json_array_get(units, i)); i++) {
		struct unit_view view = view_unit(unit);

		if (!view_is_active(&view))
			return CTL_INACTIVE;
	}
	return CTL_OK;
}

static int show(struct ctl *ctl, const struct reply *reply)
{
	json_t *manager = find_packet(reply, "manager");
	json_t *units = find_units(reply);
	int r = -ENOMEM;

	if (units && ctl->args.given & ARGS_JSON)
		r = print_json(manager, units, &ctl->look);
	else if (units && ctl->args.n_names)
		r = print_long(manager, units, &ctl->look);
	else if (units)
		r = status_print_table(manager, units, &ctl->look, stdout);
	r = r < 0 ? ctl_complain(CTL_FAILED, "the answer does not fit the memory")
		  : exit_status(ctl, units);
	json_decref(units);
	return r;
}

int ctl_status(struct ctl *ctl)
{
	_cleanup_free_ const char **words = calloc(ctl->args.n_names + 1, sizeof(*words));
	_cleanup_(reply_free) struct reply reply = {0};
	struct err err = {0};
	int r;

	if (!words)
		return ctl_complain(CTL_FAILED, "there is not enough memory");
	words[0] = "status";
	for (size_t i = 0; i < ctl->args.n_names; i++)
		words[i + 1] = ctl->args.names[i];
	r = client_ask_once(words, ctl->args.n_names + 1, CLIENT_TIMEOUT_MS, &reply, &err);
	if (r < 0)
		return ctl_fail(r, &err);
	return show(ctl, &reply);
}
