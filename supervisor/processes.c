#include "supervisor/processes.h"

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

#define AGE_USEC 5000 /* how old a list may be */

/* A session, and the service that began it. */
struct session {
	pid_t leader;
	unsigned turn;
	const struct service *owner;
	struct service_session *entry;
};

static int read_at(int proc_fd, const char *pid, struct process *out)
{
	char path[64];
	char buf[512];
	_cleanup_close_ int fd = -EBADF;
	unsigned long long start, cpu[4];
	const char *p;
	ssize_t n;

	snprintf(path, sizeof(path), "%s/stat", pid);
	fd = openat(proc_fd, path, O_RDONLY | O_CLOEXEC);
	n = fd >= 0 ? read(fd, buf, sizeof(buf) - 1) : -1;
	if (n <= 0)
		return -ESRCH;
	buf[n] = '\0';
	/* The name in field 2 may hold anything, so look behind its last ")". */
	p = strrchr(buf, ')');
	if (!p ||
	    sscanf(p + 1,
		   " %c %d %*d %d %*d %*d %*u %*u %*u %*u %*u %llu %llu %llu %llu %*d %*d %*d "
		   "%*d %llu",
		   &out->state, &out->parent, &out->session, &cpu[0], &cpu[1], &cpu[2], &cpu[3],
		   &start) != 8)
		return -ESRCH;
	out->pid = (pid_t)strtol(pid, NULL, 10);
	out->start_ticks = start;
	out->cpu_ticks = cpu[0] + cpu[1] + cpu[2] + cpu[3];
	out->owner = NULL;
	return 0;
}

int process_read(pid_t pid, struct process *process)
{
	_cleanup_close_ int proc_fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char name[16];

	snprintf(name, sizeof(name), "%d", pid);
	return proc_fd < 0 ? -ESRCH : read_at(proc_fd, name, process);
}

void process_invocation(pid_t pid, char *id)
{
	char path[40];
	_cleanup_fclose_ FILE *f = NULL;
	_cleanup_free_ char *entry = NULL;
	size_t cap = 0;
	ssize_t len;

	id[0] = '\0';
	snprintf(path, sizeof(path), "/proc/%d/environ", pid);
	f = fopen(path, "re");
	while (f && (len = getdelim(&entry, &cap, '\0', f)) > 0) {
		if (strncmp(entry, "INVOCATION_ID=", 14) == 0) {
			snprintf(id, INVOCATION_LEN + 1, "%s", entry + 14);
			break;
		}
	}
	/* It may have had secrets of the service in it. */
	if (entry)
		explicit_bzero(entry, cap);
}

static int by_leader(const void *a, const void *b)
{
	const struct session *x = a;
	const struct session *y = b;

	return x->leader < y->leader ? -1 : x->leader > y->leader;
}

/* Those of one number: the latest first. */
static int by_turn(const void *a, const void *b)
{
	const struct session *x = a;
	const struct session *y = b;
	int leader = by_leader(a, b);

	return leader ? leader : x->turn > y->turn ? -1 : x->turn < y->turn;
}

void service_session_add(struct service *s, pid_t leader)
{
	struct service_session *list = s->sessions;
	unsigned i;

	for (i = 0; i < SERVICE_SESSIONS - 1 && list[i].leader != leader; i++)
		;
	memmove(list + 1, list, i * sizeof(*list));
	list[0] = (struct service_session){leader, ++s->manager->session_turn};
}

static struct session *sessions_list(const struct manager *m, size_t *n)
{
	struct session *list = calloc(m->n_services * SERVICE_SESSIONS + 1, sizeof(*list));
	size_t all = 0;

	*n = 0;
	for (size_t i = 0; list && i < m->n_services; i++)
		for (unsigned k = 0; k < SERVICE_SESSIONS; k++) {
			struct service_session *entry = &m->services[i]->sessions[k];

			if (entry->leader > 0)
				list[all++] = (struct session){entry->leader, entry->turn,
							       m->services[i], entry};
		}
	if (!list)
		return NULL;
	qsort(list, all, sizeof(*list), by_turn);
	for (size_t i = 0; i < all; i++) {
		/* The number was given out anew: for good, also when the later one has gone. */
		if (*n && list[i].leader == list[*n - 1].leader)
			*list[i].entry = (struct service_session){0};
		else
			list[(*n)++] = list[i];
	}
	return list;
}

