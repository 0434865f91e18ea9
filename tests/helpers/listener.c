/*
 * listener.c - a server that is given its sockets, sd_listen_fds(3): it says on standard output
 * what it was given, and answers.
 *
 *   listener [--idle MS] [--fail] [--store TEXT]
 *
 * A line of a connection is a command: "info" answers its pid and what it was given, "exit N" ends
 * it, "drop" forgets what it stored, all else is echoed. A datagram and a line of a FIFO are said
 * on standard output. --idle ends it after so long without traffic; --fail ends it at once with
 * status 7; --store has the service manager keep a file with this text, and says what it had kept.
 */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define FIRST 3
#define MOST  64

static char info[512];
static struct pollfd fds[MOST];
static unsigned n_fds;

static const char *env(const char *name)
{
	const char *value = getenv(name);

	return value ? value : "";
}

static int notify(const char *text, int fd)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct iovec iov = {.iov_base = (void *)text, .iov_len = strlen(text)};
	struct msghdr m = {.msg_name = &address, .msg_iov = &iov, .msg_iovlen = 1};
	const char *name = env("NOTIFY_SOCKET");
	int sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int r;

	if (sock < 0 || !*name || strlen(name) >= sizeof(address.sun_path))
		return -1;
	memcpy(address.sun_path, name, strlen(name));
	if (*name == '@')
		address.sun_path[0] = '\0';
	m.msg_namelen = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name));
	if (fd >= 0) {
		m.msg_control = control.room;
		m.msg_controllen = sizeof(control.room);
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.header), &fd, sizeof(int));
	}
	r = sendmsg(sock, &m, MSG_NOSIGNAL) < 0 ? -1 : 0;
	close(sock);
	return r;
}

static void store(const char *text)
{
	int fd = memfd_create("stored", MFD_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0 || notify("FDSTORE=1\nFDNAME=kept", fd) < 0)
		perror("FDSTORE");
	close(fd);
}

static void say_stored(int fd)
{
	char text[128] = "";

	if (pread(fd, text, sizeof(text) - 1, 0) > 0)
		printf("stored: %s\n", text);
}

static void command(int fd, char *line)
{
	char answer[600];

	line[strcspn(line, "\r\n")] = '\0';
	if (strncmp(line, "exit ", 5) == 0)
		_exit(atoi(line + 5));
	if (strcmp(line, "drop") == 0 && notify("FDSTOREREMOVE=1\nFDNAME=kept", -1) < 0)
		perror("FDSTOREREMOVE");
	if (strcmp(line, "info") == 0)
		snprintf(answer, sizeof(answer), "%s\n", info);
	else
		snprintf(answer, sizeof(answer), "%.500s\n", line);
	if (write(fd, answer, strlen(answer)) < 0)
		perror("write");
}

static void serve_connection(int listening)
{
	int fd = accept(listening, NULL, NULL);
	char line[512];
	ssize_t n = fd < 0 ? -1 : read(fd, line, sizeof(line) - 1);

	if (n > 0) {
		line[n] = '\0';
		command(fd, line);
	}
	if (fd >= 0)
		close(fd);
}

static void serve(int fd)
{
	char text[512];
	int listens = 0;
	socklen_t len = sizeof(listens);
	ssize_t n;

	if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) == 0 && listens) {
		serve_connection(fd);
		return;
	}
	n = read(fd, text, sizeof(text) - 1);
	if (n > 0) {
		text[n] = '\0';
		text[strcspn(text, "\n")] = '\0';
		printf("got: %s\n", text);
	}
}

int main(int argc, char **argv)
{
	int idle = -1;

	setvbuf(stdout, NULL, _IOLBF, 0);
	snprintf(info, sizeof(info), "pid=%d listen_pid=%s fds=%s names=%s", getpid(),
		 env("LISTEN_PID"), env("LISTEN_FDS"), env("LISTEN_FDNAMES"));
	printf("%s\n", info);
	for (unsigned i = 0; i < (unsigned)atoi(env("LISTEN_FDS")) && i < MOST; i++) {
		struct stat st;

		if (fstat(FIRST + (int)i, &st) == 0 && S_ISREG(st.st_mode))
			say_stored(FIRST + (int)i);
		else
			fds[n_fds++] = (struct pollfd){FIRST + (int)i, POLLIN, 0};
	}
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--fail") == 0)
			return 7;
		if (strcmp(argv[i], "--idle") == 0 && i + 1 < argc)
			idle = atoi(argv[++i]);
		else if (strcmp(argv[i], "--store") == 0 && i + 1 < argc)
			store(argv[++i]);
	}
	notify("READY=1", -1);
	for (;;) {
		int n = poll(fds, n_fds, idle);

		if (n == 0 || (n < 0 && errno != EINTR))
			return n < 0;
		for (unsigned i = 0; i < n_fds; i++)
			if (fds[i].revents)
				serve(fds[i].fd);
	}
}
