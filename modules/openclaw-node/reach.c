#include "modules/openclaw-node/reach.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/cleanup.h"

#define WAIT_MS       3000
#define ADDRESSES_MAX 2

static int try_address(const struct addrinfo *to)
{
	_cleanup_close_ int fd =
		socket(to->ai_family, to->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct pollfd wait = {.fd = fd, .events = POLLOUT};
	int error = 0;
	socklen_t len = sizeof(error);

	if (fd < 0)
		return -errno;
	if (connect(fd, to->ai_addr, to->ai_addrlen) == 0)
		return 0;
	if (errno != EINPROGRESS)
		return -errno;
	if (poll(&wait, 1, WAIT_MS) <= 0)
		return -ETIMEDOUT;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
		return -errno;
	return -error;
}

static void free_addresses(struct addrinfo **list)
{
	if (*list)
		freeaddrinfo(*list);
}

int openclaw_reach(const char *host, uint16_t port, struct err *err)
{
	_cleanup_(free_addresses) struct addrinfo *list = NULL;
	struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
	char name[300], service[8];
	size_t len = strlen(host);
	int tried = 0;
	int r;

	if (len > 2 && host[0] == '[' && host[len - 1] == ']')
		snprintf(name, sizeof(name), "%.*s", (int)(len - 2), host + 1);
	else
		snprintf(name, sizeof(name), "%s", host);
	snprintf(service, sizeof(service), "%u", port);
	r = getaddrinfo(name, service, &hints, &list);
	if (r)
		return err_set(err, -EHOSTUNREACH, "the name %.100s is not found: %s", name,
			       gai_strerror(r));
	r = -EHOSTUNREACH;
	for (const struct addrinfo *a = list; a && tried < ADDRESSES_MAX; a = a->ai_next, tried++) {
		r = try_address(a);
		if (r == 0)
			return 0;
	}
	return err_sys(err, r, "%.100s:%u is not reached", host, port);
}
