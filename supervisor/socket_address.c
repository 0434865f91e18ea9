/*
 * socket_address.c - the text of an address of a .socket unit; systemd.socket(5), ListenStream=.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "supervisor/command.h"
#include "supervisor/directive_set.h"
#include "supervisor/socket.h"

static int unix_parse(const char *text, struct socket_address *address, struct err *err)
{
	struct sockaddr_un *un = (struct sockaddr_un *)(void *)&address->storage;
	bool abstract = *text == '@';
	size_t len = strlen(text);
	int r = abstract ? 0 : directive_path_check(text, err);

	if (r < 0)
		return r;
	if (abstract && len == 1)
		return err_set(err, -EINVAL, "behind the \"@\" a name is missing");
	if (len >= sizeof(un->sun_path))
		return err_set(err, -ENAMETOOLONG,
			       "the address of a Unix socket has at most %zu bytes",
			       sizeof(un->sun_path) - 1);
	un->sun_family = AF_UNIX;
	memcpy(un->sun_path, text, len);
	if (abstract)
		un->sun_path[0] = '\0';
	/* A path has its NUL counted, an abstract name is as long as it is: unix(7). */
	address->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + !abstract);
	return 0;
}

static int port_parse(const char *text, in_port_t *port, struct err *err)
{
	unsigned number;

	if (unsigned_parse(text, 65535, &number, NULL) < 0 || number == 0)
		return err_set(err, -EINVAL, "\"%.40s\" is no port from 1 to 65535", text);
	*port = htons((uint16_t)number);
	return 0;
}

/* "[v6]:port", where `text` is behind the bracket. */
static int ipv6_parse(const char *text, struct socket_address *address, struct err *err)
{
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)(void *)&address->storage;
	const char *end = strchr(text, ']');
	char host[INET6_ADDRSTRLEN + IF_NAMESIZE + 1];
	char *scope;

	if (!end || end[1] != ':' || (size_t)(end - text) >= sizeof(host))
		return err_set(err, -EINVAL, "an address of IPv6 is written \"[::1]:8080\"");
	snprintf(host, sizeof(host), "%.*s", (int)(end - text), text);
	scope = strchr(host, '%');
	if (scope) {
		unsigned number;

		*scope++ = '\0';
		if (unsigned_parse(scope, INT32_MAX, &number, NULL) < 0)
			number = if_nametoindex(scope);
		if (!number)
			return err_set(err, -ENODEV, "there is no interface \"%.20s\"", scope);
		in6->sin6_scope_id = number;
	}
	if (inet_pton(AF_INET6, host, &in6->sin6_addr) != 1)
		return err_set(err, -EINVAL, "\"%.60s\" is no address of IPv6", host);
	in6->sin6_family = AF_INET6;
	address->len = sizeof(*in6);
	return port_parse(end + 2, &in6->sin6_port, err);
}

static int ipv4_parse(const char *text, const char *colon, struct socket_address *address,
		      struct err *err)
{
	struct sockaddr_in *in = (struct sockaddr_in *)(void *)&address->storage;
	char host[INET_ADDRSTRLEN];

	if ((size_t)(colon - text) >= sizeof(host))
		return err_set(err, -EINVAL, "\"%.60s\" has no numeric address before its \":\"",
			       text);
	snprintf(host, sizeof(host), "%.*s", (int)(colon - text), text);
	if (inet_pton(AF_INET, host, &in->sin_addr) != 1)
		return err_set(err, -EINVAL,
			       "\"%.60s\" is no address of IPv4 (names are not looked up)", host);
	in->sin_family = AF_INET;
	address->len = sizeof(*in);
	return port_parse(colon + 1, &in->sin_port, err);
}

int socket_address_parse(const char *text, struct socket_address *address, struct err *err)
{
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)(void *)&address->storage;
	const char *colon = strrchr(text, ':');

	*address = (struct socket_address){0};
	if (*text == '/' || *text == '@')
		return unix_parse(text, address, err);
	if (strncmp(text, "vsock:", 6) == 0 || strncmp(text, "vsock-", 6) == 0)
		return err_set(err, -ENOTSUP, "a container has no AF_VSOCK");
	if (*text == '[')
		return ipv6_parse(text + 1, address, err);
	if (colon)
		return ipv4_parse(text, colon, address, err);
	address->any = true;
	in6->sin6_family = AF_INET6;
	address->len = sizeof(*in6);
	return port_parse(text, &in6->sin6_port, err);
}

void socket_address_print(const struct sockaddr_storage *storage, socklen_t len, char *text,
			  size_t size)
{
	const struct sockaddr_in *in = (const void *)storage;
	const struct sockaddr_in6 *in6 = (const void *)storage;
	char host[INET6_ADDRSTRLEN] = "?";

	if (storage->ss_family == AF_INET && len >= sizeof(*in)) {
		inet_ntop(AF_INET, &in->sin_addr, host, sizeof(host));
		snprintf(text, size, "%s:%u", host, ntohs(in->sin_port));
	} else if (storage->ss_family == AF_INET6 && len >= sizeof(*in6)) {
		inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof(host));
		snprintf(text, size, "[%s]:%u", host, ntohs(in6->sin6_port));
	} else {
		snprintf(text, size, "unix");
	}
}

bool fd_name_valid(const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < len; i++)
		if (name[i] < ' ' || name[i] >= 127 || name[i] == ':')
			return false;
	return len > 0 && len <= FD_NAME_MAX;
}
