/*
 * report.c - the supervisor and its services as JSON, by docs/control.md. Reads only.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "supervisor/connections.h"
#include "supervisor/control.h"
#include "supervisor/degraded.h"
#include "supervisor/manager.h"
#include "supervisor/order.h"
#include "supervisor/socket.h"

/* As init/place.h numbers them. */
static const char *const places[] = {"unknown",        "lxc",       "docker", "podman", "other",
				     "systemd-nspawn", "kubernetes"};

const char *report_place(const struct manager *m)
{
	return m->board->place < ARRAY_LEN(places) ? places[m->board->place] : places[0];
}

static void notes(struct json *j, const struct strv *list)
{
	for (size_t i = 0; i < list->n; i++)
		json_string(j, NULL, list->v[i]);
}

static const char *manager_state(const struct manager *m)
{
	bool failed = false;

	if (m->stopping)
		return "stopping";
	for (size_t i = 0; i < m->n_services; i++) {
		enum service_state state = m->services[i]->machine.state;

		if (service_is_failed(state))
			failed = true;
		else if (state == SERVICE_WAITING || service_is_starting(state))
			return "starting";
	}
	return failed ? "degraded" : "running";
}

/* Microseconds since PID 1's start; null when it has not happened. */
static void since_boot(const struct manager *m, struct json *j, const char *key, uint64_t at_us)
{
	uint64_t boot = m->board->boot_ns / 1000;

	if (at_us)
		json_int(j, key, at_us > boot ? (int64_t)(at_us - boot) : 0);
	else
		json_null(j, key);
}

void report_manager(struct manager *m, struct json *j)
{
	json_begin_object(j, NULL);
	json_string(j, "type", "manager");
	json_string(j, "version", HAKIM_VERSION);
	json_string(j, "state", manager_state(m));
	json_string(j, "place", report_place(m));
	json_int(j, "init_pid", m->board->init_pid);
	json_int(j, "supervisor_pid", getpid());
	json_int(j, "supervisor_starts", board_load(&m->board->supervisor_starts));
	json_int(j, "boot_realtime_us", (int64_t)(m->board->boot_realtime_ns / 1000));
	since_boot(m, j, "now_us", now_us());
	since_boot(m, j, "setup_us", m->board->setup_done_ns / 1000);
	since_boot(m, j, "settled_us", m->settled_us);
	json_int(j, "orphans", (int64_t)m->board->orphans);
	json_int(j, "console_dropped", (int64_t)m->board->console_dropped);
	json_begin_array(j, "notes");
	for (unsigned i = 0; i < BOARD_NOTES; i++)
		if (m->board->notes[i][0])
			json_string_len(j, NULL, m->board->notes[i],
					strnlen(m->board->notes[i], sizeof(m->board->notes[i])));
	notes(j, &m->notes);
	json_end_array(j);
	/* Names only: whose values nobody may show. */
	json_begin_array(j, "secrets");
	notes(j, &m->secret_names);
	json_end_array(j);
	json_end_object(j);
}

static const char *status_text(const struct service *s)
{
	if (s->status_text[0])
		return s->status_text;
	return s->machine.state == SERVICE_READY_WAIT ? ready_text(s) : NULL;
}

static void tail(struct service *s, struct json *j)
{
	char buf[2048];
	char *line = buf;
	char *newline;

	json_begin_array(j, "tail");
	if (s->log.index >= 0 &&
	    journal_tail(s->manager->journal, (unsigned)s->log.index, buf, sizeof(buf))) {
		while ((newline = strchr(line, '\n'))) {
			json_string_len(j, NULL, line, (size_t)(newline - line));
			line = newline + 1;
		}
		if (*line)
			json_string(j, NULL, line);
	}
	json_end_array(j);
}

/* How the last runs ended, the newest first. */
static void ends(const struct service *s, struct json *j)
{
	json_begin_array(j, "ends");
	for (unsigned i = 0; i < s->n_past; i++) {
		json_begin_object(j, NULL);
		since_boot(s->manager, j, "at_us", s->past[i].at_us);
		json_string(j, "result", service_result_name(s->past[i].result));
		json_string(j, "text", s->past[i].text);
		json_end_object(j);
	}
	json_end_array(j);
}

static void units(const struct manager *m, struct json *j, const char *key, const size_t *list,
		  size_t n)
{
	json_begin_array(j, key);
	for (size_t i = 0; i < n; i++)
		json_string(j, NULL, m->services[list[i]]->unit->name);
	json_end_array(j);
}

/* Whom it comes after, and what it pulls in, of the units that there are. */
static void relations(const struct service *s, struct json *j)
{
	static const struct graph_node none;
	const struct graph_node *node = order_node(s->manager, s);

	node = node ? node : &none;
	units(s->manager, j, "after", node->after, node->n_after);
	units(s->manager, j, "requires", node->requires, node->n_requires);
	units(s->manager, j, "wants", node->wants, node->n_wants);
}

