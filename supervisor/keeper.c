#include "supervisor/keeper.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "common/cleanup.h"

static int keeper_send(struct keeper *keeper, struct keeper_msg *msg, int fd)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct iovec iov = {.iov_base = msg, .iov_len = sizeof(*msg)};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};

	if (fd >= 0) {
		struct cmsghdr *c;

		m.msg_control = control.room;
		m.msg_controllen = sizeof(control.room);
		c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fd, sizeof(int));
	}
	msg->seq = ++keeper->seq;
	return sendmsg(keeper->fd, &m, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

/* One packet of PID 1 into `msg` (with room for `size` bytes in all); the fd that came with it, if
 * any, into *fd. */
static ssize_t keeper_receive(struct keeper *keeper, struct keeper_msg *msg, size_t size, int *fd)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = {.iov_base = msg, .iov_len = size};
	struct msghdr m = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.room,
		.msg_controllen = sizeof(control.room),
	};
	struct pollfd p = {.fd = keeper->fd, .events = POLLIN};
	ssize_t n;
	int r;

	do {
		r = poll(&p, 1, KEEPER_TIMEOUT_MS);
	} while (r < 0 && errno == EINTR);
	if (r == 0)
		return -ETIMEDOUT;
	n = recvmsg(keeper->fd, &m, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	if (n < 0)
		return -errno;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		memcpy(fd, CMSG_DATA(c), sizeof(int));
	}
	if ((size_t)n < sizeof(*msg))
		return -EPIPE;
	msg->name[KEEPER_NAME_MAX - 1] = '\0';
	return n;
}

/* Waits for the ACK of the last question, skipping answers of older ones. Its result, or a negative
 * errno of the line. */
static int keeper_ack(struct keeper *keeper)
{
	for (;;) {
		struct keeper_msg msg;
		_cleanup_close_ int fd = -EBADF;
		ssize_t n = keeper_receive(keeper, &msg, sizeof(msg), &fd);

		if (n < 0)
			return (int)n;
		if (msg.op == KEEPER_ACK && msg.seq == keeper->seq)
			return msg.result;
	}
}

static void set_name(struct keeper_msg *msg, const char *name)
{
	snprintf(msg->name, sizeof(msg->name), "%s", name);
}

int keeper_store(struct keeper *keeper, const char *name, int fd, struct err *err)
{
	struct keeper_msg msg = {.op = KEEPER_STORE};
	int r;

	if (strlen(name) >= KEEPER_NAME_MAX)
		return err_set(err, -ENAMETOOLONG, "%s: the name is too long to be kept by PID 1",
			       name);
	set_name(&msg, name);
	r = keeper_send(keeper, &msg, fd);
	if (r == 0)
		r = keeper_ack(keeper);
	return r < 0 ? err_sys(err, r, "PID 1 cannot keep %s", name) : 0;
}

int keeper_drop(struct keeper *keeper, const char *name, struct err *err)
{
	struct keeper_msg msg = {.op = KEEPER_DROP};
	int r;

	set_name(&msg, name);
	r = keeper_send(keeper, &msg, -1);
	if (r == 0)
		r = keeper_ack(keeper);
	return r < 0 ? err_sys(err, r, "PID 1 cannot drop %s", name) : 0;
}

int keeper_list(struct keeper *keeper, void (*take)(void *data, const char *name, int fd),
		void *data, struct err *err)
{
	int32_t from = 0;

	do {
		struct keeper_msg msg = {.op = KEEPER_LIST, .result = from};
		int r = keeper_send(keeper, &msg, -1);

		if (r < 0)
			return err_sys(err, r, "PID 1 cannot be asked for what it keeps");
		from = -1;
		while (from < 0) {
			_cleanup_close_ int fd = -EBADF;
			ssize_t n = keeper_receive(keeper, &msg, sizeof(msg), &fd);

			if (n < 0)
				return err_sys(err, (int)n,
					       "PID 1 does not give back what it keeps");
			if (msg.op == KEEPER_GIVE && fd >= 0) {
				take(data, msg.name, steal_fd(&fd));
			} else if (msg.op == KEEPER_ACK && msg.seq == keeper->seq) {
				if (msg.result < 0)
					return err_sys(err, msg.result,
						       "PID 1 cannot give back what it keeps");
				from = msg.result;
			}
		}
	} while (from > 0);
	return 0;
}

static void secrets_forget(char **secrets, size_t *len)
{
	if (*secrets)
		explicit_bzero(*secrets, *len);
	free(steal_ptr(secrets));
	*len = 0;
}

int keeper_secrets(struct keeper *keeper, char **secrets, size_t *len, struct err *err)
{
	struct keeper_msg ask = {.op = KEEPER_SECRETS};
	size_t size = sizeof(struct keeper_msg) + KEEPER_DATA_MAX;
	_cleanup_free_ struct keeper_msg *msg = calloc(1, size);
	int r = msg ? keeper_send(keeper, &ask, -1) : -ENOMEM;

	*secrets = NULL;
	*len = 0;
	while (r == 0) {
		_cleanup_close_ int fd = -EBADF;
		ssize_t n = keeper_receive(keeper, msg, size, &fd);

		if (n < 0) {
			r = (int)n;
		} else if (msg->op == KEEPER_ACK && msg->seq == keeper->seq) {
			r = msg->result;
			break;
		} else if (msg->op == KEEPER_SECRETS && msg->data_len == (size_t)n - sizeof(*msg)) {
			secrets_forget(secrets, len);
			*len = msg->data_len;
			*secrets = malloc(*len + 1);
			if (!*secrets)
				r = -ENOMEM;
			else
				memcpy(*secrets, msg->data, *len);
			explicit_bzero(msg, size);
		}
	}
	if (r < 0)
		secrets_forget(secrets, len);
	return r < 0 ? err_sys(err, r, "PID 1 does not hand on the secrets") : 0;
}

int keeper_tell(struct keeper *keeper, enum keeper_op op, struct err *err)
{
	struct keeper_msg msg = {.op = op};
	int r = keeper_send(keeper, &msg, -1);

	if (r == 0)
		r = keeper_ack(keeper);
	return r < 0 ? err_sys(err, r, "PID 1 does not answer") : 0;
}

int keeper_exit(struct keeper *keeper, int status, struct err *err)
{
	struct keeper_msg msg = {.op = KEEPER_EXIT, .result = status};
	int r = keeper_send(keeper, &msg, -1);

	if (r == 0)
		r = keeper_ack(keeper);
	return r < 0 ? err_sys(err, r, "PID 1 cannot be told the exit status") : 0;
}
