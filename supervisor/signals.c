/*
 * signals.c - which processes belong to a service, signals to them, and what they use.
 */
#include <dirent.h>
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

struct stat_line {
	pid_t session;
	char state;
};

/* Fields 3 and 6 of /proc/PID/stat; the name in field 2 may hold anything, so look behind its last
 * ")". */
static int read_stat(int proc_fd, const char *pid, struct stat_line *out)
{
	char path[64];
	char buf[512];
	_cleanup_close_ int fd = -EBADF;
	const char *p;
	ssize_t n;

	snprintf(path, sizeof(path), "%s/stat", pid);
	fd = openat(proc_fd, path, O_RDONLY | O_CLOEXEC);
	n = fd >= 0 ? read(fd, buf, sizeof(buf) - 1) : -1;
	if (n <= 0)
		return -ESRCH;
	buf[n] = '\0';
	p = strrchr(buf, ')');
	if (!p || sscanf(p + 1, " %c %*d %*d %d", &out->state, &out->session) != 2)
		return -ESRCH;
	return 0;
}

/* Without cgroups: everything in a session that one of the service's processes has begun (spawn.c
 * makes one for each). */
static int session_pids(const pid_t *leaders, unsigned n_leaders, pid_t *pids, int max)
{
	_cleanup_closedir_ DIR *dir = opendir("/proc");
	const struct dirent *d;
	int n = 0;

	while (dir && n < max && (d = readdir(dir))) {
		struct stat_line line;

		if (d->d_name[0] < '1' || d->d_name[0] > '9' ||
		    read_stat(dirfd(dir), d->d_name, &line) < 0)
			continue;
		for (unsigned i = 0; i < n_leaders; i++) {
			if (leaders[i] > 0 && line.session == leaders[i] && line.state != 'Z') {
				pids[n++] = (pid_t)strtol(d->d_name, NULL, 10);
				break;
			}
		}
	}
	return n;
}

/* All processes of the service but those of StatusExec=. */
static int service_pids(struct service *s, pid_t *pids, int max)
{
	if (s->cgroup_fd >= 0) {
		int n = cgroup_pids(s->cgroup_fd, pids, max);

		if (n >= 0)
			return n;
	}
	return session_pids(s->sessions, ARRAY_LEN(s->sessions), pids, max);
}

static void signal_all(struct service *s, int sig)
{
	_cleanup_free_ pid_t *pids = NULL;
	int n;

	if (sig == SIGKILL && s->cgroup_fd >= 0 && cgroup_kill(s->cgroup_fd) == 0)
		return;
	pids = malloc(PIDS_MAX * sizeof(*pids));
	n = pids ? service_pids(s, pids, PIDS_MAX) : 0;
	/* These two have had theirs: a second one means "abort" to many programs. */
	for (int i = 0; i < n; i++)
		if (pids[i] != task_pid(s->manager, &s->main) &&
		    pids[i] != task_pid(s->manager, &s->control))
			kill(pids[i], sig);
}

/*
 * KillMode=, systemd.kill(5). `all`: the last means, SIGKILL to every process but in the modes that
 * spare the others. A stopped process takes its SIGTERM only when it goes on, so SIGCONT follows,
 * as in systemd.
 */
void service_signal(struct service *s, int sig, bool all)
{
	struct manager *m = s->manager;
	enum unit_kill_mode mode = s->unit->kill_mode;

	if (mode == KILL_NONE && !all)
		return;
	task_signal(m, &s->control, all ? SIGKILL : SIGTERM);
	task_signal(m, &s->main, sig);
	if (mode == KILL_CONTROL_GROUP || (mode == KILL_MIXED && (all || s->main.slot < 0)))
		signal_all(s, mode == KILL_MIXED ? SIGKILL : sig);
	if (sig != SIGKILL) {
		task_signal(m, &s->main, SIGCONT);
		if (mode == KILL_CONTROL_GROUP)
			signal_all(s, SIGCONT);
	}
}

bool service_is_empty(struct service *s)
{
	pid_t pid;

	if (s->main.slot >= 0 || s->control.slot >= 0)
		return false;
	/* KillMode=process leaves the others alone: a person's tmux in the agent's group is none of
	 * our business. */
	if (s->unit->kill_mode == KILL_PROCESS || s->unit->kill_mode == KILL_NONE)
		return true;
	if (s->cgroup_fd >= 0) {
		int empty = cgroup_is_empty(s->cgroup_fd);

		if (empty >= 0)
			return empty == 1;
	}
	return session_pids(s->sessions, ARRAY_LEN(s->sessions), &pid, 1) == 0;
}

static int64_t resident(pid_t pid)
{
	char path[40];
	_cleanup_fclose_ FILE *f = NULL;
	long pages;

	snprintf(path, sizeof(path), "/proc/%d/statm", pid);
	f = fopen(path, "re");
	if (!f || fscanf(f, "%*d %ld", &pages) != 1)
		return 0;
	return pages * sysconf(_SC_PAGESIZE);
}

int64_t service_memory(struct service *s, bool thorough, unsigned *tasks)
{
	_cleanup_free_ pid_t *pids = malloc(PIDS_MAX * sizeof(*pids));
	int64_t memory = -1;
	int n = 0;

	*tasks = 0;
	if (s->main.slot < 0 && s->control.slot < 0)
		return -1;
	/* Without a cgroup it costs a walk over all of /proc: too much for a list of hundreds. */
	if (pids && (s->cgroup_fd >= 0 || thorough)) {
		n = service_pids(s, pids, PIDS_MAX);
	} else if (pids) {
		pids[0] = task_pid(s->manager, s->main.slot >= 0 ? &s->main : &s->control);
		n = 1;
	}
	*tasks = n > 0 ? (unsigned)n : 0;
	if (s->cgroup_fd >= 0)
		memory = cgroup_memory(s->cgroup_fd);
	if (memory >= 0)
		return memory;
	memory = 0;
	for (int i = 0; i < n; i++)
		memory += resident(pids[i]);
	return memory;
}
