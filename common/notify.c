#include "common/notify.h"

#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MESSAGE_MAX 1024

void notify_open(struct notify *notify)
{
	const char *name = getenv("NOTIFY_SOCKET");
	size_t len = name ? strlen(name) : 0;

	*notify = (struct notify){.fd = -1, .to = {.sun_family = AF_UNIX}};
	if (len < 2 || len >= sizeof(notify->to.sun_path) || (name[0] != '/' && name[0] != '@'))
		return;
	memcpy(notify->to.sun_path, name, len);
	if (name[0] == '@')
		notify->to.sun_path[0] = '\0';
	notify->to_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
	notify->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}

void notify_status(const struct notify *notify, const char *text)
{
	char message[MESSAGE_MAX];
	int len = snprintf(message, sizeof(message), "STATUS=%s", text);

	if (notify->fd < 0 || len < 0)
		return;
	if ((size_t)len >= sizeof(message))
		len = sizeof(message) - 1;
	/* A line of it must not become a message of its own. */
	for (char *p = message; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = ' ';
	(void)sendto(notify->fd, message, (size_t)len, MSG_DONTWAIT | MSG_NOSIGNAL,
		     (const struct sockaddr *)&notify->to, notify->to_len);
}

void notify_barrier(const struct notify *notify, int timeout_ms)
{
	static char text[] = "BARRIER=1";
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct iovec iov = {text, sizeof(text) - 1};
	struct msghdr message = {
		.msg_name = (void *)&notify->to,
		.msg_namelen = notify->to_len,
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *fds = CMSG_FIRSTHDR(&message);
	struct pollfd waiting = {.events = 0};
	int ends[2];

	if (notify->fd < 0 || pipe2(ends, O_CLOEXEC) < 0)
		return;
	*fds = (struct cmsghdr){
		.cmsg_len = CMSG_LEN(sizeof(int)),
		.cmsg_level = SOL_SOCKET,
		.cmsg_type = SCM_RIGHTS,
	};
	memcpy(CMSG_DATA(fds), &ends[1], sizeof(int));
	waiting.fd = ends[0];
	if (sendmsg(notify->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		timeout_ms = 0;
	close(ends[1]);
	/* Closed by the receiver: POLLHUP. */
	(void)poll(&waiting, 1, timeout_ms);
	close(ends[0]);
}

void notify_close(struct notify *notify)
{
	if (notify->fd >= 0)
		close(notify->fd);
	notify->fd = -1;
}