static const struct service *by_invocation(const struct manager *m, pid_t pid)
{
	char id[INVOCATION_LEN + 1];

	process_invocation(pid, id);
	for (size_t i = 0; id[0] && i < m->n_services; i++)
		if (strcmp(m->services[i]->invocation, id) == 0)
			return m->services[i];
	return NULL;
}

static int by_pid(const void *a, const void *b)
{
	const struct process *x = a;
	const struct process *y = b;

	return x->pid < y->pid ? -1 : x->pid > y->pid;
}

static struct process *find(const struct processes *list, pid_t pid)
{
	struct process key = {.pid = pid};

	return bsearch(&key, list->v, list->n, sizeof(*list->v), by_pid);
}

static void set_owners(struct manager *m, struct processes *list)
{
	size_t n_sessions;
	_cleanup_free_ struct session *sessions = sessions_list(m, &n_sessions);
	pid_t init = m->board->init_pid;

	for (size_t i = 0; sessions && i < list->n; i++) {
		struct process *p = &list->v[i];
		struct session key = {.leader = p->session};
		struct session *session =
			bsearch(&key, sessions, n_sessions, sizeof(*sessions), by_leader);

		if (session)
			p->owner = session->owner;
		else if (p->parent == init && p->pid != getpid())
			p->owner = by_invocation(m, p->pid);
	}
	/* A child of a service's process is the service's, whatever session it has made. */
	for (size_t i = 0; i < list->n; i++) {
		const struct process *up = &list->v[i];

		for (unsigned depth = 0; up && !up->owner && up->parent > 1 && depth < 64; depth++)
			up = up->parent == init ? NULL : find(list, up->parent);
		if (up)
			list->v[i].owner = up->owner;
	}
}

static int take(struct processes *list)
{
	_cleanup_closedir_ DIR *dir = opendir("/proc");
	const struct dirent *d;

	list->n = 0;
	while (dir && (d = readdir(dir))) {
		struct process p;

		if (d->d_name[0] < '1' || d->d_name[0] > '9' ||
		    read_at(dirfd(dir), d->d_name, &p) < 0 || p.state == 'Z' || p.state == 'X')
			continue;
		if (list->n == list->cap) {
			size_t cap = list->cap ? list->cap * 2 : 128;
			struct process *grown = reallocarray(list->v, cap, sizeof(*grown));

			if (!grown)
				return -ENOMEM;
			list->v = grown;
			list->cap = cap;
		}
		list->v[list->n++] = p;
	}
	/* procfs lists them by number; nobody promises it. Without an fd there is no list. */
	if (list->n)
		qsort(list->v, list->n, sizeof(*list->v), by_pid);
	return dir ? 0 : -errno;
}

const struct processes *processes_get(struct manager *m, uint64_t since_us)
{
	struct processes *list = &m->processes;
	uint64_t now = now_us();

	if (list->taken_us && list->taken_us >= since_us && now - list->taken_us < AGE_USEC)
		return list;
	take(list);
	set_owners(m, list);
	list->taken_us = now;
	return list;
}

void processes_forget(struct manager *m)
{
	free(m->processes.v);
	m->processes = (struct processes){0};
}

void process_signal(const struct process *process, int sig)
{
	_cleanup_close_ int fd = (int)syscall(SYS_pidfd_open, process->pid, 0);
	struct process now;

	if (fd < 0) {
		if (errno != ESRCH)
			kill(process->pid, sig);
		return;
	}
	if (process_read(process->pid, &now) == 0 && now.start_ticks == process->start_ticks)
		syscall(SYS_pidfd_send_signal, fd, sig, NULL, 0);
}
