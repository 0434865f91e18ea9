/*
 * adopt.c - daemons that somebody else has started: the main process of a Type=forking service,
 * what MAINPID= names, and a witness where no main process is known.
 *
 * Such a process is an orphan that PID 1 reaps. It is written onto the board, so that PID 1 posts
 * its end there. It may be gone by then: between our look and our writing PID 1 may have reaped it,
 * and an end that was not posted will never come. So its pidfd is watched as well: when it tells of
 * an end, the board has it, or the process is still a zombie that PID 1 is about to post, or it is
 * gone and nobody will ever say how it ended. A process whose parent is not PID 1 always ends the
 * last way.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "supervisor/manager.h"

#define FIND_FIRST_USEC 5000
#define FIND_MAX_USEC   200000
#define ZOMBIE_USEC     2000
#define ZOMBIE_LOOKS    500
#define WITNESS_USEC    (2 * USEC_PER_SEC)

static bool is_gone(const struct task *task)
{
	return syscall(SYS_pidfd_send_signal, task->pidfd, 0, NULL, 0) < 0 && errno == ESRCH;
}

/* Nobody will post its end: so we do, with what is known about it, which is nothing. */
static void post_unknown(struct manager *m, struct task *task)
{
	struct board_slot *slot = &m->board->slot[task->slot];

	slot->exec_errno = ECHILD;
	slot->status = 0;
	slot->cpu_us = 0;
	slot->ended_ns = now_us() * 1000;
	board_store(&slot->ended, 1);
}

/* The process has ended; the board may have it, or will have it in a moment. */
static void end_seen(struct service *s, struct task *task)
{
	struct manager *m = s->manager;
	/* First this, then the board: PID 1 posts an end before it reaps. */
	bool gone = is_gone(task);
	bool posted = board_load(&m->board->slot[task->slot].ended);

	loop_remove(&m->loop, &task->source);
	/* A zombie that PID 1 is about to see, or one of another parent's, who may never look. */
	if (!gone && !posted && s->zombie_looks++ < ZOMBIE_LOOKS) {
		service_timer_in(s, TIMER_ADOPTED, ZOMBIE_USEC);
		return;
	}
	s->zombie_looks = 0;
	if (!posted)
		post_unknown(m, task);
	service_task_ended(s, task);
}

static void main_ready(void *owner, uint32_t events)
{
	struct service *s = owner;

	if (s->main.slot >= 0)
		end_seen(s, &s->main);
}

static void witness_ready(void *owner, uint32_t events)
{
	struct service *s = owner;

	if (s->witness.slot >= 0)
		end_seen(s, &s->witness);
}

static void watch(struct service *s, struct task *task)
{
	loop_add(&s->manager->loop, &task->source, task->pidfd, EPOLLIN,
		 task == &s->main ? main_ready : witness_ready, s, NULL);
}

static int slot_take(struct manager *m)
{
	for (int i = 0; i < BOARD_SLOTS; i++)
		if (m->board->slot[i].role == ROLE_NONE && !board_load(&m->board->pid[i]))
			return i;
	return -ENOSPC;
}

/* Lists a process on the board. The order matters: a supervisor that dies in between leaves a slot
 * without a pid, which means nothing. */
static int list(struct service *s, const struct process *p, enum board_role role, struct task *task,
		struct err *err)
{
	struct manager *m = s->manager;
	_cleanup_close_ int pidfd = (int)syscall(SYS_pidfd_open, p->pid, 0);
	struct process now;
	struct board_slot *slot;
	int i;

	if (pidfd < 0 || process_read(p->pid, &now) < 0 || now.start_ticks != p->start_ticks ||
	    now.state == 'Z')
		return err_set(err, -ESRCH, "process %d has ended meanwhile", p->pid);
	i = slot_take(m);
	if (i < 0)
		return err_set(err, i, "there is no room for more than %d processes", BOARD_SLOTS);
	slot = &m->board->slot[i];
	board_store(&slot->ended, 0);
	*slot = (struct board_slot){
		.command = ADOPTED,
		.started_ns = now_us() * 1000,
		.cpu_us = p->start_ticks,
	};
	strncpy(slot->unit, s->unit->name, sizeof(slot->unit) - 1);
	slot->role = role;
	if ((uint32_t)i >= m->board->high_water)
		board_store(&m->board->high_water, (uint32_t)i + 1);
	board_store(&m->board->pid[i], p->pid);
	task_close(m, task);
	*task = TASK_NONE;
	task->slot = i;
	task->pidfd = steal_fd(&pidfd);
	watch(s, task);
	m->dirty = true;
	return 0;
}

