#include "init/keep.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

static struct kept *keep_find(struct keep *keep, const char *name)
{
	for (unsigned i = 0; i < keep->high_water; i++)
		if (keep->v[i].name[0] && strcmp(keep->v[i].name, name) == 0)
			return &keep->v[i];
	return NULL;
}

/* close() alone would leave it in the epoll while the supervisor has a copy. */
static void drain_forget(const struct keep *keep, const struct kept *slot)
{
	if (keep->draining)
		epoll_ctl(keep->epoll_fd, EPOLL_CTL_DEL, slot->fd, NULL);
}

void keep_drain(const struct keep *keep, const struct kept *slot)
{
	struct epoll_event e = {.events = EPOLLIN,
				.data.u32 = keep->drain_base + (uint32_t)(slot - keep->v)};

	if (slot->name[0] && strncmp(slot->name, "log:", 4) == 0)
		epoll_ctl(keep->epoll_fd, EPOLL_CTL_ADD, slot->fd, &e);
}

int keep_store(struct keep *keep, const char *name, int fd)
{
	struct kept *slot = keep_find(keep, name);
	size_t len = strlen(name);

	if (len == 0 || len >= KEEPER_NAME_MAX) {
		close(fd);
		return -EINVAL;
	}
	if (slot) {
		drain_forget(keep, slot);
		close(slot->fd);
		slot->fd = fd;
		if (keep->draining)
			keep_drain(keep, slot);
		return 0;
	}
	for (unsigned i = 0; i < KEEPER_FDS_MAX && !slot; i++)
		if (!keep->v[i].name[0])
			slot = &keep->v[i];
	if (!slot) {
		close(fd);
		return -ENOSPC;
	}
	slot->fd = fd;
	memcpy(slot->name, name, len + 1);
	if (keep->draining)
		keep_drain(keep, slot);
	if (slot >= keep->v + keep->high_water)
		keep->high_water = (unsigned)(slot - keep->v) + 1;
	return 0;
}

int keep_drop(struct keep *keep, const char *name)
{
	struct kept *slot = keep_find(keep, name);

	if (!slot)
		return -ENOENT;
	drain_forget(keep, slot);
	close(slot->fd);
	slot->name[0] = '\0';
	while (keep->high_water && !keep->v[keep->high_water - 1].name[0])
		keep->high_water--;
	return 0;
}

union control {
	struct cmsghdr header;
	char room[CMSG_SPACE(sizeof(int) * 8)];
};

static int packet_send(int sock, const struct keeper_msg *head, const char *data, size_t data_len,
		       int fd)
{
	struct iovec iov[2] = {
		{.iov_base = (void *)head, .iov_len = sizeof(*head)},
		{.iov_base = (void *)data, .iov_len = data_len},
	};
	union control control;
	struct msghdr m = {.msg_iov = iov, .msg_iovlen = data_len ? 2 : 1};

	if (fd >= 0) {
		struct cmsghdr *c;

		memset(&control, 0, sizeof(control));
		m.msg_control = control.room;
		m.msg_controllen = CMSG_SPACE(sizeof(int));
		c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fd, sizeof(int));
	}
	/* A supervisor that does not read loses its answer and is found hanging by its unread
	 * wake-up. */
	return sendmsg(sock, &m, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

/* One batch, from index `from` on. Returns the index to go on from, 0 at the end, or a negative
 * errno. */
static int give_batch(const struct keep *keep, int sock, uint32_t seq, int32_t from)
{
	unsigned given = 0;

	for (unsigned i = from > 0 ? (unsigned)from : 0; i < keep->high_water; i++) {
		struct keeper_msg m = {.op = KEEPER_GIVE, .seq = seq};
		int r;

		if (!keep->v[i].name[0])
			continue;
		if (given++ == KEEPER_LIST_BATCH)
			return (int)i;
		memcpy(m.name, keep->v[i].name, sizeof(m.name));
		r = packet_send(sock, &m, NULL, 0, keep->v[i].fd);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Takes the fds of a packet: the first is *fd, any further one is closed. */
static int take_fds(struct msghdr *m)
{
	int first = -1;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		size_t n;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < n; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
			if (first < 0)
				first = fd;
			else
				close(fd);
		}
	}
	return first;
}

static enum keeper_event event_of(uint32_t op)
{
	switch (op) {
	case KEEPER_READY:
		return KEEPER_EVENT_READY;
	case KEEPER_STOPPED:
		return KEEPER_EVENT_STOPPED;
	case KEEPER_SHUTDOWN:
	case KEEPER_EXIT:
		return KEEPER_EVENT_SHUTDOWN;
	case KEEPER_REEXEC:
		return KEEPER_EVENT_REEXEC;
	default:
		return KEEPER_EVENT_NONE;
	}
}

enum keeper_event keep_serve(struct keep *keep, int sock, const char *secrets, size_t secrets_len)
{
	struct keeper_msg in = {0};
	struct keeper_msg ack = {.op = KEEPER_ACK};
	union control control;
	struct iovec iov = {.iov_base = &in, .iov_len = sizeof(in)};
	struct msghdr m = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.room,
		.msg_controllen = sizeof(control.room),
	};
	ssize_t n = recvmsg(sock, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	int fd;

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? KEEPER_EVENT_EMPTY : KEEPER_EVENT_GONE;
	if (n == 0)
		return KEEPER_EVENT_GONE;
	fd = take_fds(&m);
	ack.seq = in.seq;
	in.name[KEEPER_NAME_MAX - 1] = '\0';
	if ((size_t)n < sizeof(in)) {
		ack.result = -EBADMSG;
	} else {
		switch (in.op) {
		case KEEPER_STORE:
			/* At the fd limit the kernel drops the fd and tells only by MSG_CTRUNC. */
			if (fd < 0)
				ack.result = m.msg_flags & MSG_CTRUNC ? -EMFILE : -EBADMSG;
			else if (keep->fd_limit && fd >= keep->fd_limit)
				ack.result = -EMFILE, close(fd);
			else
				ack.result = keep_store(keep, in.name, fd);
			fd = -1;
			break;
		case KEEPER_DROP:
			ack.result = keep_drop(keep, in.name);
			break;
		case KEEPER_LIST:
			ack.result = give_batch(keep, sock, in.seq, in.result);
			break;
		case KEEPER_SECRETS: {
			struct keeper_msg out = {.op = KEEPER_SECRETS,
						 .seq = in.seq,
						 .data_len = (uint32_t)secrets_len};

			ack.result = packet_send(sock, &out, secrets, secrets_len, -1);
			break;
		}
		case KEEPER_EXIT:
			if (!keep->exit_asked)
				keep->exit_status = in.result & 0xff;
			keep->exit_asked = true;
			break;
		case KEEPER_READY:
		case KEEPER_STOPPED:
		case KEEPER_SHUTDOWN:
		case KEEPER_REEXEC:
			break;
		default:
			ack.result = -ENOSYS;
		}
	}
	if (fd >= 0)
		close(fd);
	packet_send(sock, &ack, NULL, 0, -1);
	return (size_t)n < sizeof(in) ? KEEPER_EVENT_NONE : event_of(in.op);
}
