/*
 * Messages on a service's notify socket: each part of the input is a datagram. The first byte of
 * the input says in which state the service is.
 */
#include <sys/socket.h>
#include <sys/un.h>

#include "supervisor/fdstore.h"
#include "tests/fuzz/manager.h"

static const char unit[] =
	"[Service]\nType=notify-reload\nNotifyAccess=all\nExecStart=/bin/true\nExecReload=/bin/"
	"true\n"
	"WatchdogSec=30\nFileDescriptorStoreMax=2\nRestart=always\nRuntimeMaxSec=60\n";

static void send_to(const struct service *s, const struct fuzz_part *part, int fd)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	struct iovec iov = {.iov_base = (void *)part->text, .iov_len = part->len};
	struct msghdr m = {.msg_name = &to,
			   .msg_namelen = sizeof(to),
			   .msg_iov = &iov,
			   .msg_iovlen = 1,
			   .msg_control = control.room,
			   .msg_controllen = sizeof(control.room)};
	static int sock = -1;
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	if (sock < 0)
		sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	snprintf(to.sun_path, sizeof(to.sun_path), "%s", s->notify_name);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(int));
	if (fd < 0)
		m.msg_control = NULL, m.msg_controllen = 0;
	FUZZ_MUST(sock >= 0);
	/* A datagram that is too long is the sender's fault. */
	if (sendmsg(sock, &m, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		return;
}

FUZZ_TARGET(notify)
{
	static bool put;
	struct fuzz_part part;
	struct err err = {0};
	struct manager *m;
	struct service *s;

	if (!put)
		fuzz_put("modules/n.service", unit, sizeof(unit) - 1);
	put = true;
	if (!len)
		return;
	m = manager_fresh();
	s = manager_find(m, "n.service");
	FUZZ_MUST(s && notify_open(s, &err) == 0);
	s->machine.state = (enum service_state)((unsigned char)*text % SERVICE_STATES);
	s->machine.main_alive = true;
	text++;
	len--;
	for (unsigned i = 0; i < 8 && fuzz_next(&text, &len, &part); i++) {
		int fd = i % 2 ? fuzz_fd("", 0) : -1;

		send_to(s, &part, fd);
		manager_turn(m);
		notify_flush(s);
		FUZZ_MUST(memchr(s->status_text, '\0', sizeof(s->status_text)));
	}
	fdstore_state_changed(s);
	manager_drop(m);
}