static bool is_listed(const struct manager *m, pid_t pid)
{
	uint32_t high = board_load(&m->board->high_water);

	for (uint32_t i = 0; i < high && i < BOARD_SLOTS; i++)
		if (board_load(&m->board->pid[i]) == pid && m->board->slot[i].role != ROLE_NONE &&
		    m->board->slot[i].role != ROLE_WITNESS && !board_load(&m->board->slot[i].ended))
			return true;
	return false;
}

/* Was the process started in this run of the service? Both clocks stand still in no container. */
static bool is_of_this_run(const struct service *s, const struct process *p)
{
	struct timespec ts;
	uint64_t boot_us;
	uint64_t age_us = now_us() - s->started_us;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	boot_us = (uint64_t)ts.tv_sec * 1000000u + (uint64_t)ts.tv_nsec / 1000u;
	/* A tick is 10 ms. */
	return p->start_ticks * 1000000u / (uint64_t)sysconf(_SC_CLK_TCK) + 20000 + age_us >=
	       boot_us;
}

/* A daemon that has wiped its environment and made a session of its own is known by nothing but the
 * word of its PIDFile=: that must be root's own, and what it says must fit. */
static bool is_credible(const struct service *s, const struct process *p)
{
	const struct processes *all = processes_get(s->manager, now_us());

	for (size_t i = 0; i < all->n; i++)
		if (all->v[i].pid == p->pid && all->v[i].owner && all->v[i].owner != s)
			return false;
	return p->parent == s->manager->board->init_pid && is_of_this_run(s, p);
}

int adopt_main(struct service *s, pid_t pid, bool trusted, struct err *err)
{
	struct manager *m = s->manager;
	struct process p;
	int r;

	if (s->main.slot >= 0 && task_pid(m, &s->main) == pid)
		return 0;
	if (pid <= 1 || pid == m->board->init_pid || pid == getpid() || process_read(pid, &p) < 0)
		return err_set(err, -ESRCH, "there is no process %d", pid);
	if (is_listed(m, pid))
		return err_set(err, -EPERM, "process %d is another command's", pid);
	if (!service_owns(s, pid) && !(trusted && is_credible(s, &p)))
		return err_set(err, -EPERM, "process %d is none of the service's", pid);
	/* No witness is needed any more; and PID 1 posts an end to one slot of a pid only. */
	task_close(m, &s->witness);
	r = list(s, &p, ROLE_MAIN, &s->main, err);
	if (r < 0)
		return r;
	service_session_add(s, p.session);
	s->machine.main_alive = true;
	return 0;
}

/* The pid in PIDFile=; `trusted`: nobody but root or we can have written it. 0: it is not there
 * yet. */
static pid_t read_pid_file(const char *path, bool *trusted, struct err *err)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	char buf[32];
	char *end;
	long pid;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(err, 0, "its PIDFile= %s is not there", path);
	if (!S_ISREG(st.st_mode))
		return err_set(err, 0, "its PIDFile= %s is no plain file", path);
	*trusted = (st.st_uid == 0 || st.st_uid == geteuid()) && !(st.st_mode & 022);
	n = read(fd, buf, sizeof(buf) - 1);
	if (n <= 0)
		return err_set(err, 0, "its PIDFile= %s is empty", path);
	buf[n] = '\0';
	pid = strtol(buf, &end, 10);
	if (pid <= 1 || pid > INT32_MAX || !(isspace((unsigned char)*end) || !*end))
		return err_set(err, 0, "its PIDFile= %s holds no pid", path);
	return (pid_t)pid;
}

/* GuessMainPID=: the one process of the service that PID 1 has inherited. 0: none, or several. */
static pid_t guess_main(struct service *s, unsigned *found)
{
	const struct processes *all = processes_get(s->manager, now_us());
	pid_t guess = 0;

	*found = 0;
	for (size_t i = 0; i < all->n; i++) {
		const struct process *p = &all->v[i];

		if (p->parent != s->manager->board->init_pid || is_listed(s->manager, p->pid))
			continue;
		if (s->cgroup_fd >= 0 ? !service_owns(s, p->pid) : p->owner != s)
			continue;
		guess = p->pid;
		++*found;
	}
	return *found == 1 ? guess : 0;
}