/* Where a socket listens, and whom it has let in. */
static void socket_report(const struct service *s, struct json *j)
{
	static const char *const kinds[] = {"stream", "datagram", "sequential-packet", "fifo"};
	const struct socket_config *config = s->unit->socket;
	const struct manager *m = s->manager;
	unsigned now = 0;

	json_begin_array(j, "listen");
	for (size_t i = 0; i < config->n; i++) {
		json_begin_object(j, NULL);
		json_string(j, "kind", kinds[config->v[i].kind]);
		json_string(j, "address", config->v[i].address);
		json_end_object(j);
	}
	json_end_array(j);
	if (!config->accept)
		return;
	for (size_t i = 0; i < m->n_services; i++)
		if (m->services[i]->connection &&
		    strcmp(m->services[i]->connection->socket, s->unit->name) == 0)
			now++;
	/* The number of the next one, and so of all before it. */
	json_int(j, "accepted", s->connections);
	json_int(j, "connections", now);
}

/* What a target stands for. */
static void members(const struct service *s, struct json *j)
{
	const struct graph_node *node = order_node(s->manager, s);
	const size_t *lists[] = {node ? node->requires : NULL, node ? node->wants : NULL};
	const size_t n[] = {node ? node->n_requires : 0, node ? node->n_wants : 0};

	json_begin_array(j, "members");
	for (size_t k = 0; k < ARRAY_LEN(lists); k++)
		for (size_t i = 0; i < n[k]; i++) {
			const struct service *one = s->manager->services[lists[k][i]];

			json_begin_object(j, NULL);
			json_string(j, "name", one->unit->name);
			json_string(j, "active", service_active_name(one->machine.state));
			json_string(j, "sub",
				    service_sub_name(one->unit->kind, one->machine.state));
			json_end_object(j);
		}
	json_end_array(j);
}

/* What costs more, or is long: for those who ask about this one. */
static void details(struct service *s, struct json *j)
{
	order_conditions_report(s->manager, s->unit, j);
	if (s->unit->socket)
		socket_report(s, j);
	if (s->unit->kind == KIND_TARGET)
		members(s, j);
	tail(s, j);
}

/* null is what is not known. */
static void known(struct json *j, const char *key, int64_t value)
{
	if (value >= 0)
		json_int(j, key, value);
	else
		json_null(j, key);
}

void report_service(struct service *s, struct json *j, bool with_tail)
{
	struct manager *m = s->manager;
	struct journal_counters counters = {0};
	pid_t pid = task_pid(m, &s->main);
	char log[200];
	struct usage usage;
	/* What a connection's service says is in the log of the socket. */
	const char *log_name = s->connection ? s->connection->socket : s->unit->name;
	/* As the journal names its files: of services alone without the suffix. */
	size_t name_len =
		unit_kind_of(log_name) == KIND_SERVICE ? unit_stem(log_name) : strlen(log_name);

	service_usage(s, with_tail, &usage);
	if (!pid)
		pid = task_pid(m, &s->control);
	if (s->log.index >= 0)
		journal_counters(m->journal, (unsigned)s->log.index, &counters);
	snprintf(log, sizeof(log), "%s/%.*s.log", m->log_dir, (int)name_len, log_name);
	json_begin_object(j, NULL);
	json_string(j, "type", "unit");
	json_string(j, "name", s->unit->name);
	json_string(j, "description", s->unit->description);
	json_string(j, "file", s->unit->path);
	json_string(j, "active", service_active_name(s->machine.state));
	json_string(j, "sub", service_sub_name(s->unit->kind, s->machine.state));
	json_bool(j, "ready", service_is_up(s->machine.state));
	since_boot(m, j, "since_us", s->state_since_us);
	if (pid)
		json_int(j, "pid", pid);
	else
		json_null(j, "pid");
	json_int(j, "restarts", s->restarts);
	known(j, "memory", usage.memory);
	json_int(j, "tasks", usage.tasks);
	json_int(j, "cpu_us", (int64_t)s->cpu_us);
	known(j, "cpu_run_us", usage.cpu_us);
	since_boot(m, j, "queued_us", s->queued_us);
	since_boot(m, j, "started_us", s->started_us);
	since_boot(m, j, "exec_us", s->exec_us);
	since_boot(m, j, "ready_us", s->ready_us);
	relations(s, j);
	json_string(j, "result", service_result_name(s->machine.result));
	json_string(j, "last_error", s->error[0] ? s->error : NULL);
	json_string(j, "status", status_text(s));
	if (s->notify_errno)
		json_int(j, "errno", s->notify_errno);
	ends(s, j);
	health_report(s, j);
	json_string(j, "log", log);
	json_int(j, "log_lost", (int64_t)counters.lost_bytes);
	json_int(j, "log_suppressed", (int64_t)counters.suppressed);
	json_int(j, "log_console_dropped", (int64_t)counters.console_dropped);
	json_string(j, "log_error",
		    counters.last_errno        ? strerrordesc_np(counters.last_errno)
		    : counters.compress_failed ? "an old file could not be compressed"
					       : NULL);
	json_begin_array(j, "notes");
	notes(j, &s->notes);
	degraded_report(s, j);
	json_end_array(j);
	if (with_tail)
		details(s, j);
	json_end_object(j);
}
