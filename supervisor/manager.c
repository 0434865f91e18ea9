#include "supervisor/manager.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "supervisor/control.h"
#include "supervisor/fdstore.h"
#include "supervisor/sockets.h"
#include "supervisor/spawn.h"

#define STABLE_USEC                                                                              \
	(10 * USEC_PER_SEC) /* up for so long: the next crash begins at the shortest pause again \
			     */
#define SPAWN_AGAIN_USEC 100000 /* fork said EAGAIN */
#define EMPTY_FIRST_USEC 2000
#define EMPTY_MAX_USEC   100000

uint64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000u + (uint64_t)ts.tv_nsec / 1000u;
}

void say(struct manager *m, const char *fmt, ...)
{
	char text[600];
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(text, sizeof(text) - 1, fmt, args);
	va_end(args);
	if (n < 0)
		return;
	if ((size_t)n > sizeof(text) - 2)
		n = sizeof(text) - 2;
	text[n++] = '\n';
	/* Both are O_NONBLOCK descriptions of our own: what does not fit is dropped. */
	if (m->say_fd >= 0 && write(m->say_fd, text, (size_t)n) < 0)
		errno = 0;
	if (m->console_fd >= 0 && (dprintf(m->console_fd, "hakim: %.*s", n, text) < 0))
		errno = 0;
}

void service_set_error(struct service *s, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(s->error, sizeof(s->error), fmt, args);
	va_end(args);
	say(s->manager, "%s: %s", s->unit->name, s->error);
}

pid_t task_pid(const struct manager *m, const struct task *task)
{
	return task->slot >= 0 ? board_load(&m->board->pid[task->slot]) : 0;
}

void slot_release(struct manager *m, int slot)
{
	/* The pid first: PID 1 must not find it when the kernel gives the number out anew. */
	board_store(&m->board->pid[slot], 0);
	board_store(&m->board->slot[slot].ended, 0);
	m->board->slot[slot].role = ROLE_NONE;
}

void task_close(struct manager *m, struct task *task)
{
	if (task->slot >= 0)
		slot_release(m, task->slot);
	if (task->pidfd >= 0)
		close(task->pidfd);
	*task = (struct task){.slot = -1, .pidfd = -1};
}

void service_set_unit(struct service *s, struct unit *unit)
{
	bool probing = s->probing;

	/* A question under way points into the target that goes. */
	probe_off(s);
	s->unit = unit;
	s->policy = (struct service_policy){
		.kind = unit->kind,
		.type = unit->type,
		.n_start_pre = (unsigned)unit->start_pre.n,
		.n_stop = (unsigned)unit->stop.n,
		.has_probe = unit->ready_http != NULL,
		.restart = unit->restart,
	};
	s->log.stale = true;
	probe_target_free(s->probe_target);
	s->probe_target = NULL;
	if (unit->ready_http && probe_target_parse(unit->ready_http, &s->probe_target, NULL) < 0)
		s->policy.has_probe = false;
	if (probing && s->policy.has_probe)
		probe_on(s);
}

struct service *service_new(struct manager *m, struct unit *unit)
{
	struct service *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->manager = m;
	s->main = s->control = s->status = (struct task){.slot = -1, .pidfd = -1};
	s->notify_fd = s->exec_pipe = s->status_pipe = -1;
	service_log_init(&s->log);
	s->cgroup_fd = s->probe.fd = -1;
	s->notify_source.fd = s->exec_source.fd = s->status_source.fd = s->probe_source.fd = -1;
	service_set_unit(s, unit);
	return s;
}

