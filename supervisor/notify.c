/*
 * notify.c - sd_notify(3): one datagram socket a service, with an abstract name that the kernel
 * chose, so that it needs no writable directory and no permission of the service's user. PID 1
 * keeps it: a message sent while there is no supervisor is read by the next one. The kernel tells
 * who has sent (SCM_CREDENTIALS).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "supervisor/fdstore.h"
#include "supervisor/manager.h"

#define MESSAGE_MAX 4096
#define FDS_MAX     253 /* SCM_MAX_FD of the kernel */

static void take_line(struct service *s, const char *line)
{
	if (strcmp(line, "READY=1") == 0) {
		s->ready_us = now_us();
		service_event(s, EVENT_NOTIFY_READY);
	} else if (strncmp(line, "STATUS=", 7) == 0) {
		snprintf(s->status_text, sizeof(s->status_text), "%s", line + 7);
		s->manager->dirty = true;
	}
}

/*
 * NotifyAccess=main of systemd, and the command that runs for it just now: hakim-agent-fetch tells
 * its progress. A sender may be gone already; the kernel has noted its pid at the time of sending.
 */
static bool may_notify(const struct service *s, pid_t pid)
{
	return pid > 0 &&
	       (pid == task_pid(s->manager, &s->main) || pid == task_pid(s->manager, &s->control));
}

static void notify_ready(void *owner, uint32_t events)
{
	struct service *s = owner;
	char buf[MESSAGE_MAX + 1];
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(struct ucred)) + CMSG_SPACE(sizeof(int) * FDS_MAX)];
	} control;
	struct iovec iov = {.iov_base = buf, .iov_len = MESSAGE_MAX};
	struct msghdr m = {.msg_iov = &iov,
			   .msg_iovlen = 1,
			   .msg_control = control.room,
			   .msg_controllen = sizeof(control.room)};
	struct ucred who = {0};
	int fds[FDS_MAX];
	size_t n_fds = 0;
	char *save = NULL;
	ssize_t n = recvmsg(s->notify_fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	if (n < 0)
		return;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_CREDENTIALS) {
			memcpy(&who, CMSG_DATA(c), sizeof(who));
		} else if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS) {
			n_fds = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
			memcpy(fds, CMSG_DATA(c), n_fds * sizeof(int));
		}
	}
	buf[n] = '\0';
	/* Fds that nobody may send here must not pile up. */
	fdstore_message(s, may_notify(s, who.pid) ? buf : "", fds, n_fds);
	if (!may_notify(s, who.pid))
		return;
	for (char *line = strtok_r(buf, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		take_line(s, line);
}

static int socket_name(int fd, char *out, size_t size)
{
	struct sockaddr_un address = {0};
	socklen_t len = sizeof(address);

	if (getsockname(fd, (struct sockaddr *)&address, &len) < 0)
		return -errno;
	if (len <= sizeof(sa_family_t) + 1 || address.sun_path[0] != '\0')
		return -EINVAL;
	snprintf(out, size, "@%.*s", (int)(len - sizeof(sa_family_t) - 1), address.sun_path + 1);
	return 0;
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
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	_cleanup_close_ int fd = -EBADF;
	char name[KEEPER_NAME_MAX];
	int one = 1;
	int r;

	if (s->notify_fd >= 0)
		return 0;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	/* A bind to no name: the kernel finds a free abstract one, unix(7) "Autobind feature". */
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(sa_family_t)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &one, sizeof(one)) < 0)
		return err_sys(err, errno == EMFILE || errno == ENFILE ? -EAGAIN : -errno,
			       "no notify socket can be made");
	snprintf(name, sizeof(name), "notify:%s", s->unit->name);
	r = keeper_store(&s->manager->keeper, name, fd, err);
	if (r < 0)
		return r;
	notify_adopt(s, steal_fd(&fd));
	return s->notify_fd >= 0 ? 0 : err_set(err, -EINVAL, "its notify socket has no name");
}
