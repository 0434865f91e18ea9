/*
 * ends.c - how processes end, and what that means for their service: clean or not, what is kept of
 * it, and what the end of a service does to the container.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "supervisor/exit_set.h"
#include "supervisor/manager.h"
#include "supervisor/watch.h"
#include "supervisor/spawn.h"

void service_end_text(struct service *s, const char *fmt, ...)
{
	va_list args;

	/* What comes first is the reason, the rest follows from it. */
	if (s->end_text[0])
		return;
	va_start(args, fmt);
	vsnprintf(s->end_text, sizeof(s->end_text), fmt, args);
	va_end(args);
}

void service_past_add(struct service *s, uint64_t at_us, enum service_result result,
		      const char *text)
{
	if (!s->past)
		s->past = calloc(SERVICE_PAST, sizeof(*s->past));
	if (!s->past)
		return;
	memmove(s->past + 1, s->past, sizeof(*s->past) * (SERVICE_PAST - 1));
	s->past[0] = (struct service_past){.at_us = at_us, .result = result};
	snprintf(s->past[0].text, sizeof(s->past[0].text), "%s", text);
	s->n_past += s->n_past < SERVICE_PAST;
}

/* How a process ended, as a sentence, and as a result. */
static enum service_result describe_end(const struct board_slot *slot, char *text, size_t size)
{
	if (slot->exec_stage != EXEC_OK) {
		snprintf(text, size, "could not be executed: %s: %s",
			 spawn_stage_name(slot->exec_stage), strerror(slot->exec_errno));
		return RESULT_EXEC;
	}
	/* Adopted, and reaped by somebody else: see adopt.c. */
	if (slot->exec_errno == ECHILD) {
		snprintf(text, size, "has ended, nobody knows how");
		return RESULT_SUCCESS;
	}
	if (WIFSIGNALED(slot->status)) {
		snprintf(text, size, "was killed by %s%s", signal_name(WTERMSIG(slot->status)),
			 WCOREDUMP(slot->status) ? " (core dumped)" : "");
		return WCOREDUMP(slot->status) ? RESULT_CORE_DUMP : RESULT_SIGNAL;
	}
	snprintf(text, size, "exited with status %d", WEXITSTATUS(slot->status));
	return WEXITSTATUS(slot->status) == 0 ? RESULT_SUCCESS : RESULT_EXIT_CODE;
}

