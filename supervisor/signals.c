/*
 * signals.c - which processes a service has, signals to them, and what they use.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "supervisor/manager.h"

#define PIDS_MAX 4096

/* By pidfd: a number may be another's by now. Where there is none, the board says that PID 1 has
 * not reaped it. */
void task_signal(struct manager *m, const struct task *task, int sig)
{
	pid_t pid = task_pid(m, task);

	if (pid <= 0 || board_load(&m->board->slot[task->slot].ended))
		return;
	if (task->pidfd >= 0)
		syscall(SYS_pidfd_send_signal, task->pidfd, sig, NULL, 0);
	else
		kill(pid, sig);
}

void task_end(struct manager *m, const struct task *task)
{
	pid_t pid = task_pid(m, task);

	if (pid <= 0 || board_load(&m->board->slot[task->slot].ended))
		return;
	/* The group first: it has the number of its leader, which is ours as long as that one is
	 * not reaped. */
	if (task->pidfd < 0 || syscall(SYS_pidfd_send_signal, task->pidfd, 0, NULL, 0) == 0)
		kill(-pid, SIGKILL);
	task_signal(m, task, SIGKILL);
}

static bool is_task(struct service *s, pid_t pid)
{
	return pid == task_pid(s->manager, &s->main) || pid == task_pid(s->manager, &s->control);
}

/* To all but the main and the control process: a second signal means "abort" to many programs. */
static void signal_others(struct service *s, int sig)
{
	const struct processes *list;

	if (s->cgroup_fd >= 0) {
		_cleanup_free_ pid_t *pids = malloc(PIDS_MAX * sizeof(*pids));
		int n = pids ? cgroup_pids(s->cgroup_fd, pids, PIDS_MAX) : -ENOMEM;

		for (int i = 0; i < n; i++)
			if (!is_task(s, pids[i]))
				kill(pids[i], sig);
		if (n >= 0)
			return;
	}
	list = processes_get(s->manager, s->spawned_us);
	for (size_t i = 0; i < list->n; i++)
		if (list->v[i].owner == s && !is_task(s, list->v[i].pid))
			process_signal(&list->v[i], sig);
}

static void signal_all(struct service *s, int sig)
{
	if (sig == SIGKILL && s->cgroup_fd >= 0 && cgroup_kill(s->cgroup_fd) == 0) {
		s->cgroup_killed = true;
		return;
	}
	signal_others(s, sig);
}

/* The processes of KillMode= get one signal. */
static void signal_mode(struct service *s, int sig, bool last)
{
	enum unit_kill_mode mode = s->unit->kill_mode;

	task_signal(s->manager, &s->control, sig);
	task_signal(s->manager, &s->main, sig);
	if (mode == KILL_CONTROL_GROUP || (mode == KILL_MIXED && last))
		signal_all(s, sig);
}

static int term_signal(const struct service *s)
{
	const struct unit_life *life = &s->unit->life;

	return s->machine.start_again && life->restart_kill_signal ? life->restart_kill_signal
								   : s->unit->kill_signal;
}

/*
 * KillMode=, systemd.kill(5). A stopped process takes its SIGTERM only when it goes on, so SIGCONT
 * follows, as in systemd.
 */
void service_end(struct service *s, enum service_end_how how)
{
	const struct unit_life *life = &s->unit->life;
	int sig = how == END_TERM    ? term_signal(s)
		  : how == END_ABORT ? life->watchdog_signal
				     : life->final_kill_signal;

	if (s->unit->kill_mode == KILL_NONE && how != END_KILL)
		return;
	signal_mode(s, sig, how == END_KILL);
	if (how == END_TERM && life->send_sighup && sig != SIGHUP)
		signal_mode(s, SIGHUP, false);
	if (sig != SIGKILL && sig != SIGCONT)
		signal_mode(s, SIGCONT, false);
}

bool service_has_processes(struct service *s)
{
	const struct processes *list;

	if (s->main.slot >= 0 || s->control.slot >= 0)
		return true;
	if (s->cgroup_fd >= 0) {
		int empty = cgroup_is_empty(s->cgroup_fd);

		if (empty >= 0)
			return empty == 0;
	}
	list = processes_get(s->manager, s->spawned_us);
	for (size_t i = 0; i < list->n; i++)
		if (list->v[i].owner == s)
			return true;
	return false;
}

bool service_is_empty(struct service *s)
{
	if (s->main.slot >= 0 || s->control.slot >= 0)
		return false;
	/* KillMode=process leaves the others alone: a person's tmux in the agent's group is none of
	 * our business. */
	if (s->unit->kill_mode == KILL_PROCESS || s->unit->kill_mode == KILL_NONE)
		return true;
	return !service_has_processes(s);
}

void service_kill_rest(struct service *s)
{
	enum unit_kill_mode mode = s->unit->kill_mode;
	bool killing = s->machine.state == SERVICE_STOP_SIGKILL ||
		       s->machine.state == SERVICE_FINAL_SIGKILL;

	/* Who was forked while we looked has not got it yet. */
	if ((mode == KILL_MIXED && s->main.slot < 0 && s->control.slot < 0) ||
	    (mode == KILL_CONTROL_GROUP && killing))
		signal_all(s, s->unit->life.final_kill_signal);
}

void service_kill_left_over(struct service *s)
{
	enum unit_kill_mode mode = s->unit->kill_mode;

	if ((mode != KILL_CONTROL_GROUP && mode != KILL_MIXED) || s->main.slot >= 0 ||
	    s->control.slot >= 0)
		return;
	if (s->cgroup_fd < 0)
		s->cgroup_fd = cgroup_open(&s->manager->cgroups, s->unit->name);
	/* Without a cgroup only a service that has run can have left anything. */
	if ((s->cgroup_fd < 0 && !s->invocation[0]) || !service_has_processes(s))
		return;
	say(s->manager, "%s: what an earlier run has left is killed", s->unit->name);
	signal_all(s, SIGKILL);
}

int service_kill(struct service *s, int sig, enum service_whom whom)
{
	struct manager *m = s->manager;

	if (!service_has_processes(s))
		return -ESRCH;
	if (whom == WHOM_MAIN && s->main.slot < 0)
		return -ESRCH;
	if (whom == WHOM_CONTROL && s->control.slot < 0)
		return -ESRCH;
	if (whom != WHOM_CONTROL)
		task_signal(m, &s->main, sig);
	if (whom != WHOM_MAIN)
		task_signal(m, &s->control, sig);
	if (whom == WHOM_ALL)
		signal_all(s, sig);
	return 0;
}

bool service_owns(struct service *s, pid_t pid)
{
	char path[40];
	char line[512];
	char own[400];
	_cleanup_fclose_ FILE *f = NULL;
	const struct processes *list;

	if (s->cgroup_fd >= 0) {
		size_t len = (size_t)snprintf(own, sizeof(own), "0::%s/%s",
					      s->manager->cgroups.base + strlen("/sys/fs/cgroup"),
					      s->unit->name);

		snprintf(path, sizeof(path), "/proc/%d/cgroup", pid);
		f = fopen(path, "re");
		while (f && fgets(line, sizeof(line), f)) {
			line[strcspn(line, "\n")] = '\0';
			if (strncmp(line, own, len) == 0 && (line[len] == '/' || !line[len]))
				return true;
		}
		return false;
	}
	/* A sender that is new has to be looked for anew. */
	for (unsigned k = 0; k < 2; k++) {
		list = processes_get(s->manager, k ? now_us() : s->spawned_us);
		for (size_t i = 0; i < list->n; i++)
			if (list->v[i].pid == pid)
				return list->v[i].owner == s;
	}
	return false;
}
