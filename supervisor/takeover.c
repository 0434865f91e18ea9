/*
 * takeover.c - what survives: puts the services back together from the state (takeover_text.c), the
 * board and the fds that PID 1 kept. The board has the last word about processes: a listed pid
 * without an end is alive.
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
#include "supervisor/takeover.h"
#include "supervisor/watch.h"

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
			s = takeover_find(m, slot->unit);
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
		s = takeover_find(m, unit);
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
	s = *unit ? takeover_find(m, unit) : NULL;
	if (s && strncmp(name, "log:", 4) == 0 && service_log_adopt(&s->log, is_error, fd)) {
		m->dirty = true;
	} else if (s && strncmp(name, "notify:", 7) == 0 && s->notify_fd < 0) {
		notify_adopt(s, fd);
	} else {
		close(fd);
		keeper_drop(&m->keeper, name, NULL);
	}
}

/* The state does not know of the process: where it knows of no run at all, one has begun since. */
static void run_goes_on(struct service *s)
{
	if (service_is_active(s->machine.state))
		return;
	s->machine = (struct service_machine){.main_alive = s->main.slot >= 0};
	s->has_last = false;
	s->error[0] = s->end_text[0] = '\0';
	s->watchdog_usec = s->unit->life.watchdog_usec;
	s->started_us = now_us();
	launch_next_invocation(s);
}

/* The deadline of a state that nobody has written down. */
static void set_deadline(struct service *s)
{
	if (service_is_stopping(s->machine.state))
		service_timer_set(s, TIMER_STATE,
				  service_stop_deadline(s, s->unit->timeout_stop_usec));
	else
		service_timer_in(s, TIMER_STATE, s->unit->timeout_start_usec);
}

/* Each of our processes begins a session, whose number is its pid. */
static void session_of(struct service *s, const struct task *task)
{
	pid_t pid = task_pid(s->manager, task);

	if (pid <= 0 || s->manager->board->slot[task->slot].command == ADOPTED)
		return;
	for (unsigned i = 0; i < SERVICE_SESSIONS; i++)
		if (s->sessions[i].leader == pid)
			return;
	service_session_add(s, pid);
}

/* A command that the machine does not know of was cloned just before the end: its list says in
 * which state. */
static void reconcile_control(struct service *s, bool have_state)
{
	struct service_machine *machine = &s->machine;
	const struct board_slot *slot;
	enum service_state fallback;
	enum service_state before;

	if (s->control.slot < 0)
		return;
	slot = &s->manager->board->slot[s->control.slot];
	if (have_state && slot->started_ns / 1000 < s->state_since_us)
		return;
	run_goes_on(s);
	/* An older supervisor's: it had two lists only. */
	fallback = machine->state == SERVICE_STOP ? SERVICE_STOP : SERVICE_START_PRE;
	before = machine->state;
	machine->state = launch_state_of(slot->command, fallback);
	machine->command = LAUNCH_INDEX(slot->command);
	if (machine->state != before)
		set_deadline(s);
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
	session_of(s, &s->control);
	session_of(s, &s->main);
	machine->main_alive = s->main.slot >= 0;
	if (s->main.slot >= 0) {
		/* Older than the state: one that not even SIGKILL has ended. That it is there
		 * changes nothing. */
		const struct board_slot *slot = &s->manager->board->slot[s->main.slot];
		bool newer = slot->started_ns / 1000 >= s->state_since_us;

		if ((newer || !have_state) &&
		    (!service_is_active(machine->state) || machine->state == SERVICE_CONDITION ||
		     machine->state == SERVICE_START_PRE)) {
			run_goes_on(s);
			if (!have_state)
				process_invocation(task_pid(s->manager, &s->main), s->invocation);
			/* As if DO_SPAWN_MAIN had just been carried out. */
			machine->state = s->policy.has_probe ? SERVICE_READY_WAIT : SERVICE_RUNNING;
			if (have_state && (s->policy.type != TYPE_SIMPLE || s->policy.n_start_post))
				machine->state = SERVICE_START;
			machine->result = RESULT_SUCCESS;
			machine->was_up = machine->state == SERVICE_RUNNING;
			machine->stop_requested = machine->start_again = false;
			machine->command =
				s->policy.type == TYPE_ONESHOT ? LAUNCH_INDEX(slot->command) : 0;
			if (!s->exec_us)
				s->exec_us = slot->started_ns / 1000;
			s->state_since_us = now_us();
			service_timer_set(s, TIMER_STATE, 0);
			if (machine->state != SERVICE_RUNNING)
				set_deadline(s);
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
		service_timer_in(s, TIMER_STATUS, USEC_PER_SEC);
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
	bool have_state = takeover_restore_text(m);
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
		/* Whether an earlier supervisor has killed it is not known. */
		s->cgroup_killed = true;
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