static void close_watched(struct manager *m, struct source *source, int *fd)
{
	loop_remove(&m->loop, source);
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void service_free(struct service *s)
{
	struct manager *m = s->manager;
	char name[KEEPER_NAME_MAX];

	probe_off(s);
	sockets_free(s);
	fdstore_free(s);
	close_watched(m, &s->notify_source, &s->notify_fd);
	close_watched(m, &s->exec_source, &s->exec_pipe);
	close_watched(m, &s->status_source, &s->status_pipe);
	task_close(m, &s->main);
	task_close(m, &s->control);
	task_close(m, &s->status);
	if (s->log.index >= 0) {
		snprintf(name, sizeof(name), "notify:%s", s->unit->name);
		keeper_drop(&m->keeper, name, NULL);
	}
	service_log_close(s);
	if (s->cgroup_fd >= 0)
		close(s->cgroup_fd);
	cgroup_remove(&m->cgroups, s->unit->name);
	probe_target_free(s->probe_target);
	strv_free(&s->notes);
	if (s->orphan)
		unit_free(s->orphan);
	free(s);
}

void service_timer_set(struct service *s, enum service_timer timer, uint64_t at_us)
{
	s->timers[timer] = at_us;
}

uint64_t manager_next_timer(const struct manager *m)
{
	uint64_t next = 0;

	for (size_t i = 0; i < m->n_services; i++) {
		for (unsigned t = 0; t < SERVICE_TIMERS; t++) {
			uint64_t at = m->services[i]->timers[t];

			if (at && (!next || at < next))
				next = at;
		}
	}
	return next;
}

static void check_empty(struct service *s)
{
	uint64_t wait;

	if (service_is_empty(s)) {
		s->empty_checks = 0;
		service_timer_set(s, TIMER_EMPTY, 0);
		/* A session's number may be another's later on. */
		if (s->unit->kill_mode != KILL_PROCESS && s->unit->kill_mode != KILL_NONE)
			memset(s->sessions, 0, sizeof(s->sessions));
		service_event(s, EVENT_EMPTY);
		return;
	}
	wait = EMPTY_FIRST_USEC << (s->empty_checks < 6 ? s->empty_checks : 6);
	s->empty_checks++;
	service_timer_set(s, TIMER_EMPTY,
			  now_us() + (wait < EMPTY_MAX_USEC ? wait : EMPTY_MAX_USEC));
}

static void timer_due(struct service *s, enum service_timer timer)
{
	s->timers[timer] = 0;
	switch (timer) {
	case TIMER_STATE:
		if (s->machine.state == SERVICE_AUTO_RESTART) {
			s->restarts++;
			s->restarts_in_row++;
			service_event(s, EVENT_RESTART_DUE);
			break;
		}
		service_set_error(s, "it took longer than allowed to %s and is ended",
				  service_is_stopping(s->machine.state) ? "stop" : "start");
		s->machine.result = RESULT_TIMEOUT;
		service_event(s, EVENT_TIMEOUT);
		break;
	case TIMER_SPAWN:
		service_carry_out(s, s->spawn_action);
		break;
	case TIMER_PROBE:
		probe_due(s);
		break;
	case TIMER_STATUS:
		status_due(s);
		break;
	case TIMER_UPHOLD:
		order_uphold_due(s);
		break;
	case TIMER_EMPTY:
		check_empty(s);
		break;
	case SERVICE_TIMERS:
		break;
	}
}

void service_timers_due(struct manager *m)
{
	uint64_t now = now_us();

	for (size_t i = 0; i < m->n_services; i++)
		for (unsigned t = 0; t < SERVICE_TIMERS; t++)
			if (m->services[i]->timers[t] && m->services[i]->timers[t] <= now)
				timer_due(m->services[i], (enum service_timer)t);
}

static uint64_t stop_timeout(const struct service *s)
{
	uint64_t now = now_us();
	uint64_t by = board_load(&s->manager->board->stop_by_ns) / 1000;
	uint64_t timeout = s->unit->timeout_stop_usec;
	uint64_t left;

	if (!s->manager->stopping)
		return timeout == USEC_INFINITY ? 0 : now + timeout;
	/* The container's own limit caps every TimeoutStopSec=; the last tenth is kept for SIGKILL
	 * and its effect. */
	left = by > now ? by - now : 0;
	left -= left / 10;
	return now + (timeout < left ? timeout : left);
}

static void spawn_action(struct service *s, unsigned action)
{
	struct err err = {0};
	int r = launch_command(s, action, &err);

	if (r == 0)
		return;
	if (r == -EAGAIN || r == -ENOMEM) {
		/* No process, no memory for now: wait and try the same again (the state's own
		 * deadline still counts). */
		if (s->spawn_action != action)
			service_set_error(s, "%s; trying again", err.text);
		s->spawn_action = action;
		service_timer_set(s, TIMER_SPAWN, now_us() + SPAWN_AGAIN_USEC);
		return;
	}
	service_set_error(s, "%s", err.text);
	if (r == SPAWN_NO_PROGRAM && action & DO_SPAWN_PRE &&
	    s->unit->start_pre.v[s->machine.command].ignore_failure) {
		service_event(s, EVENT_CONTROL_OK);
		return;
	}
	s->machine.result = r == SPAWN_NO_PROGRAM ? RESULT_EXEC : RESULT_RESOURCES;
	service_event(s, EVENT_SPAWN_FAILED);
}

static void timer_restart(struct service *s)
{
	uint64_t delay = service_restart_delay(s->unit, s->restarts_in_row + 1);

	/* Zero means at once, but through the loop: a crash loop must not keep it from anything
	 * else. */
	service_timer_set(s, TIMER_STATE, now_us() + (delay ? delay : 1));
}

static void listen_action(struct service *s)
{
	struct err err = {0};

	if (sockets_listen(s, &err) == 0)
		return;
	service_set_error(s, "%s", err.text);
	s->machine.result = RESULT_RESOURCES;
	service_event(s, EVENT_SPAWN_FAILED);
}

/* The order of the bits is the order of the actions. */
void service_carry_out(struct service *s, unsigned actions)
{
	if (actions & DO_TIMER_OFF)
		service_timer_set(s, TIMER_STATE, 0);
	if (actions & DO_PROBE_OFF)
		probe_off(s);
	if (actions & DO_TERM)
		service_signal(s, s->unit->kill_signal, false);
	if (actions & DO_KILL)
		service_signal(s, SIGKILL, true);
	if (actions & DO_TIMER_START)
		service_timer_set(s, TIMER_STATE,
				  s->unit->timeout_start_usec == USEC_INFINITY
					  ? 0
					  : now_us() + s->unit->timeout_start_usec);
	if (actions & DO_TIMER_STOP)
		service_timer_set(s, TIMER_STATE, stop_timeout(s));
	if (actions & DO_TIMER_RESTART)
		timer_restart(s);
	if (actions & DO_PROBE_ON)
		probe_on(s);
	if (actions & DO_UP) {
		s->ready_us = now_us();
		/* A run that is up has no error any more: the last one stays in the log. */
		s->error[0] = '\0';
		s->probe_text[0] = '\0';
	}
	if (actions & (DO_SPAWN_PRE | DO_SPAWN_MAIN | DO_SPAWN_STOP)) {
		service_timer_set(s, TIMER_SPAWN, 0);
		spawn_action(s, actions & (DO_SPAWN_PRE | DO_SPAWN_MAIN | DO_SPAWN_STOP));
	}
	if (actions & DO_CHECK_EMPTY) {
		s->empty_checks = 0;
		check_empty(s);
	}
	if (actions & DO_UNLISTEN)
		sockets_unlisten(s);
	if (actions & DO_LISTEN)
		listen_action(s);
}

void service_event(struct service *s, enum service_event event)
{
	enum service_state old = s->machine.state;
	uint64_t up_since = service_is_up(old) ? s->state_since_us : 0;
	unsigned actions = service_step(&s->policy, &s->machine, event);

	s->manager->dirty = true;
	if (s->machine.state != old) {
		s->manager->sockets_pending = true;
		fdstore_state_changed(s);
		s->state_since_us = now_us();
		if (up_since && s->state_since_us - up_since >= STABLE_USEC)
			s->restarts_in_row = 0;
		if (!service_is_starting(s->machine.state))
			s->spawn_action = 0;
		if (old == SERVICE_WAITING && event == EVENT_GO) {
			s->started_us = s->state_since_us;
			s->exec_us = s->ready_us = 0;
			s->error[0] = '\0';
		}
		if (s->machine.state == SERVICE_WAITING)
			s->queued_us = s->state_since_us;
		if (event == EVENT_RESTART_DUE)
			s->started_us = s->state_since_us, s->exec_us = s->ready_us = 0;
	}
	service_carry_out(s, actions);
	if (s->machine.state != old)
		service_rest(s);
	order_changed(s, old);
	if (s->machine.state != old && service_settled(s->machine.state) &&
	    !service_is_up(s->machine.state))
		control_settled(s->manager);
}

/* How a process ended, as a sentence, and as a result. */
static enum service_result describe_end(const struct board_slot *slot, char *text, size_t size)
{
	if (slot->exec_stage != EXEC_OK) {
		snprintf(text, size, "could not be executed: %s: %s",
			 spawn_stage_name(slot->exec_stage), strerror(slot->exec_errno));
		return RESULT_EXEC;
	}
	if (WIFSIGNALED(slot->status)) {
		snprintf(text, size, "was killed by %s%s", signal_name(WTERMSIG(slot->status)),
			 WCOREDUMP(slot->status) ? " (core dumped)" : "");
		return RESULT_SIGNAL;
	}
	snprintf(text, size, "exited with status %d", WEXITSTATUS(slot->status));
	return WEXITSTATUS(slot->status) == 0 ? RESULT_SUCCESS : RESULT_EXIT_CODE;
}

/* systemd.service(5), "clean exit": status 0 and, for a daemon, the signals that ask one to end. */
static bool is_clean(const struct service *s, const struct board_slot *slot)
{
	if (slot->exec_stage != EXEC_OK)
		return false;
	if (WIFEXITED(slot->status))
		return WEXITSTATUS(slot->status) == 0;
	if (s->policy.type == TYPE_ONESHOT)
		return false;
	switch (WTERMSIG(slot->status)) {
	case SIGHUP:
	case SIGINT:
	case SIGTERM:
	case SIGPIPE:
		return true;
	default:
		return false;
	}
}

static void main_ended(struct service *s, const struct board_slot *slot)
{
	char how[128];
	enum service_result result = describe_end(slot, how, sizeof(how));
	bool stopping = service_is_stopping(s->machine.state);
	bool ignored = s->unit->start.n && s->unit->start.v[0].ignore_failure;
	bool clean = ignored || is_clean(s, slot);

	s->machine.main_alive = false;
	if (!clean && !stopping) {
		const struct command *command = s->unit->start.n ? &s->unit->start.v[0] : NULL;

		service_set_error(s, "%s %s", command ? command->path : "its main process", how);
		s->machine.result = result;
	} else if (s->policy.type != TYPE_ONESHOT && !stopping) {
		say(s->manager, "%s: its main process %s", s->unit->name, how);
	}
	service_event(s, clean ? EVENT_MAIN_OK : EVENT_MAIN_BAD);
}

static void control_ended(struct service *s, const struct board_slot *slot)
{
	const struct commands *list =
		s->machine.state == SERVICE_START_PRE ? &s->unit->start_pre : &s->unit->stop;
	const struct command *command = slot->command < list->n ? &list->v[slot->command] : NULL;
	bool clean = slot->exec_stage == EXEC_OK && WIFEXITED(slot->status) &&
		     WEXITSTATUS(slot->status) == 0;
	char how[128];
	enum service_result result = describe_end(slot, how, sizeof(how));

	if (!clean && command && command->ignore_failure) {
		say(s->manager, "%s: %s %s, which is ignored", s->unit->name, command->path, how);
		clean = true;
	}
	if (!clean &&
	    (!service_is_stopping(s->machine.state) || s->machine.state == SERVICE_STOP)) {
		service_set_error(s, "%s %s", command ? command->path : "a command", how);
		s->machine.result = result;
	}
	service_event(s, clean ? EVENT_CONTROL_OK : EVENT_CONTROL_BAD);
}

void service_task_ended(struct service *s, struct task *task)
{
	struct board_slot slot = s->manager->board->slot[task->slot];

	s->cpu_us += slot.cpu_us;
	/*
	 * The slot is given free only after the state knows of this end: a supervisor that dies in
	 * between finds either an old state and the end, or a new state and an end that means
	 * nothing to it any more.
	 */
	s->manager->release[s->manager->n_release++] = task->slot;
	task->slot = -1;
	task_close(s->manager, task);
	s->manager->dirty = true;
	if (task == &s->main)
		main_ended(s, &slot);
	else if (task == &s->control)
		control_ended(s, &slot);
	else
		status_ended(s);
}

static bool has_ended(const struct manager *m, const struct task *task)
{
	return task->slot >= 0 && board_load(&m->board->slot[task->slot].ended);
}

/* What PID 1 has written since the last time. */
void manager_read_board(struct manager *m)
{
	uint32_t request = board_load(&m->board->request);

	for (size_t i = 0; i < m->n_services; i++) {
		struct service *s = m->services[i];

		/* The status probe first: it looks at nothing. Control before main: a command's end
		 * may decide about it. */
		if (has_ended(m, &s->status))
			service_task_ended(s, &s->status);
		if (has_ended(m, &s->control))
			service_task_ended(s, &s->control);
		if (has_ended(m, &s->main))
			service_task_ended(s, &s->main);
	}
	if (request & REQUEST_RELOAD) {
		struct err err = {0};

		board_and(&m->board->request, ~(uint32_t)REQUEST_RELOAD);
		if (manager_reload(m, 0, NULL, &err) < 0)
			say(m, "reload: %s", err.text);
	}
	if (request & REQUEST_STOP && !m->stopping)
		manager_stop_all(m);
}

void manager_stop_all(struct manager *m)
{
	m->stopping = true;
	say(m, "stopping all services");
	for (size_t i = 0; i < m->n_services; i++) {
		struct service *s = m->services[i];
		uint64_t by = stop_timeout(s);

		/* The container's limit also caps a stop that is under way already. */
		if (service_is_stopping(s->machine.state) &&
		    (!s->timers[TIMER_STATE] || s->timers[TIMER_STATE] > by))
			service_timer_set(s, TIMER_STATE, by);
		order_stop(m, s);
	}
	m->order_pending = true;
}
