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
#include "supervisor/connections.h"
#include "supervisor/fdstore.h"
#include "supervisor/sockets.h"
#include "supervisor/spawn.h"
#include "supervisor/watch.h"

#define STABLE_USEC                                                                              \
	(10 * USEC_PER_SEC) /* up for so long: the next crash begins at the shortest pause again \
			     */

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
	loop_remove(&m->loop, &task->source);
	if (task->slot >= 0)
		slot_release(m, task->slot);
	if (task->pidfd >= 0)
		close(task->pidfd);
	*task = TASK_NONE;
}

void service_set_unit(struct service *s, struct unit *unit)
{
	const struct unit_life *life = &unit->life;
	s->unit = unit;
	s->policy = (struct service_policy){
		.kind = unit->kind,
		.type = unit->type,
		.n_condition = (unsigned)life->condition.n,
		.n_start_pre = (unsigned)unit->start_pre.n,
		.n_start = (unsigned)unit->start.n,
		.n_start_post = (unsigned)life->start_post.n,
		.n_reload = (unsigned)life->reload.n,
		.n_stop = (unsigned)unit->stop.n,
		.n_stop_post = (unsigned)life->stop_post.n,
		.has_probe = ready_has(unit),
		.remain_after_exit = life->remain_after_exit,
		.no_sigkill = life->no_sigkill,
		.restart = unit->restart,
		.start_timeout_mode = life->start_timeout_mode,
		.stop_timeout_mode = life->stop_timeout_mode,
	};
	s->log.stale = true;
	ready_set_unit(s);
	health_set_unit(s);
}

struct service *service_new(struct manager *m, struct unit *unit)
{
	struct service *s = apart_new(&m->apart);

	if (!s || timer_heap_join(&m->timers, &s->due, s) < 0) {
		apart_free(&m->apart, s);
		return NULL;
	}
	s->manager = m;
	s->main = s->control = s->status = s->witness = TASK_NONE;
	s->notify_fd = s->exec_pipe = s->status_pipe = -1;
	service_log_init(&s->log);
	s->cgroup_fd = -1;
	s->notify_source.fd = s->exec_source.fd = s->status_source.fd = -1;
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

	timer_heap_leave(&m->timers, &s->due);
	watch_free(s->ready);
	watch_free(s->health);
	sockets_free(s);
	fdstore_free(s);
	connections_free(s);
	if (s->notify_fd >= 0 && s->notify_name[0] == '/')
		unlink(s->notify_name);
	close_watched(m, &s->notify_source, &s->notify_fd);
	close_watched(m, &s->exec_source, &s->exec_pipe);
	close_watched(m, &s->status_source, &s->status_pipe);
	task_close(m, &s->main);
	task_close(m, &s->control);
	task_close(m, &s->status);
	task_close(m, &s->witness);
	processes_forget(m);
	free(s->past);
	if (s->log.index >= 0) {
		snprintf(name, sizeof(name), "notify:%s", s->unit->name);
		keeper_drop(&m->keeper, name, NULL);
	}
	service_log_close(s);
	if (s->cgroup_fd >= 0)
		close(s->cgroup_fd);
	cgroup_remove(&m->cgroups, s->unit->name);
	strv_free(&s->notes);
	if (s->orphan)
		unit_free(s->orphan);
	apart_free(&m->apart, s);
}

/* A new run: nothing of the last one counts any more. */
static void run_begins(struct service *s)
{
	s->started_us = s->state_since_us;
	s->exec_us = s->ready_us = 0;
	s->error[0] = s->end_text[0] = '\0';
	s->has_last = false;
	s->notify_errno = 0;
	service_kill_left_over(s);
	service_set_oom_group(s);
	s->oom_kills = service_oom_kills(s);
	s->watchdog_usec = s->unit->life.watchdog_usec;
	launch_next_invocation(s);
}

