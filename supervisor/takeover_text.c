/*
 * takeover_text.c - what the services are doing, as a text that the next supervisor reads, of
 * whatever version it is.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "supervisor/connections.h"
#include "supervisor/fdstore.h"
#include "supervisor/manager.h"
#include "supervisor/takeover.h"
#include "supervisor/watch.h"

/*
 * The format is lines of "key value"; "service NAME" begins a service. Unknown keys are skipped, so
 * that a newer and an older supervisor understand each other. Texts are last in their line and have
 * no newline.
 */
static void add_text(struct text_buf *text, const char *key, const char *value)
{
	if (value[0])
		text_add(text, "%s %.*s\n", key, (int)strcspn(value, "\n"), value);
}

static void save_stored(void *data, unsigned index, bool poll, const char *name)
{
	text_add(data, "stored %u %d %s\n", index, poll, name);
}

/* What belongs to the run that is under way, and what is left of the last ones. */
/* By name: an older or newer supervisor numbers them otherwise. */
static const char *const job_names[] = {
	[JOB_NONE] = "none", [JOB_GOES] = "waiting", [JOB_RUNS] = "running", [JOB_LATE] = "late"};

static enum service_job job_named(const char *name)
{
	for (unsigned i = 0; i < ARRAY_LEN(job_names); i++)
		if (strcmp(job_names[i], name) == 0)
			return (enum service_job)i;
	return JOB_NONE;
}

static void save_run(struct text_buf *text, const struct service *s)
{
	const struct service_machine *machine = &s->machine;

	text_add(text, "run %d %d %d %u %d\n", machine->main_ended, machine->mainless,
		 machine->searching, machine->reload_seen, machine->verdict);
	if (s->invocation[0])
		text_add(text, "invocation %s %u\n", s->invocation, s->runs);
	if (s->timers[TIMER_WATCHDOG] || s->timers[TIMER_RUNTIME] || s->watchdog_usec)
		text_add(text, "alive %llu %llu %llu\n",
			 (unsigned long long)s->timers[TIMER_WATCHDOG],
			 (unsigned long long)s->timers[TIMER_RUNTIME],
			 (unsigned long long)s->watchdog_usec);
	if (s->has_last)
		text_add(text, "last %d\n", s->last_status);
	if (s->dynamic_uid)
		text_add(text, "dynamic-user %u\n", s->dynamic_uid);
	if (s->told)
		text_add(text, "told 1\n");
	if (s->notify_errno)
		text_add(text, "errno %d\n", s->notify_errno);
	if (s->limit.starts)
		text_add(text, "limit %llu %u\n", (unsigned long long)s->limit.since_us,
			 s->limit.starts);
	add_text(text, "ending", s->end_text);
	for (unsigned i = s->n_past; i-- > 0;)
		text_add(text, "past %llu %s %.*s\n", (unsigned long long)s->past[i].at_us,
			 service_result_name(s->past[i].result),
			 (int)strcspn(s->past[i].text, "\n"), s->past[i].text);
}

