/* Requests of the control socket: each line of the input is one, its words with blanks between. */
#include <sys/socket.h>
#include <sys/un.h>

#include "tests/fuzz/manager.h"

static void units_put(void)
{
	static const struct {
		const char *name, *text;
	} units[] = {
		{"modules/a.service",
		 "[Unit]\nAfter=b.target\nWants=c.service\n[Service]\nExecStart=/bin/"
		 "true\nExecReload=/"
		 "bin/"
		 "true\nRestart=always\n[Install]\nWantedBy=multi-user.target\nAlias=z.service\n"},
		{"modules/b.target", "[Unit]\nRequires=c.service\n"},
		{"modules/c.service", "[Unit]\nRefuseManualStop=yes\nConditionPathExists=!/"
				      "none\n[Service]\nType=notify\n"
				      "ExecStart=/bin/true\n"},
		{"modules/t@.service", "[Service]\nExecStart=/bin/echo %i\n"},
		{"modules/bad.service", "[Service]\nExecStart=relative\nNoSuch=1\n"},
	};

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		fuzz_put(units[i].name, units[i].text, strlen(units[i].text));
}

static int connect_to(const struct manager *m)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	snprintf(to.sun_path, sizeof(to.sun_path), "%s/control.sock", m->runtime_dir);
	FUZZ_MUST(fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0);
	return fd;
}

/* Every packet is a JSON object. True: the answer has ended. */
static bool hear(int fd)
{
	static char packet[1 << 18];
	bool ended = false;
	ssize_t n;

	while ((n = recv(fd, packet, sizeof(packet), MSG_DONTWAIT)) > 0) {
		char type[20];

		FUZZ_MUST(fuzz_json(packet, (size_t)n, "type", type, sizeof(type)) && !ended);
		ended = strcmp(type, "end") == 0;
	}
	return ended;
}

static void ask(struct manager *m, int fd, const char *line, size_t len)
{
	char *words = fuzz_bytes(line, len);

	for (size_t i = 0; i < len; i++)
		if (words[i] == ' ')
			words[i] = '\0';
	if (send(fd, words, len, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)len)
		manager_turn(m);
	free(words);
}

FUZZ_TARGET(control)
{
	static bool put;
	struct manager *m;
	struct err err = {0};
	unsigned requests = 0;
	int fd;

	if (!put)
		units_put();
	put = true;
	m = manager_fresh();
	FUZZ_MUST(control_open(m, -1, &err) == 0);
	fd = connect_to(m);
	while (len && requests++ < 12) {
		const char *end = memchr(text, '\n', len);
		size_t n = end ? (size_t)(end - text) : len;

		ask(m, fd, text, n);
		/* The next one is told that it has to wait, or is not read. */
		for (unsigned k = 0; !hear(fd) && k < 3; k++)
			manager_turn(m);
		n += end != NULL;
		text += n;
		len -= n;
	}
	close(fd);
	manager_turn(m);
	manager_drop(m);
}