/* The bookkeeping of a change, before what the machine asks for is done. */
static void state_changed(struct service *s, enum service_state old)
{
	enum service_state state = s->machine.state;

	s->manager->sockets_pending = true;
	s->manager->bus_pending |= s->unit->type == TYPE_DBUS;
	s->manager->connections_pending |= s->connection != NULL;
	fdstore_state_changed(s);
	s->state_since_us = now_us();
	if (service_is_up(old) && !service_is_up(state) &&
	    s->state_since_us - s->ready_us >= STABLE_USEC)
		s->restarts_in_row = 0;
	s->spawn_action = 0;
	if (!service_is_active(old) && service_is_active(state) && s->unit->kind == KIND_SERVICE)
		run_begins(s);
	if (state == SERVICE_WAITING)
		s->queued_us = s->state_since_us;
	service_follow_up(s, old);
	service_run_over(s, old);
}

void service_event(struct service *s, enum service_event event)
{
	enum service_state old = s->machine.state;
	unsigned actions = service_step(&s->policy, &s->machine, event);
	bool changed = s->machine.state != old;

	s->manager->dirty = true;
	if (changed)
		state_changed(s, old);
	service_carry_out(s, actions);
	if (s->machine.state != old)
		service_rest(s);
	order_changed(s, old);
	if (s->machine.state != old && service_settled(s->machine.state) &&
	    !service_is_up(s->machine.state))
		control_settled(s->manager);
}

int service_may_reload(const struct service *s, struct err *err)
{
	if (!service_is_up(s->machine.state))
		return err_set(err, -EINVAL, "%s does not run", s->unit->name);
	if (!s->unit->life.reload.n && s->policy.type != TYPE_NOTIFY_RELOAD)
		return err_set(err, -EINVAL,
			       "%s cannot be reloaded: it has no ExecReload=; restart it instead",
			       s->unit->name);
	return 0;
}

static bool has_ended(const struct manager *m, const struct task *task)
{
	return task->slot >= 0 && board_load(&m->board->slot[task->slot].ended);
}

static void read_ends(struct service *s)
{
	const struct manager *m = s->manager;

	/* The status probe first: it looks at nothing. Control before main: a command's end
	 * may decide about it. */
	if (has_ended(m, &s->status))
		service_task_ended(s, &s->status);
	if (s->ready && has_ended(m, &s->ready->task))
		service_task_ended(s, &s->ready->task);
	if (s->health && has_ended(m, &s->health->task))
		service_task_ended(s, &s->health->task);
	if (has_ended(m, &s->control) || has_ended(m, &s->main))
		notify_flush(s);
	if (has_ended(m, &s->witness))
		service_task_ended(s, &s->witness);
	if (has_ended(m, &s->control))
		service_task_ended(s, &s->control);
	if (has_ended(m, &s->main))
		service_task_ended(s, &s->main);
}

static bool has_slot(const struct service *s, int slot)
{
	return s->main.slot == slot || s->control.slot == slot || s->status.slot == slot ||
	       s->witness.slot == slot || (s->ready && s->ready->task.slot == slot) ||
	       (s->health && s->health->task.slot == slot);
}

/* By its name; where a unit that is gone has left that to another one, by looking at all. */
static struct service *slot_owner(const struct manager *m, int slot)
{
	void *found;

	if (name_index_find(&m->index, m->board->slot[slot].unit, &found) && has_slot(found, slot))
		return found;
	for (size_t i = 0; i < m->n_services; i++)
		if (has_slot(m->services[i], slot))
			return m->services[i];
	return NULL;
}

/* What PID 1 has written since the last time. */
void manager_read_board(struct manager *m)
{
	uint32_t request = board_load(&m->board->request);
	uint32_t high = board_load(&m->board->high_water);

	/* The pids lie close together; a slot is looked at only where there is one. */
	for (uint32_t i = 0; i < high && i < BOARD_SLOTS; i++) {
		struct service *s = NULL;

		if (board_load(&m->board->pid[i]) && board_load(&m->board->slot[i].ended))
			s = slot_owner(m, (int)i);
		if (s)
			read_ends(s);
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
		uint64_t by = service_stop_deadline(s, s->unit->timeout_stop_usec);

		/* The container's limit also caps a stop that is under way already. */
		if (service_is_stopping(s->machine.state) &&
		    (!s->timers[TIMER_STATE] || s->timers[TIMER_STATE] > by))
			service_timer_set(s, TIMER_STATE, by);
		order_stop(m, s);
	}
	m->order_pending = true;
}