static void save_service(struct text_buf *text, const struct service *s)
{
	const struct service_machine *machine = &s->machine;

	text_add(text, "service %s\n", s->unit->name);
	/* By name: an older or newer supervisor numbers them otherwise. */
	text_add(text, "life %s %s %u %d %d %d\n", service_state_name(machine->state),
		 service_result_name(machine->result), machine->command, machine->stop_requested,
		 machine->start_again, machine->was_up);
	text_add(text, "times %llu %llu %llu %llu %llu\n", (unsigned long long)s->state_since_us,
		 (unsigned long long)s->queued_us, (unsigned long long)s->started_us,
		 (unsigned long long)s->exec_us, (unsigned long long)s->ready_us);
	text_add(text, "counts %u %u %llu %d\n", s->restarts, s->restarts_in_row,
		 (unsigned long long)s->cpu_us, s->stop_pending);
	if (s->connections)
		text_add(text, "accepted %u\n", s->connections);
	if (s->moved)
		text_add(text, "moved %u\n", s->moved);
	if (s->timers[TIMER_UPHOLD])
		text_add(text, "uphold %llu\n", (unsigned long long)s->timers[TIMER_UPHOLD]);
	text_add(text, "deadline %llu\n", (unsigned long long)s->timers[TIMER_STATE]);
	if (s->timers[TIMER_JOB] || s->job == JOB_LATE)
		text_add(text, "job %s %llu\n", job_names[s->job],
			 (unsigned long long)s->timers[TIMER_JOB]);
	save_run(text, s);
	for (unsigned k = 0; k < ARRAY_LEN(s->sessions); k++)
		if (s->sessions[k].leader)
			text_add(text, "session %u %d %u\n", k, s->sessions[k].leader,
				 s->sessions[k].turn);
	/* Enough to stop it when its unit file is gone. */
	text_add(text, "kill %d %d %llu\n", s->unit->kill_mode, s->unit->kill_signal,
		 (unsigned long long)s->unit->timeout_stop_usec);
	fdstore_save(s, save_stored, text);
	if (s->connection)
		text_add(text, "connection %s %s %s\n", s->connection->socket,
			 s->connection->source, s->connection->port[0] ? s->connection->port : "-");
	add_text(text, "error", s->error);
	add_text(text, "status", s->status_text);
	if (s->log_matched)
		text_add(text, "ready-log %d\n", s->log_matched);
	if (s->health_state != HEALTH_NONE)
		text_add(text, "health %s %u\n", health_name(s->health_state), s->health_failures);
	if (s->health)
		add_text(text, "health-text", s->health->text);
}

void takeover_save(struct manager *m)
{
	struct text_buf *text = &m->state_text;

	m->dirty = false;
	text->len = 0;
	text_add(text, "manager %d %d\n", m->stopping, m->announced);
	text_add(text, "settled %llu\n", (unsigned long long)m->settled_us);
	for (size_t i = 0; i < m->n_services; i++)
		save_service(text, m->services[i]);
	if (text->v && state_write(&m->state, text->v, text->len) < 0)
		say(m, "the state is too large to be kept: a new supervisor would know less of the "
		       "services");
	while (m->n_release)
		slot_release(m, m->release[--m->n_release]);
}

static struct service *append_service(struct manager *m, struct unit *unit)
{
	struct service **grown = reallocarray(m->services, m->n_services + 1, sizeof(*grown));
	struct service *s;

	if (!grown)
		return NULL;
	m->services = grown;
	s = service_new(m, unit);
	if (!s)
		return NULL;
	s->index = m->n_services;
	m->services[m->n_services++] = s;
	manager_index(m, s);
	return s;
}

/* A service of which only the running process is known: its file is gone. */
static struct service *orphan_service(struct manager *m, const char *name)
{
	struct unit *unit = calloc(1, sizeof(*unit));
	struct service *s;

	if (!unit || !(unit->name = strdup(name)) ||
	    !(unit->path = strdup("(its unit file is gone)"))) {
		unit_free(unit);
		return NULL;
	}
	unit->kind = unit_kind_of(name);
	unit->kill_signal = SIGTERM;
	unit->timeout_stop_usec = 90 * USEC_PER_SEC;
	unit->timeout_start_usec = 90 * USEC_PER_SEC;
	unit->log_max_bytes = 8u << 20;
	unit->log_keep = 4;
	unit_life_init(&unit->life);
	unit->life.timeout_abort_usec = unit->timeout_stop_usec;
	unit->life.notify_access = NOTIFY_NONE;
	s = append_service(m, unit);
	if (!s) {
		unit_free(unit);
		return NULL;
	}
	s->orphan = unit;
	return s;
}

struct service *takeover_find(struct manager *m, const char *name)
{
	struct service *s = manager_get(m, name, NULL);

	return s ? s : orphan_service(m, name);
}

/* The numbers of version 0.1.0, which wrote "machine STATE RESULT …". */
static const enum service_state old_states[] = {
	SERVICE_DEAD,         SERVICE_SKIPPED,      SERVICE_WAITING,      SERVICE_START_PRE,
	SERVICE_START,        SERVICE_READY_WAIT,   SERVICE_RUNNING,      SERVICE_STOP,
	SERVICE_STOP_SIGTERM, SERVICE_STOP_SIGKILL, SERVICE_AUTO_RESTART, SERVICE_FAILED,
};
#define OLD_RESULTS 9 /* up to RESULT_DEPENDENCY, in today's order */