static void find_again(struct service *s)
{
	uint64_t wait = FIND_FIRST_USEC << (s->find_checks < 6 ? s->find_checks : 6);

	s->find_checks++;
	service_timer_in(s, TIMER_FIND, wait < FIND_MAX_USEC ? wait : FIND_MAX_USEC);
}

static void find_by_file(struct service *s)
{
	const char *path = s->unit->life.pid_file;
	struct err err = {0};
	bool trusted = false;
	pid_t pid = read_pid_file(path, &trusted, &err);

	if (pid > 0 && adopt_main(s, pid, trusted, &err) == 0) {
		service_event(s, EVENT_MAIN_FOUND);
		return;
	}
	/* The file may be older than the daemon that is just about to write it. */
	if (s->find_checks < 3 || service_has_processes(s)) {
		find_again(s);
		return;
	}
	service_set_error(s, "it has left no process behind: %s", err.text);
	service_end_text(s, "%s", err.text);
	service_event(s, EVENT_MAIN_LOST);
}

void adopt_find(struct service *s)
{
	struct err err = {0};
	unsigned found;
	pid_t pid;

	if (s->machine.state != SERVICE_START || !s->machine.searching)
		return;
	if (s->main.slot >= 0) {
		service_event(s, EVENT_MAIN_FOUND);
		return;
	}
	if (s->unit->life.pid_file) {
		find_by_file(s);
		return;
	}
	if (s->unit->life.no_guess) {
		service_event(s, EVENT_MAIN_FOUND);
		return;
	}
	/* A daemon forks twice: what is seen first may be the one in the middle, which is gone at
	 * the next look. */
	pid = guess_main(s, &found);
	if (pid && pid == s->find_guess && s->find_checks >= 3) {
		if (adopt_main(s, pid, false, &err) == 0)
			service_event(s, EVENT_MAIN_FOUND);
		else
			find_again(s);
		return;
	}
	s->find_guess = pid;
	if (s->find_checks < 6) {
		find_again(s);
		return;
	}
	/* None or several: it is up as long as any of them is there. */
	service_event(s, EVENT_MAIN_FOUND);
}

void adopt_witness(struct service *s)
{
	const struct processes *all;

	task_close(s->manager, &s->witness);
	if (!s->machine.mainless || service_is_stopping(s->machine.state) ||
	    !service_is_active(s->machine.state))
		return;
	if (!service_has_processes(s)) {
		service_event(s, EVENT_EMPTY);
		return;
	}
	all = processes_get(s->manager, now_us());
	for (size_t i = 0; i < all->n; i++) {
		const struct process *p = &all->v[i];

		if (s->cgroup_fd >= 0 ? !service_owns(s, p->pid) : p->owner != s)
			continue;
		if (list(s, p, ROLE_WITNESS, &s->witness, NULL) == 0)
			return;
	}
	/* They came and went while we looked. */
	service_timer_in(s, TIMER_ADOPTED, WITNESS_USEC);
}

static bool is_zombie(const struct manager *m, const struct task *task)
{
	return task->slot >= 0 && m->board->slot[task->slot].command == ADOPTED &&
	       task->source.fd < 0;
}

void adopt_due(struct service *s)
{
	if (is_zombie(s->manager, &s->main))
		end_seen(s, &s->main);
	if (is_zombie(s->manager, &s->witness))
		end_seen(s, &s->witness);
	else if (s->witness.slot < 0)
		adopt_witness(s);
}

void adopt_taken_over(struct service *s, struct task *task)
{
	struct manager *m = s->manager;
	struct board_slot *slot;
	struct process now;

	if (task->slot < 0)
		return;
	slot = &m->board->slot[task->slot];
	if (slot->command != ADOPTED || board_load(&slot->ended))
		return;
	if (task->pidfd < 0 || process_read(task_pid(m, task), &now) < 0 ||
	    now.start_ticks != slot->cpu_us) {
		/* Its end may have been posted while we looked. */
		if (!board_load(&slot->ended))
			post_unknown(m, task);
		return;
	}
	watch(s, task);
}