/* systemd.service(5), "clean exit": status 0 and, for a daemon, the signals that ask one to end. */
static bool is_clean(const struct service *s, const struct board_slot *slot)
{
	if (slot->exec_stage != EXEC_OK)
		return false;
	if (exit_set_has(&s->unit->life.success, slot->status))
		return true;
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

uint64_t service_oom_kills(const struct service *s)
{
	_cleanup_close_ int fd = -EBADF;
	char buf[512];
	const char *at;
	ssize_t n;

	if (s->cgroup_fd < 0)
		return 0;
	fd = openat(s->cgroup_fd, "memory.events", O_RDONLY | O_CLOEXEC);
	n = fd >= 0 ? read(fd, buf, sizeof(buf) - 1) : -1;
	if (n <= 0)
		return 0;
	buf[n] = '\0';
	at = strstr(buf, "oom_kill ");
	return at ? strtoull(at + 9, NULL, 10) : 0;
}

void service_set_oom_group(const struct service *s)
{
	bool all = s->unit->life.oom_policy == OOM_KILL;
	_cleanup_close_ int fd = -EBADF;

	if (s->cgroup_fd < 0)
		return;
	fd = openat(s->cgroup_fd, "memory.oom.group", O_WRONLY | O_CLOEXEC);
	/* Not there where the memory controller is not delegated. */
	if (fd >= 0 && write(fd, all ? "1" : "0", 1) < 0)
		errno = 0;
}

static enum restart_verdict verdict(const struct unit_life *life, const struct board_slot *slot)
{
	if (slot->exec_stage != EXEC_OK)
		return VERDICT_NONE;
	if (exit_set_has(&life->prevent, slot->status))
		return VERDICT_PREVENT;
	return exit_set_has(&life->force, slot->status) ? VERDICT_FORCE : VERDICT_NONE;
}

/* What a command has said itself, before it gave up, is its reason: "exited with status 1" helps
 * nobody.
 */
static void set_reason(struct service *s, const char *who, const char *how,
		       enum service_result result)
{
	if (result == RESULT_EXIT_CODE && s->told && s->status_text[0])
		service_set_error(s, "%s", s->status_text);
	else
		service_set_error(s, "%s %s", who, how);
}

static void main_ended(struct service *s, const struct board_slot *slot)
{
	const struct commands *start = &s->unit->start;
	unsigned index = LAUNCH_INDEX(slot->command);
	const struct command *command =
		slot->command != ADOPTED && index < start->n ? &start->v[index] : NULL;
	char how[128];
	enum service_result result = describe_end(slot, how, sizeof(how));
	bool stopping = service_is_stopping(s->machine.state);
	bool clean = (command && command->ignore_failure) || is_clean(s, slot);

	s->machine.main_alive = false;
	s->has_last = true;
	s->last_status = slot->exec_stage == EXEC_OK ? slot->status : W_EXITCODE(203, 0);
	s->machine.verdict = verdict(&s->unit->life, slot);
	if (result == RESULT_SIGNAL && service_oom_kills(s) > s->oom_kills) {
		result = RESULT_OOM_KILL;
		snprintf(how, sizeof(how), "was killed by the kernel for lack of memory");
	}
	/* A notify service that ends before READY=1 has its own word for it: the machine's. */
	if (!clean && !(stopping && s->machine.stop_requested)) {
		/* A daemon's last status tells of its life, that of a oneshot of its work. */
		if (!stopping && s->policy.type == TYPE_ONESHOT)
			set_reason(s, command ? command->path : "its main process", how, result);
		else if (!stopping)
			service_set_error(s, "%s %s", command ? command->path : "its main process",
					  how);
		if (s->machine.result == RESULT_SUCCESS)
			s->machine.result = result;
	} else if (s->policy.type != TYPE_ONESHOT && !stopping) {
		say(s->manager, "%s: its main process %s", s->unit->name, how);
	}
	service_end_text(s, "%s", how);
	service_event(s, clean ? EVENT_MAIN_OK : EVENT_MAIN_BAD);
}

/* ExecCondition=: 1 to 254 say no, 255 and a signal are failures (systemd.service(5)). */
static bool says_no(const struct service *s, const struct board_slot *slot)
{
	return s->machine.state == SERVICE_CONDITION && slot->exec_stage == EXEC_OK &&
	       WIFEXITED(slot->status) && WEXITSTATUS(slot->status) != 0 &&
	       WEXITSTATUS(slot->status) != 255;
}

static bool control_is_clean(const struct service *s, const struct board_slot *slot,
			     const struct command *command, const char *how)
{
	bool clean = slot->exec_stage == EXEC_OK && WIFEXITED(slot->status) &&
		     WEXITSTATUS(slot->status) == 0;

	if (clean || !command)
		return clean;
	/* A forking service's ExecStart= is the service: its own statuses count. */
	if (s->machine.state == SERVICE_START && slot->exec_stage == EXEC_OK &&
	    exit_set_has(&s->unit->life.success, slot->status))
		return true;
	if (command->ignore_failure)
		say(s->manager, "%s: %s %s, which is ignored", s->unit->name, command->path, how);
	return command->ignore_failure;
}

static void control_ended(struct service *s, const struct board_slot *slot)
{
	const struct command *command = launch_command_of(s->unit, slot->command);
	enum service_state state = s->machine.state;
	char how[128];
	enum service_result result = describe_end(slot, how, sizeof(how));
	bool reloading = state == SERVICE_RELOAD;

	/* One that was ended to make room for the next: that one is what the state waits for. */
	if (s->spawn_action && s->spawn_action != DO_SPAWN_MAIN) {
		service_timer_in(s, TIMER_SPAWN, 1);
		return;
	}
	if (control_is_clean(s, slot, command, how)) {
		service_event(s, EVENT_CONTROL_OK);
		return;
	}
	if (says_no(s, slot)) {
		if (!s->told)
			snprintf(s->status_text, sizeof(s->status_text),
				 "ExecCondition=%s was not met", command ? command->path : "");
		service_event(s, EVENT_CONTROL_SKIP);
		return;
	}
	/* While the main process runs, what was said last may be its own. */
	if (s->main.slot >= 0)
		s->told = false;
	if (reloading || service_is_starting(state) || state == SERVICE_STOP ||
	    state == SERVICE_STOP_POST)
		set_reason(s, command ? command->path : "a command", how, result);
	if (service_is_starting(state) || state == SERVICE_STOP || state == SERVICE_STOP_POST) {
		service_end_text(s, "%s %s", command ? command->path : "a command", how);
		if (s->machine.result == RESULT_SUCCESS)
			s->machine.result = result == RESULT_SUCCESS ? RESULT_EXIT_CODE : result;
	}
	service_event(s, EVENT_CONTROL_BAD);
}

static void asker_ended(struct service *s, const struct task *task, const struct board_slot *slot)
{
	char how[128];

	describe_end(slot, how, sizeof(how));
	watch_task_ended(s->ready && task == &s->ready->task ? s->ready : s->health, slot, how);
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
	else if (task == &s->witness)
		adopt_witness(s);
	else if (task == &s->status)
		status_ended(s);
	else
		asker_ended(s, task, &slot);
}

/* An ordered stop of the container with this exit status. */
static void end_container(struct service *s, const char *why, int status)
{
	struct manager *m = s->manager;
	struct err err = {0};
	int r;

	say(m, "%s: %s: the container stops, with exit status %d", s->unit->name, why, status);
	r = keeper_exit(&m->keeper, status, &err);
	if (r == -ENOSYS) {
		say(m, "the running hakim-init is older: it will not exit with status %d", status);
		r = keeper_tell(&m->keeper, KEEPER_SHUTDOWN, &err);
	}
	if (r < 0)
		say(m, "%s", err.text);
}

/* As a shell tells it: 128 + n by a signal. */
static int exit_status(const struct service *s)
{
	if (!s->has_last)
		return service_is_failed(s->machine.state) ? 1 : 0;
	if (WIFSIGNALED(s->last_status))
		return 128 + WTERMSIG(s->last_status);
	return WEXITSTATUS(s->last_status);
}

static void act_on_end(struct service *s, bool by_itself)
{
	const struct unit_life *life = &s->unit->life;
	bool failed = s->machine.state == SERVICE_FAILED;
	enum unit_action action = failed ? life->failure_action : life->success_action;
	int given = failed ? life->failure_exit_status : life->success_exit_status;

	if (s->machine.result == RESULT_START_LIMIT && action == ACTION_NONE)
		action = life->start_limit_action;
	if (s->manager->stopping)
		return;
	if (action == ACTION_EXIT)
		end_container(s, failed ? "FailureAction= or StartLimitAction=" : "SuccessAction=",
			      given >= 0 ? given : exit_status(s));
	else if (life->vital && by_itself)
		end_container(s, "it is vital and has ended", exit_status(s));
}

void service_job_action(struct service *s)
{
	if (s->unit->life.job_timeout_action == ACTION_EXIT)
		end_container(s, "JobTimeoutAction=", 1);
}

void service_run_over(struct service *s, enum service_state old)
{
	enum service_state state = s->machine.state;
	bool over = service_is_at_rest(state) || state == SERVICE_AUTO_RESTART ||
		    state == SERVICE_WAITING;

	if (service_is_active(old) && over && state != SERVICE_SKIPPED) {
		service_past_add(s, now_us(), s->machine.result,
				 s->end_text[0] ? s->end_text : "stopped on request");
		s->end_text[0] = '\0';
	}
	if (service_is_at_rest(old) || s->unit->kind != KIND_SERVICE)
		return;
	if (state == SERVICE_FAILED || (state == SERVICE_DEAD && service_is_active(old)))
		act_on_end(s, !s->machine.stop_requested);
}

bool service_start_limited(struct service *s)
{
	if (!start_limit_hit(&s->limit, s->unit, now_us()))
		return false;
	service_set_error(s,
			  "it was started %u times within its StartLimitIntervalSec= and is given "
			  "up; 'hakimctl reset-failed' lets it start again",
			  s->limit.starts);
	service_event(s, EVENT_START_LIMIT);
	return true;
}

void service_reset_failed(struct service *s)
{
	s->limit = (struct start_limit){0};
	s->restarts_in_row = 0;
	s->manager->dirty = true;
	if (s->machine.state != SERVICE_FAILED)
		return;
	s->machine.state = SERVICE_DEAD;
	s->machine.result = RESULT_SUCCESS;
	s->error[0] = '\0';
	s->state_since_us = now_us();
}