/* A state that we do not know is a newer supervisor's: the board says whether the service runs. */
static void restore_machine(struct service *s, enum service_state state, enum service_result result,
			    unsigned command, const int *flags)
{
	s->machine = (struct service_machine){
		.state = state,
		.result = result,
		.command = command,
		.stop_requested = flags[0],
		.start_again = flags[1],
		.was_up = flags[2],
	};
}

/* The lines of save_run(); false: it is none of them. */
static bool restore_run(struct service *s, const char *line)
{
	struct service_machine *machine = &s->machine;
	unsigned long long t[3];
	char word[40];
	unsigned u;
	int i[4];
	int at = 0;

	if (sscanf(line, "run %d %d %d %u %d", &i[0], &i[1], &i[2], &u, &i[3]) == 5) {
		machine->main_ended = i[0];
		machine->mainless = i[1];
		machine->searching = i[2];
		machine->reload_seen = u;
		machine->verdict = i[3] >= VERDICT_NONE && i[3] <= VERDICT_FORCE
					   ? (enum restart_verdict)i[3]
					   : VERDICT_NONE;
	} else if (sscanf(line, "invocation %32s %u", word, &u) == 2) {
		snprintf(s->invocation, sizeof(s->invocation), "%s", word);
		s->runs = u;
	} else if (sscanf(line, "alive %llu %llu %llu", &t[0], &t[1], &t[2]) == 3) {
		service_timer_set(s, TIMER_WATCHDOG, t[0]);
		service_timer_set(s, TIMER_RUNTIME, t[1]);
		s->watchdog_usec = t[2];
	} else if (sscanf(line, "last %d", &i[0]) == 1) {
		s->has_last = true;
		s->last_status = i[0];
	} else if (sscanf(line, "told %d", &i[0]) == 1) {
		s->told = i[0];
	} else if (sscanf(line, "errno %d", &i[0]) == 1) {
		s->notify_errno = i[0];
	} else if (sscanf(line, "dynamic-user %u", &u) == 1) {
		s->dynamic_uid = u;
	} else if (sscanf(line, "limit %llu %u", &t[0], &u) == 2) {
		s->limit = (struct start_limit){t[0], u};
	} else if (strncmp(line, "ending ", 7) == 0) {
		snprintf(s->end_text, sizeof(s->end_text), "%s", line + 7);
	} else if (sscanf(line, "past %llu %39s %n", &t[0], word, &at) == 2 && at > 0) {
		service_past_add(s, t[0], service_result_parse(word, RESULT_EXIT_CODE), line + at);
	} else {
		return false;
	}
	return true;
}

/* An older supervisor wrote no turn, and had each number in one place only. */
static void restore_session(struct service *s, unsigned place, pid_t leader, unsigned turn)
{
	if (place >= ARRAY_LEN(s->sessions))
		return;
	s->sessions[place] = (struct service_session){leader, turn};
	if (turn > s->manager->session_turn)
		s->manager->session_turn = turn;
}

