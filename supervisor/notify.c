/*
 * notify.c - sd_notify(3): one datagram socket a service, open to all: the kernel tells who has
 * sent (SCM_CREDENTIALS). PID 1 keeps it: a message sent while there is no supervisor is read by
 * the next one.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "supervisor/fdstore.h"
#include "supervisor/manager.h"

#define MESSAGE_MAX 4096
#define FLUSH_MAX   64
#define NOTIFY_FDS  253 /* the kernel's SCM_MAX_FD */

/* What one message says; several words of it belong together. */
struct message {
	bool ready, reloading, stopping, trigger, alive;
	unsigned long long reloaded_us, watchdog_us, extend_us;
	const char *status;
	pid_t main_pid;
	int error;
};

static unsigned long long number(const char *text)
{
	char *end;
	unsigned long long n = strtoull(text, &end, 10);

	return *end ? 0 : n;
}

static const char *value_of(const char *line, const char *name)
{
	size_t len = strlen(name);

	return strncmp(line, name, len) == 0 && line[len] == '=' ? line + len + 1 : NULL;
}

static void take_line(struct message *m, const char *line)
{
	const char *v;

	if (strcmp(line, "READY=1") == 0)
		m->ready = true;
	else if (strcmp(line, "RELOADING=1") == 0)
		m->reloading = true;
	else if (strcmp(line, "STOPPING=1") == 0)
		m->stopping = true;
	else if (strcmp(line, "WATCHDOG=1") == 0)
		m->alive = true;
	else if (strcmp(line, "WATCHDOG=trigger") == 0)
		m->trigger = true;
	else if ((v = value_of(line, "STATUS")))
		m->status = v;
	else if ((v = value_of(line, "MAINPID")))
		m->main_pid = number(v) < INT32_MAX ? (pid_t)number(v) : 0;
	else if ((v = value_of(line, "ERRNO")))
		m->error = number(v) < 4096 ? (int)number(v) : 0;
	else if ((v = value_of(line, "MONOTONIC_USEC")))
		m->reloaded_us = number(v);
	else if ((v = value_of(line, "WATCHDOG_USEC")))
		m->watchdog_us = number(v);
	else if ((v = value_of(line, "EXTEND_TIMEOUT_USEC")))
		m->extend_us = number(v);
	/* BARRIER=1 asks for its fd to be closed when all before it was taken: that is done with
	 * every fd that nobody keeps. */
}

/* sd_notify(3), EXTEND_TIMEOUT_USEC=: the deadline is put off, never moved nearer. */
static void extend(struct service *s, uint64_t usec)
{
	enum service_timer timer =
		s->machine.state == SERVICE_RUNNING ? TIMER_RUNTIME : TIMER_STATE;
	uint64_t at = 0;

	if (s->machine.state == SERVICE_AUTO_RESTART || !s->timers[timer] ||
	    __builtin_add_overflow(now_us(), usec, &at) || at <= s->timers[timer])
		return;
	/* The container's own end waits for nobody. */
	if (!s->manager->stopping)
		service_timer_set(s, timer, at);
}

static void take_main_pid(struct service *s, pid_t pid, uid_t uid)
{
	struct err err = {0};

	/* Root could do all this without asking us. */
	if (adopt_main(s, pid, uid == 0, &err) < 0)
		say(s->manager, "%s: MAINPID=%d is not taken: %s", s->unit->name, pid, err.text);
	else
		service_event(s, EVENT_MAIN_FOUND);
}

static void take_message(struct service *s, const struct message *m, uid_t uid)
{
	if (m->main_pid > 1)
		take_main_pid(s, m->main_pid, uid);
	if (m->status) {
		snprintf(s->status_text, sizeof(s->status_text), "%s", m->status);
		s->told = true;
	}
	if (m->error)
		s->notify_errno = m->error;
	if (m->watchdog_us) {
		s->watchdog_usec = m->watchdog_us;
		service_watchdog_fed(s);
	}
	if (m->alive)
		service_watchdog_fed(s);
	if (m->extend_us)
		extend(s, m->extend_us);
	/* RELOADING=1 of a reload by signal belongs to it only if it came after the signal; with no
	 * time in it nobody can tell. */
	if (m->reloading && (s->machine.state != SERVICE_RELOAD_SIGNAL || !m->reloaded_us ||
			     m->reloaded_us >= s->state_since_us))
		service_event(s, EVENT_NOTIFY_RELOADING);
	if (m->stopping)
		service_event(s, EVENT_NOTIFY_STOPPING);
	if (m->ready)
		service_event(s, EVENT_NOTIFY_READY);
	if (m->trigger) {
		service_set_error(s, "it has triggered its own watchdog");
		service_end_text(s, "WATCHDOG=trigger");
		service_event(s, EVENT_WATCHDOG);
	}
	s->manager->dirty = true;
}

/* A sender may be gone already; the kernel has noted its pid at the time of sending. */
static bool may_notify(struct service *s, pid_t pid)
{
	struct manager *m = s->manager;

	if (pid <= 0)
		return false;
	switch (s->unit->life.notify_access) {
	case NOTIFY_ALL:
		return pid == task_pid(m, &s->main) || pid == task_pid(m, &s->control) ||
		       service_owns(s, pid);
	case NOTIFY_EXEC:
		return pid == task_pid(m, &s->main) || pid == task_pid(m, &s->control);
	case NOTIFY_MAIN:
		return pid == task_pid(m, &s->main);
	default:
		return false;
	}
}

