/*
 * answer - a small server, for tests of probes.
 *
 *	answer [--after MS] [--reply FILE] [--count FILE] KIND WHERE
 *
 * KIND: tcp PORT, tcp6 PORT, unix PATH, seqpacket PATH, dgram PATH; a PATH "@x" is abstract. After
 * MS milliseconds it listens, and says "listening" on its standard output. Each connection that
 * asks something is answered with what FILE holds at that moment ("HTTP/1.1 200 OK" where there is
 * no such file), and closed; with "hang" in it, it is kept open and not answered. --count: a byte
 * is appended for each connection.
 */
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int listen_unix(const char *path, int type)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	size_t len = strlen(path);
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	if (len >= sizeof(to.sun_path))
		return -1;
	memcpy(to.sun_path, path, len);
	if (*path == '@')
		to.sun_path[0] = '\0';
	else
		unlink(path);
	len += offsetof(struct sockaddr_un, sun_path) + (*path != '@');
	if (fd < 0 || bind(fd, (struct sockaddr *)&to, (socklen_t)len) < 0 ||
	    (type != SOCK_DGRAM && listen(fd, 16) < 0))
		return -1;
	return fd;
}

static int listen_tcp(const char *port, int family)
{
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct sockaddr *to = family == AF_INET ? (struct sockaddr *)&v4 : (struct sockaddr *)&v6;
	socklen_t len = family == AF_INET ? sizeof(v4) : sizeof(v6);
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

	v4.sin_port = v6.sin6_port = htons((uint16_t)strtoul(port, NULL, 10));
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 ||
	    bind(fd, to, len) < 0 || listen(fd, 16) < 0)
		return -1;
	return fd;
}

static int listen_at(const char *kind, const char *where)
{
	if (strcmp(kind, "tcp") == 0)
		return listen_tcp(where, AF_INET);
	if (strcmp(kind, "tcp6") == 0)
		return listen_tcp(where, AF_INET6);
	if (strcmp(kind, "unix") == 0)
		return listen_unix(where, SOCK_STREAM);
	if (strcmp(kind, "seqpacket") == 0)
		return listen_unix(where, SOCK_SEQPACKET);
	if (strcmp(kind, "dgram") == 0)
		return listen_unix(where, SOCK_DGRAM);
	return -1;
}

static void count(const char *path)
{
	int fd = path ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644) : -1;

	if (fd >= 0) {
		if (write(fd, "x", 1) < 0)
			perror(path);
		close(fd);
	}
}

static void serve(int fd, const char *reply)
{
	char text[4096] = "HTTP/1.1 200 OK\r\n\r\nfine\n", question[4096];
	int file = reply ? open(reply, O_RDONLY | O_CLOEXEC) : -1;

	if (file >= 0) {
		ssize_t n = read(file, text, sizeof(text) - 1);

		text[n > 0 ? n : 0] = '\0';
		close(file);
	}
	if (strncmp(text, "hang", 4) == 0)
		return; /* it stays open until we end */
	if (recv(fd, question, sizeof(question), 0) > 0)
		(void)!send(fd, text, strlen(text), MSG_NOSIGNAL);
	close(fd);
}

int main(int argc, char **argv)
{
	const char *reply = NULL, *counter = NULL;
	int at = 1, fd;

	for (; at + 1 < argc && strncmp(argv[at], "--", 2) == 0; at += 2) {
		if (strcmp(argv[at], "--after") == 0)
			poll(NULL, 0, (int)strtol(argv[at + 1], NULL, 10));
		else if (strcmp(argv[at], "--reply") == 0)
			reply = argv[at + 1];
		else if (strcmp(argv[at], "--count") == 0)
			counter = argv[at + 1];
	}
	if (at + 2 != argc)
		return 2;
	fd = listen_at(argv[at], argv[at + 1]);
	if (fd < 0) {
		perror(argv[at + 1]);
		return 1;
	}
	if (printf("listening\n") < 0 || fflush(stdout) < 0)
		return 1;
	for (;;) {
		int client = accept(fd, NULL, NULL);

		if (client >= 0) {
			count(counter);
			serve(client, reply);
		} else if (strcmp(argv[at], "dgram") == 0) {
			pause();
		}
	}
}