static void restore_line(struct manager *m, struct service **at, const char *line)
{
	struct service *s = *at;
	char state[24];
	char result[24];
	char socket[64], source[64], port[8];
	char word[40];
	unsigned long long t[5];
	unsigned u[2];
	int i[6], got;

	if (strncmp(line, "service ", 8) == 0) {
		*at = unit_name_valid(line + 8) ? takeover_find(m, line + 8) : NULL;
	} else if (sscanf(line, "manager %d %d", &i[0], &i[1]) == 2) {
		m->announced = i[1];
	} else if (sscanf(line, "settled %llu", &t[0]) == 1) {
		m->settled_us = t[0];
	} else if (!s || restore_run(s, line)) {
		return;
	} else if (sscanf(line, "machine %d %d %u %d %d %d", &i[0], &i[1], &u[0], &i[2], &i[3],
			  &i[4]) == 6) {
		if (i[0] < 0 || (size_t)i[0] >= ARRAY_LEN(old_states) || i[1] < 0 ||
		    i[1] >= OLD_RESULTS)
			return;
		restore_machine(s, old_states[i[0]], (enum service_result)i[1], u[0], i + 2);
	} else if (sscanf(line, "life %23s %23s %u %d %d %d", state, result, &u[0], &i[0], &i[1],
			  &i[2]) == 6) {
		enum service_state known = service_state_parse(state, SERVICE_STATES);

		s->state_unknown = known == SERVICE_STATES;
		restore_machine(s, s->state_unknown ? SERVICE_DEAD : known,
				service_result_parse(result, RESULT_EXIT_CODE), u[0], i);
	} else if (sscanf(line, "times %llu %llu %llu %llu %llu", &t[0], &t[1], &t[2], &t[3],
			  &t[4]) == 5) {
		s->state_since_us = t[0];
		s->queued_us = t[1];
		s->started_us = t[2];
		s->exec_us = t[3];
		s->ready_us = t[4];
	} else if (sscanf(line, "counts %u %u %llu %d", &u[0], &u[1], &t[0], &i[0]) == 4) {
		s->restarts = u[0];
		s->restarts_in_row = u[1];
		s->cpu_us = t[0];
		s->stop_pending = i[0];
	} else if (sscanf(line, "accepted %u", &u[0]) == 1) {
		s->connections = u[0];
	} else if (sscanf(line, "moved %u", &u[0]) == 1) {
		s->moved = u[0];
	} else if (sscanf(line, "uphold %llu", &t[0]) == 1) {
		service_timer_set(s, TIMER_UPHOLD, t[0]);
	} else if (sscanf(line, "job %39s %llu", word, &t[0]) == 2) {
		s->job = job_named(word);
		service_timer_set(s, TIMER_JOB, t[0]);
	} else if (sscanf(line, "deadline %llu", &t[0]) == 1) {
		service_timer_set(s, TIMER_STATE, t[0]);
	} else if ((got = sscanf(line, "session %u %d %u", &u[0], &i[0], &u[1])) >= 2) {
		restore_session(s, u[0], i[0], got == 3 ? u[1] : 0);
	} else if (s->orphan && sscanf(line, "kill %d %d %llu", &i[0], &i[1], &t[0]) == 3) {
		if (i[0] >= KILL_CONTROL_GROUP && i[0] <= KILL_NONE && i[1] > 0 && i[1] <= 64) {
			s->orphan->kill_mode = (enum unit_kill_mode)i[0];
			s->orphan->kill_signal = i[1];
			s->orphan->timeout_stop_usec = t[0];
		}
	} else if (strncmp(line, "connection ", 11) == 0) {
		if (sscanf(line + 11, "%63s %63s %7s", socket, source, port) == 3)
			connections_restore(s, socket, source, port);
	} else if (sscanf(line, "stored %u %d %n", &u[0], &i[0], &i[1]) == 2) {
		fdstore_expect(s, u[0], i[0], line + i[1]);
	} else if (strncmp(line, "error ", 6) == 0) {
		snprintf(s->error, sizeof(s->error), "%s", line + 6);
	} else if (sscanf(line, "ready-log %d", &i[0]) == 1) {
		s->log_matched = i[0];
	} else if (strncmp(line, "health-text ", 12) == 0) {
		/* First: to sscanf() the blank behind a key is as good as none, and "-text" a word.
		 */
		if (s->health)
			snprintf(s->health->text, sizeof(s->health->text), "%s", line + 12);
	} else if (sscanf(line, "health %23s %u", state, &u[0]) == 2) {
		s->health_state = health_parse(state);
		s->health_failures = u[0];
	} else if (strncmp(line, "status ", 7) == 0) {
		snprintf(s->status_text, sizeof(s->status_text), "%s", line + 7);
	}
}

bool takeover_restore_text(struct manager *m)
{
	struct service *at = NULL;
	size_t len = 0;
	const char *text = state_read(&m->state, &len);

	if (!text || board_load(&m->board->fresh_start))
		return false;
	while (len) {
		const char *newline = memchr(text, '\n', len);
		size_t n = newline ? (size_t)(newline - text) : len;
		char line[SERVICE_TEXT * 2];

		snprintf(line, sizeof(line), "%.*s", (int)(n < sizeof(line) ? n : sizeof(line) - 1),
			 text);
		restore_line(m, &at, line);
		n += newline ? 1 : 0;
		text += n;
		len -= n;
	}
	return true;
}