struct received {
	int fds[NOTIFY_FDS];
	size_t n_fds;
	struct ucred who;
};

/* The kernel puts all fds of a message into one control message. */
static void take_control(struct msghdr *m, struct received *got)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level != SOL_SOCKET)
			continue;
		if (c->cmsg_type == SCM_CREDENTIALS) {
			memcpy(&got->who, CMSG_DATA(c), sizeof(got->who));
		} else if (c->cmsg_type == SCM_RIGHTS) {
			got->n_fds = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
			memcpy(got->fds, CMSG_DATA(c), got->n_fds * sizeof(int));
		}
	}
}

/* One message; false: there is none. */
static bool take_one(struct service *s)
{
	char buf[MESSAGE_MAX + 1];
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(struct ucred)) + CMSG_SPACE(sizeof(int) * NOTIFY_FDS)];
	} control;
	struct iovec iov = {.iov_base = buf, .iov_len = MESSAGE_MAX};
	struct msghdr m = {.msg_iov = &iov,
			   .msg_iovlen = 1,
			   .msg_control = control.room,
			   .msg_controllen = sizeof(control.room)};
	struct received got = {.n_fds = 0};
	struct message message = {0};
	bool allowed;
	char *save = NULL;
	ssize_t n = recvmsg(s->notify_fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	if (n < 0)
		return false;
	take_control(&m, &got);
	buf[n] = '\0';
	allowed = may_notify(s, got.who.pid);
	/* Fds that nobody may send here, or nobody keeps, must not pile up. */
	fdstore_message(s, allowed ? buf : "", got.fds, got.n_fds);
	if (!allowed)
		return true;
	for (char *line = strtok_r(buf, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		take_line(&message, line);
	take_message(s, &message, got.who.uid);
	return true;
}

static void notify_ready(void *owner, uint32_t events)
{
	take_one(owner);
}

void notify_flush(struct service *s)
{
	/* Who sends without end does not hold up the end of anything. */
	for (unsigned i = 0; s->notify_fd >= 0 && i < FLUSH_MAX; i++)
		if (!take_one(s))
			return;
}

/* A path, or "@" and an abstract name. */
static int socket_name(int fd, char *out, size_t size)
{
	struct sockaddr_un address = {0};
	socklen_t len = sizeof(address);
	int name_len;

	if (getsockname(fd, (struct sockaddr *)&address, &len) < 0)
		return -errno;
	if (len <= sizeof(sa_family_t) + 1)
		return -EINVAL;
	name_len = (int)(len - sizeof(sa_family_t));
	if (address.sun_path[0])
		snprintf(out, size, "%.*s", name_len, address.sun_path);
	else
		snprintf(out, size, "@%.*s", name_len - 1, address.sun_path + 1);
	return 0;
}

/*
 * A path, as systemd's is: OpenSSH's own notify code connects to the whole of sun_path, with the
 * zeros behind the name (ssh_systemd_notify(): sizeof(addr)), which is another name where it is
 * abstract. Where there is no directory to write, an abstract one that the kernel finds: unix(7)
 * "Autobind feature".
 */
static int bind_socket(const struct service *s, int fd)
{
	const char *dir = s->manager->runtime_dir;
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char *path = address.sun_path;
	int len = snprintf(path, sizeof(address.sun_path), "%s/notify", dir);

	if (*dir && len < (int)sizeof(address.sun_path) &&
	    (mkdir(path, 0755) == 0 || errno == EEXIST)) {
		len = snprintf(path, sizeof(address.sun_path), "%s/notify/%s", dir, s->unit->name);
		/* Of an earlier boot, or of a unit that was gone for a while. */
		unlink(path);
		if (len < (int)sizeof(address.sun_path) &&
		    bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
			/* Who may say something is asked of the kernel with each message. */
			return chmod(path, 0666) < 0 ? -errno : 0;
	}
	memset(path, 0, sizeof(address.sun_path));
	return bind(fd, (struct sockaddr *)&address, sizeof(sa_family_t)) < 0 ? -errno : 0;
}

void notify_adopt(struct service *s, int fd)
{
	if (s->notify_fd >= 0 || socket_name(fd, s->notify_name, sizeof(s->notify_name)) < 0) {
		close(fd);
		return;
	}
	s->notify_fd = fd;
	loop_add(&s->manager->loop, &s->notify_source, fd, EPOLLIN, notify_ready, s, NULL);
}

int notify_open(struct service *s, struct err *err)
{
	_cleanup_close_ int fd = -EBADF;
	char name[KEEPER_NAME_MAX];
	int one = 1;
	int r;

	if (s->notify_fd >= 0)
		return 0;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	r = fd < 0 ? -errno : bind_socket(s, fd);
	if (r == 0 && setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &one, sizeof(one)) < 0)
		r = -errno;
	if (r < 0)
		return err_sys(err, r == -EMFILE || r == -ENFILE ? -EAGAIN : r,
			       "no notify socket can be made");
	snprintf(name, sizeof(name), "notify:%s", s->unit->name);
	r = keeper_store(&s->manager->keeper, name, fd, err);
	if (r < 0)
		return r;
	notify_adopt(s, steal_fd(&fd));
	return s->notify_fd >= 0 ? 0 : err_set(err, -EINVAL, "its notify socket has no name");
}
