/*
 * takeover.c - what survives: writes down what the services are doing, and puts it back together
 * from the state, the board and the fds that PID 1 kept. The board has the last word about
 * processes: a listed pid without an end is alive.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "supervisor/connections.h"
#include "supervisor/fdstore.h"
#include "supervisor/manager.h"
#include "supervisor/sockets.h"
#include "supervisor/watch.h"

/*
 * The format is lines of "key value"; "service NAME" begins a service. Unknown keys are skipped, so
 * that a newer and an older supervisor understand each other. Texts are last in their line and have
 * no newline.
 */
static void add(struct manager *m, size_t *len, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void add(struct manager *m, size_t *len, const char *fmt, ...)
{
	va_list args;
	int n;

	for (unsigned attempt = 0; attempt < 2; attempt++) {
		size_t cap = m->state_cap * 2 + 4096;
		char *grown;

		va_start(args, fmt);
		n = vsnprintf(m->state_buf ? m->state_buf + *len : NULL, m->state_cap - *len, fmt,
			      args);
		va_end(args);
		if (n >= 0 && (size_t)n < m->state_cap - *len) {
			*len += (size_t)n;
			return;
		}
		grown = realloc(m->state_buf, cap);
		if (!grown)
			return;
		m->state_buf = grown;
		m->state_cap = cap;
	}
}

static void add_text(struct manager *m, size_t *len, const char *key, const char *text)
{
	if (text[0])
		add(m, len, "%s %.*s\n", key, (int)strcspn(text, "\n"), text);
}

struct saving {
	struct manager *m;
	size_t *len;
};

static void save_stored(void *data, unsigned index, bool poll, const char *name)
{
	struct saving *saving = data;

	add(saving->m, saving->len, "stored %u %d %s\n", index, poll, name);
}

/* What belongs to the run that is under way, and what is left of the last ones. */
static void save_run(struct manager *m, size_t *len, const struct service *s)
{
	const struct service_machine *machine = &s->machine;

	add(m, len, "run %d %d %d %u %d\n", machine->main_ended, machine->mainless,
	    machine->searching, machine->reload_seen, machine->verdict);
	if (s->invocation[0])
		add(m, len, "invocation %s\n", s->invocation);
	if (s->timers[TIMER_WATCHDOG] || s->timers[TIMER_RUNTIME] || s->watchdog_usec)
		add(m, len, "alive %llu %llu %llu\n", (unsigned long long)s->timers[TIMER_WATCHDOG],
		    (unsigned long long)s->timers[TIMER_RUNTIME],
		    (unsigned long long)s->watchdog_usec);
	if (s->has_last)
		add(m, len, "last %d\n", s->last_status);
	if (s->notify_errno)
		add(m, len, "errno %d\n", s->notify_errno);
	if (s->limit.starts)
		add(m, len, "limit %llu %u\n", (unsigned long long)s->limit.since_us,
		    s->limit.starts);
	add_text(m, len, "ending", s->end_text);
	for (unsigned i = s->n_past; i-- > 0;)
		add(m, len, "past %llu %s %.*s\n", (unsigned long long)s->past[i].at_us,
		    service_result_name(s->past[i].result), (int)strcspn(s->past[i].text, "\n"),
		    s->past[i].text);
}

static void save_service(struct manager *m, size_t *len, const struct service *s)
{
	struct saving saving = {m, len};
	const struct service_machine *machine = &s->machine;

	add(m, len, "service %s\n", s->unit->name);
	/* By name: an older or newer supervisor numbers them otherwise. */
	add(m, len, "life %s %s %u %d %d %d\n", service_state_name(machine->state),
	    service_result_name(machine->result), machine->command, machine->stop_requested,
	    machine->start_again, machine->was_up);
	add(m, len, "times %llu %llu %llu %llu %llu\n", (unsigned long long)s->state_since_us,
	    (unsigned long long)s->queued_us, (unsigned long long)s->started_us,
	    (unsigned long long)s->exec_us, (unsigned long long)s->ready_us);
	add(m, len, "counts %u %u %llu %d\n", s->restarts, s->restarts_in_row,
	    (unsigned long long)s->cpu_us, s->stop_pending);
	if (s->moved)
		add(m, len, "moved %u\n", s->moved);
	if (s->timers[TIMER_UPHOLD])
		add(m, len, "uphold %llu\n", (unsigned long long)s->timers[TIMER_UPHOLD]);
	add(m, len, "deadline %llu\n", (unsigned long long)s->timers[TIMER_STATE]);
	save_run(m, len, s);
	for (unsigned k = 0; k < ARRAY_LEN(s->sessions); k++)
		if (s->sessions[k])
			add(m, len, "session %u %d\n", k, s->sessions[k]);
	/* Enough to stop it when its unit file is gone. */
	add(m, len, "kill %d %d %llu\n", s->unit->kill_mode, s->unit->kill_signal,
	    (unsigned long long)s->unit->timeout_stop_usec);
	fdstore_save(s, save_stored, &saving);
	if (s->connection)
		add(m, len, "connection %s %s %s\n", s->connection->socket, s->connection->source,
		    s->connection->port[0] ? s->connection->port : "-");
	add_text(m, len, "error", s->error);
	add_text(m, len, "status", s->status_text);
	if (s->log_matched)
		add(m, len, "ready-log %d\n", s->log_matched);
	if (s->health_state != HEALTH_NONE)
		add(m, len, "health %s %u\n", health_name(s->health_state), s->health_failures);
	if (s->health)
		add_text(m, len, "health-text", s->health->text);
}

void takeover_save(struct manager *m)
{
	size_t len = 0;

	m->dirty = false;
	add(m, &len, "manager %d %d\n", m->stopping, m->announced);
	for (size_t i = 0; i < m->n_services; i++)
		save_service(m, &len, m->services[i]);
	if (m->state_buf && state_write(&m->state, m->state_buf, len) < 0)
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

static struct service *find_or_orphan(struct manager *m, const char *name)
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
	} else if (sscanf(line, "invocation %32s", word) == 1) {
		snprintf(s->invocation, sizeof(s->invocation), "%s", word);
	} else if (sscanf(line, "alive %llu %llu %llu", &t[0], &t[1], &t[2]) == 3) {
		s->timers[TIMER_WATCHDOG] = t[0];
		s->timers[TIMER_RUNTIME] = t[1];
		s->watchdog_usec = t[2];
	} else if (sscanf(line, "last %d", &i[0]) == 1) {
		s->has_last = true;
		s->last_status = i[0];
	} else if (sscanf(line, "errno %d", &i[0]) == 1) {
		s->notify_errno = i[0];
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

static void restore_line(struct manager *m, struct service **at, const char *line)
{
	struct service *s = *at;
	char state[24];
	char result[24];
	char socket[64], source[64], port[8];
	unsigned long long t[5];
	unsigned u[2];
	int i[6];

	if (strncmp(line, "service ", 8) == 0) {
		*at = unit_name_valid(line + 8) ? find_or_orphan(m, line + 8) : NULL;
	} else if (sscanf(line, "manager %d %d", &i[0], &i[1]) == 2) {
		m->announced = i[1];
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
	} else if (sscanf(line, "moved %u", &u[0]) == 1) {
		s->moved = u[0];
	} else if (sscanf(line, "uphold %llu", &t[0]) == 1) {
		s->timers[TIMER_UPHOLD] = t[0];
	} else if (sscanf(line, "deadline %llu", &t[0]) == 1) {
		s->timers[TIMER_STATE] = t[0];
	} else if (sscanf(line, "session %u %d", &u[0], &i[0]) == 2) {
		if (u[0] < ARRAY_LEN(s->sessions))
			s->sessions[u[0]] = i[0];
	} else if (s->orphan && sscanf(line, "kill %d %d %llu", &i[0], &i[1], &t[0]) == 3) {
		if (i[0] >= KILL_CONTROL_GROUP && i[0] <= KILL_NONE && i[1] > 0 && i[1] <= 64) {
			s->orphan->kill_mode = (enum unit_kill_mode)i[0];
			s->orphan->kill_signal = i[1];
			s->orphan->timeout_stop_usec = t[0];
		}
	} else if (sscanf(line, "connection %63s %63s %7s", socket, source, port) == 3) {
		connections_restore(s, socket, source, port);
	} else if (sscanf(line, "stored %u %d %n", &u[0], &i[0], &i[1]) == 2) {
		fdstore_expect(s, u[0], i[0], line + i[1]);
	} else if (strncmp(line, "error ", 6) == 0) {
		snprintf(s->error, sizeof(s->error), "%s", line + 6);
	} else if (sscanf(line, "ready-log %d", &i[0]) == 1) {
		s->log_matched = i[0];
	} else if (sscanf(line, "health %23s %u", state, &u[0]) == 2) {
		s->health_state = health_parse(state);
		s->health_failures = u[0];
	} else if (strncmp(line, "health-text ", 12) == 0) {
		if (s->health)
			snprintf(s->health->text, sizeof(s->health->text), "%s", line + 12);
	} else if (strncmp(line, "status ", 7) == 0) {
		snprintf(s->status_text, sizeof(s->status_text), "%s", line + 7);
	}
}

static bool restore_state(struct manager *m)
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

static struct task *task_of_role(struct service *s, uint32_t role)
{
	switch (role) {
	case ROLE_MAIN:
		return &s->main;
	case ROLE_CONTROL:
		return &s->control;
	case ROLE_STATUS:
		return &s->status;
	case ROLE_WITNESS:
		return &s->witness;
	case ROLE_READY:
		return ready_task(s);
	case ROLE_HEALTH:
		return health_task(s);
	default:
		return NULL;
	}
}

/* Does the state of the service still wait for the end that this slot tells of? */
static bool end_matters(const struct service *s, const struct board_slot *slot)
{
	enum service_state state = s->machine.state;
	uint64_t started_us = slot->started_ns / 1000;

	switch (slot->role) {
	case ROLE_MAIN:
		/* At rest: it was cloned, and ended, after the state was written for the last time.
		 */
		return started_us >= (state != SERVICE_CONDITION && state != SERVICE_START_PRE &&
						      service_is_active(state)
					      ? s->started_us
					      : s->state_since_us);
	case ROLE_CONTROL:
		return started_us >= s->state_since_us;
	case ROLE_WITNESS:
		return s->machine.mainless;
	default:
		return false;
	}
}

/* True when slot `i` is a better answer to "which process is it" than the one that the task has. */
static bool is_better(const struct manager *m, const struct task *task, uint32_t i)
{
	const struct board_slot *have = task->slot >= 0 ? &m->board->slot[task->slot] : NULL;
	const struct board_slot *slot = &m->board->slot[i];

	if (!have)
		return true;
	if (have->ended != slot->ended)
		return !slot->ended;
	return slot->started_ns > have->started_ns;
}

/* Every listed process finds its service again. */
static bool restore_board(struct manager *m)
{
	bool found = false;
	uint32_t high = board_load(&m->board->high_water);

	for (uint32_t i = 0; i < high && i < BOARD_SLOTS; i++) {
		struct board_slot *slot = &m->board->slot[i];
		pid_t pid = board_load(&m->board->pid[i]);
		struct service *s = NULL;
		struct task *task;

		if (slot->role == ROLE_NONE)
			continue;
		slot->unit[sizeof(slot->unit) - 1] = '\0';
		/* No pid: the supervisor died between taking the slot and the clone. */
		if (pid > 0 && unit_name_valid(slot->unit))
			s = find_or_orphan(m, slot->unit);
		task = s ? task_of_role(s, slot->role) : NULL;
		if (!task || (board_load(&slot->ended) && !end_matters(s, slot)) ||
		    !is_better(m, task, i)) {
			slot_release(m, (int)i);
			continue;
		}
		task_close(m, task);
		*task = TASK_NONE;
		task->slot = (int)i;
		task->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
		if (task->pidfd >= 0 && board_load(&slot->ended)) {
			close(task->pidfd);
			task->pidfd = -1;
		}
		found = true;
	}
	return found;
}

/* "sock:UNIT:INDEX" or "fds:UNIT:INDEX"; a unit's name may have a ":" in it. */
static void take_indexed(struct manager *m, const char *name, int fd)
{
	bool is_socket = *name == 's';
	const char *begin = strchr(name, ':') + 1;
	const char *last = strrchr(name, ':');
	char unit[UNIT_NAME_MAX];
	struct service *s = NULL;
	unsigned index = 0;

	snprintf(unit, sizeof(unit), "%.*s", (int)(last > begin ? last - begin : 0), begin);
	if (last > begin && unit_name_valid(unit) &&
	    unsigned_parse(last + 1, 4096, &index, NULL) == 0)
		s = find_or_orphan(m, unit);
	if (s && is_socket) {
		sockets_take(s, index, fd);
		return;
	}
	if (s) {
		fdstore_take(s, index, fd);
		return;
	}
	close(fd);
	keeper_drop(&m->keeper, name, NULL);
}

static void take_kept(void *data, const char *name, int fd)
{
	struct manager *m = data;
	char unit[KEEPER_NAME_MAX] = "";
	bool is_error = false;
	struct service *s;
	size_t len;

	if (strcmp(name, "log:" SAY_NAME) == 0) {
		m->say_read = fd;
		return;
	}
	if (strcmp(name, "control") == 0) {
		m->control_kept = fd;
		return;
	}
	if (strncmp(name, "sock:", 5) == 0 || strncmp(name, "fds:", 4) == 0) {
		take_indexed(m, name, fd);
		return;
	}
	if (strchr(name, ':'))
		snprintf(unit, sizeof(unit), "%s", strchr(name, ':') + 1);
	len = strlen(unit);
	if (len && unit[len - 1] == '!') {
		is_error = true;
		unit[len - 1] = '\0';
	}
	s = *unit ? find_or_orphan(m, unit) : NULL;
	if (s && strncmp(name, "log:", 4) == 0 && service_log_adopt(&s->log, is_error, fd)) {
		m->dirty = true;
	} else if (s && strncmp(name, "notify:", 7) == 0 && s->notify_fd < 0) {
		notify_adopt(s, fd);
	} else {
		close(fd);
		keeper_drop(&m->keeper, name, NULL);
	}
}

/* A command that the machine does not know of was cloned just before the end: its list says in
 * which state. */
static void reconcile_control(struct service *s, bool have_state)
{
	struct service_machine *machine = &s->machine;
	const struct board_slot *slot;
	enum service_state fallback;

	if (s->control.slot < 0)
		return;
	slot = &s->manager->board->slot[s->control.slot];
	if (have_state && slot->started_ns / 1000 < s->state_since_us)
		return;
	/* An older supervisor's: it had two lists only. */
	fallback = machine->state == SERVICE_STOP ? SERVICE_STOP : SERVICE_START_PRE;
	machine->state = launch_state_of(slot->command, fallback);
	machine->command = LAUNCH_INDEX(slot->command);
}

/*
 * Between two stores of the state anything may have happened: the board says what is there. A
 * process that the machine does not know of was cloned just before the end; a machine that waits
 * for a process which is not there gets its event now.
 */
static void reconcile(struct service *s, bool have_state)
{
	struct service_machine *machine = &s->machine;

	have_state = have_state && !s->state_unknown;
	machine->main_alive = s->main.slot >= 0;
	if (s->main.slot >= 0) {
		/* Older than the state: one that not even SIGKILL has ended. That it is there
		 * changes nothing. */
		const struct board_slot *slot = &s->manager->board->slot[s->main.slot];
		bool newer = slot->started_ns / 1000 >= s->state_since_us;

		if ((newer || !have_state) &&
		    (!service_is_active(machine->state) || machine->state == SERVICE_CONDITION ||
		     machine->state == SERVICE_START_PRE)) {
			/* As if DO_SPAWN_MAIN had just been carried out. */
			machine->state = s->policy.has_probe ? SERVICE_READY_WAIT : SERVICE_RUNNING;
			if (have_state && (s->policy.type != TYPE_SIMPLE || s->policy.n_start_post))
				machine->state = SERVICE_START;
			machine->result = RESULT_SUCCESS;
			machine->was_up = machine->state == SERVICE_RUNNING;
			machine->stop_requested = machine->start_again = false;
			machine->main_ended = machine->mainless = false;
			machine->command =
				s->policy.type == TYPE_ONESHOT ? LAUNCH_INDEX(slot->command) : 0;
			if (!s->exec_us)
				s->exec_us = slot->started_ns / 1000;
			s->state_since_us = now_us();
			s->timers[TIMER_STATE] = 0;
			if (machine->state != SERVICE_RUNNING &&
			    s->unit->timeout_start_usec != USEC_INFINITY)
				s->timers[TIMER_STATE] = now_us() + s->unit->timeout_start_usec;
		}
		/* Type=exec: whether the execve has happened cannot be seen any more; if it has
		 * not, its end will tell. */
		if (machine->state == SERVICE_START && s->policy.type == TYPE_EXEC)
			service_event(s, EVENT_EXECED);
		else if (machine->state == SERVICE_START && s->policy.type == TYPE_SIMPLE)
			service_event(s, EVENT_SPAWNED);
	}
	reconcile_control(s, have_state);
}

/* A state in which a command runs: it does, or is to be started, or the unit has fewer by now. */
static void resume_command(struct service *s)
{
	unsigned action = launch_action_in(s->machine.state);

	if (s->control.slot >= 0)
		return;
	if (s->machine.command < launch_commands(s->unit, action)->n)
		service_carry_out(s, action);
	else
		service_event(s, EVENT_CONTROL_OK);
}

static void resume_start(struct service *s)
{
	if (s->policy.type != TYPE_FORKING) {
		if (s->main.slot < 0)
			service_carry_out(s, DO_SPAWN_MAIN);
	} else if (s->machine.searching) {
		service_carry_out(s, DO_FIND_MAIN);
	} else if (s->control.slot < 0) {
		service_carry_out(s, DO_SPAWN_MAIN);
	}
}

/* It is up, or was about to be: where its main process is not there, it was never cloned, as one
 * that was has its slot until its end was consumed. */
static void resume_up(struct service *s)
{
	if (s->main.slot >= 0)
		return;
	if (s->machine.mainless)
		adopt_witness(s);
	else if (s->policy.type == TYPE_SIMPLE && !s->machine.main_ended)
		service_carry_out(s, DO_SPAWN_MAIN);
	else if (!s->machine.main_ended)
		service_event(s, EVENT_MAIN_OK);
}

/* Lets go on what had been under way: the action of the state is carried out again where its
 * process is not there. */
static void resume(struct service *s)
{
	adopt_taken_over(s, &s->main);
	adopt_taken_over(s, &s->witness);
	switch (s->machine.state) {
	case SERVICE_CONDITION:
	case SERVICE_START_PRE:
	case SERVICE_START_POST:
	case SERVICE_RELOAD:
	case SERVICE_STOP:
	case SERVICE_STOP_POST:
		resume_command(s);
		break;
	case SERVICE_START:
		resume_start(s);
		break;
	case SERVICE_READY_WAIT:
	case SERVICE_RUNNING:
	case SERVICE_RELOAD_SIGNAL:
	case SERVICE_RELOAD_NOTIFY:
		resume_up(s);
		break;
	case SERVICE_STOP_WATCHDOG:
	case SERVICE_STOP_SIGTERM:
	case SERVICE_FINAL_SIGTERM:
		/* The signal was sent before the state said so; a second one means "abort" to many
		 * programs. */
		service_carry_out(s, DO_CHECK_EMPTY);
		break;
	case SERVICE_STOP_SIGKILL:
	case SERVICE_FINAL_SIGKILL:
		service_carry_out(s, DO_KILL | DO_CHECK_EMPTY);
		break;
	case SERVICE_AUTO_RESTART:
		if (!s->timers[TIMER_STATE])
			service_carry_out(s, DO_TIMER_RESTART);
		break;
	default:
		break;
	}
	ready_resume(s);
	health_resume(s);
	if (s->main.slot >= 0 && s->unit->status_exec.path)
		s->timers[TIMER_STATUS] = now_us() + USEC_PER_SEC;
}

/* Nothing of it runs: a socket that is up listens, one that is at rest does not. */
static void resume_passive(struct service *s, bool fresh)
{
	struct err err = {0};

	if (s->policy.kind != KIND_SOCKET)
		return;
	if (s->machine.state == SERVICE_RUNNING) {
		/* An orphan listens with what it has. */
		if (!s->orphan && sockets_listen(s, &err) < 0) {
			service_set_error(s, "%s", err.text);
			service_event(s, EVENT_SPAWN_FAILED);
		}
	} else if (service_is_at_rest(s->machine.state) && !fresh) {
		sockets_unlisten(s);
	}
}

bool takeover_restore(struct manager *m)
{
	bool have_state = restore_state(m);
	bool have_tasks = restore_board(m);
	struct err err = {0};

	if (keeper_list(&m->keeper, take_kept, m, &err) < 0)
		say(m, "%s", err.text);
	if (!have_state && !have_tasks)
		return false;
	for (size_t i = 0; i < m->n_services; i++)
		reconcile(m->services[i], have_state);
	return true;
}

void takeover_resume(struct manager *m, bool fresh)
{
	m->sockets_pending = m->bus_pending = true;
	for (size_t i = 0; i < m->n_services; i++) {
		struct service *s = m->services[i];
		struct err err = {0};

		if ((s->log.read[0] >= 0 || s->main.slot >= 0 || s->control.slot >= 0) &&
		    service_log_open(s, true, &err) < 0)
			say(m, "%s: %s", s->unit->name, err.text);
		if (s->cgroup_fd < 0 && service_is_active(s->machine.state))
			s->cgroup_fd = cgroup_open(&m->cgroups, s->unit->name);
		fdstore_settle(s);
		connections_settle(s);
		if (s->policy.kind == KIND_SERVICE)
			resume(s);
		else
			resume_passive(s, fresh);
		/* Without a state nobody knows what was at rest on purpose: what is to run does, a
		 * oneshot is not repeated. */
		if (fresh && s->machine.state == SERVICE_DEAD && !s->orphan && s->unit->boot &&
		    s->policy.type != TYPE_ONESHOT && !sockets_start_it(m, s))
			order_start(m, s);
	}
	order_touch_all(m);
}
