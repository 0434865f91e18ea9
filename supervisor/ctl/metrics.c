/*
 * metrics.c - `hakimctl metrics`: one family a row of the table, one sample a unit.
 */
#include "supervisor/ctl/metrics.h"

#include <errno.h>
#include <string.h>

#include "common/cleanup.h"
#include "supervisor/ctl/client.h"
#include "supervisor/ctl/ctl.h"
#include "supervisor/ctl/view.h"

enum sample_kind {
	SAMPLE_COUNT = 0,
	SAMPLE_SECONDS, /* of microseconds */
};

/* A number of the manager's or of each unit's packet. */
struct family {
	const char *name, *type, *unit, *help;
	const char *key; /* in the JSON */
	enum sample_kind kind;
};

static const struct family manager_families[] = {
	{"hakim_supervisor_starts", "counter", NULL, "Supervisors that PID 1 has started.",
	 "supervisor_starts", SAMPLE_COUNT},
	{"hakim_orphans_reaped", "counter", NULL, "Processes of nobody that PID 1 has reaped.",
	 "orphans", SAMPLE_COUNT},
	{"hakim_console_dropped_bytes", "counter", "bytes", "What did not fit the console.",
	 "console_dropped", SAMPLE_COUNT},
	{"hakim_uptime_seconds", "gauge", "seconds", "Since PID 1 began.", "now_us",
	 SAMPLE_SECONDS},
};

static const struct family unit_families[] = {
	{"hakim_unit_restarts", "counter", NULL, "Automatic restarts since the boot.", "restarts",
	 SAMPLE_COUNT},
	{"hakim_unit_ended_cpu_seconds", "counter", "seconds",
	 "Processor time of its processes that have ended.", "cpu_us", SAMPLE_SECONDS},
	{"hakim_unit_cpu_seconds", "counter", "seconds",
	 "Processor time of what runs; begins anew with a run.", "cpu_run_us", SAMPLE_SECONDS},
	{"hakim_unit_memory_bytes", "gauge", "bytes", "Memory that it uses.", "memory",
	 SAMPLE_COUNT},
	{"hakim_unit_tasks", "gauge", NULL, "Processes that it has.", "tasks", SAMPLE_COUNT},
	{"hakim_unit_log_lost_bytes", "counter", "bytes", "What could not be written to its log.",
	 "log_lost", SAMPLE_COUNT},
};

static const char *const states[] = {"active", "activating", "deactivating", "inactive", "failed"};

static bool is_of_type(const json_t *packet, const char *type)
{
	const char *is = json_string_value(json_object_get(packet, "type"));

	return is && strcmp(is, type) == 0;
}

/* The specification's escapes for a label's value. */
static void put_label(FILE *out, const char *name, const char *value)
{
	fprintf(out, "%s=\"", name);
	for (; *value; value++) {
		if (*value == '\n')
			fputs("\\n", out);
		else if (*value == '"' || *value == '\\')
			fprintf(out, "\\%c", *value);
		else
			putc(*value, out);
	}
	putc('"', out);
}

static void put_head(FILE *out, const char *name, const char *type, const char *unit,
		     const char *help)
{
	fprintf(out, "# TYPE %s %s\n", name, type);
	if (unit)
		fprintf(out, "# UNIT %s %s\n", name, unit);
	fprintf(out, "# HELP %s %s\n", name, help);
}

static void put_sample(FILE *out, const struct family *family, const json_t *packet,
		       const char *unit)
{
	const json_t *value = json_object_get(packet, family->key);

	if (!json_is_integer(value))
		return;
	fprintf(out, "%s%s", family->name, strcmp(family->type, "counter") == 0 ? "_total" : "");
	if (unit) {
		putc('{', out);
		put_label(out, "unit", unit);
		putc('}', out);
	}
	if (family->kind == SAMPLE_SECONDS)
		fprintf(out, " %.6f\n", (double)json_integer_value(value) / 1e6);
	else
		fprintf(out, " %lld\n", (long long)json_integer_value(value));
}

static void put_info(FILE *out, const json_t *packet)
{
	struct manager_view m = view_manager(packet);

	put_head(out, "hakim", "info", NULL, "The supervisor, and where it runs.");
	fputs("hakim_info{", out);
	put_label(out, "version", m.version ? m.version : "");
	putc(',', out);
	put_label(out, "place", m.place ? m.place : "");
	fputs("} 1\n", out);
}

static void put_states(FILE *out, const json_t *packets)
{
	put_head(out, "hakim_unit_state", "stateset", NULL, "Its state, as systemd has it.");
	for (size_t i = 0; i < json_array_size(packets); i++) {
		const json_t *packet = json_array_get(packets, i);
		struct unit_view u = view_unit(packet);

		if (!is_of_type(packet, "unit") || !u.name || !u.active)
			continue;
		for (size_t k = 0; k < ARRAY_LEN(states); k++) {
			fputs("hakim_unit_state{", out);
			put_label(out, "unit", u.name);
			putc(',', out);
			put_label(out, "hakim_unit_state", states[k]);
			fprintf(out, "} %d\n", strcmp(states[k], u.active) == 0);
		}
	}
}

/* How long its last start has taken. */
static void put_starts(FILE *out, const json_t *packets)
{
	put_head(out, "hakim_unit_start_seconds", "gauge", "seconds",
		 "From its first command until it was ready, the last time.");
	for (size_t i = 0; i < json_array_size(packets); i++) {
		const json_t *packet = json_array_get(packets, i);
		struct unit_view u = view_unit(packet);
		int64_t took = view_ready_after_us(&u);

		if (!is_of_type(packet, "unit") || !u.name || took < 0)
			continue;
		fputs("hakim_unit_start_seconds{", out);
		put_label(out, "unit", u.name);
		fprintf(out, "} %.6f\n", (double)took / 1e6);
	}
}

void metrics_put(FILE *out, const json_t *packets)
{
	for (size_t i = 0; i < json_array_size(packets); i++) {
		const json_t *packet = json_array_get(packets, i);

		if (!is_of_type(packet, "manager"))
			continue;
		put_info(out, packet);
		for (size_t k = 0; k < ARRAY_LEN(manager_families); k++) {
			const struct family *f = &manager_families[k];

			put_head(out, f->name, f->type, f->unit, f->help);
			put_sample(out, f, packet, NULL);
		}
		break;
	}
	put_states(out, packets);
	put_starts(out, packets);
	for (size_t k = 0; k < ARRAY_LEN(unit_families); k++) {
		const struct family *f = &unit_families[k];

		put_head(out, f->name, f->type, f->unit, f->help);
		for (size_t i = 0; i < json_array_size(packets); i++) {
			const json_t *packet = json_array_get(packets, i);
			const char *name = json_string_value(json_object_get(packet, "name"));

			if (is_of_type(packet, "unit") && name)
				put_sample(out, f, packet, name);
		}
	}
	fputs("# EOF\n", out);
}

int ctl_metrics(struct ctl *ctl)
{
	static const char *const words[] = {"status"};
	_cleanup_(reply_free) struct reply reply = {0};
	struct err err = {0};
	int r = client_ask_once(words, 1, CLIENT_TIMEOUT_MS, &reply, &err);

	if (r < 0)
		return ctl_fail(r, &err);
	metrics_put(stdout, reply.packets);
	return CTL_OK;
}
