/*
 * busname.c - owns a name on the system bus until it is told to give it back.
 *
 *   busname NAME [DELAY_MS]
 *
 * Connects, waits for so long, asks for NAME, and waits for signals: SIGUSR1 gives the name back
 * and goes on without it. It ends with the bus.
 */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static uint8_t buf[1024];
static size_t len;
static uint32_t serial;

static void put(const void *bytes, size_t n)
{
	memcpy(buf + len, bytes, n);
	len += n;
}

static void align(size_t to)
{
	while (len % to)
		buf[len++] = 0;
}

static void number(uint32_t n)
{
	align(4);
	put(&n, sizeof(n));
}

static void string(const char *text)
{
	number((uint32_t)strlen(text));
	put(text, strlen(text) + 1);
}

static void field(uint8_t code, char type, const char *text)
{
	uint8_t head[] = {code, 1, (uint8_t)type, 0};

	align(8);
	put(head, sizeof(head));
	if (type == 'g') {
		buf[len++] = (uint8_t)strlen(text);
		put(text, strlen(text) + 1);
	} else {
		string(text);
	}
}

/* A call of the bus, in this machine's byte order, which is little endian wherever tests run. */
static void call(int fd, const char *member, const char *signature, const char *name)
{
	uint32_t fields, body;
	size_t at;

	len = 0;
	put("l\1\0\1", 4);
	number(0);
	number(++serial);
	number(0);
	field(1, 'o', "/org/freedesktop/DBus");
	field(2, 's', "org.freedesktop.DBus");
	field(3, 's', member);
	field(6, 's', "org.freedesktop.DBus");
	if (*signature)
		field(8, 'g', signature);
	fields = (uint32_t)len - 16;
	memcpy(buf + 12, &fields, 4);
	align(8);
	at = len;
	if (*signature)
		string(name);
	if (strcmp(signature, "su") == 0)
		number(4); /* DBUS_NAME_FLAG_DO_NOT_QUEUE */
	body = (uint32_t)(len - at);
	memcpy(buf + 4, &body, 4);
	if (write(fd, buf, len) != (ssize_t)len)
		_exit(1);
}

static volatile sig_atomic_t give_back;

static void usr1(int sig)
{
	give_back = 1;
}

int main(int argc, char **argv)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX,
				      .sun_path = "/run/dbus/system_bus_socket"};
	struct sigaction action = {.sa_handler = usr1};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	char hex[64] = "", line[128], in[4096];

	if (argc < 2 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return 2;
	sigaction(SIGUSR1, &action, NULL);
	snprintf(line, sizeof(line), "%u", geteuid());
	for (const char *p = line; *p; p++)
		snprintf(hex + strlen(hex), sizeof(hex) - strlen(hex), "%02x", (unsigned char)*p);
	snprintf(line, sizeof(line), "AUTH EXTERNAL %s\r\n", hex);
	if (write(fd, "", 1) != 1 || write(fd, line, strlen(line)) < 0 ||
	    read(fd, in, sizeof(in)) < 2 || strncmp(in, "OK", 2) != 0 ||
	    write(fd, "BEGIN\r\n", 7) < 0)
		return 3;
	call(fd, "Hello", "", "");
	usleep(argc > 2 ? (useconds_t)atoi(argv[2]) * 1000 : 0);
	call(fd, "RequestName", "su", argv[1]);
	for (;;) {
		ssize_t n = read(fd, in, sizeof(in));

		if (n == 0)
			return 0;
		if (give_back) {
			give_back = 0;
			call(fd, "ReleaseName", "s", argv[1]);
		}
	}
}
