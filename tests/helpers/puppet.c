/*
 * puppet - a service that does what its words say, one after the other:
 *
 *   fork          becomes a daemon: forks twice, setsid in between, the first process exits with 0
 *   child         forks; the parent sleeps for ever, the child goes on with the next words
 *   setsid        leaves its session
 *   wipe          overwrites its environment, as setproctitle() of many daemons does
 *   pid=FILE      writes its pid to FILE
 *   append=FILE   appends "PID\n" to FILE
 *   say=TEXT      sends TEXT to NOTIFY_SOCKET; "$$" in it is its pid; "\n" is a new line
 *   reloaded      sends RELOADING=1 with MONOTONIC_USEC= now
 *   wait=SIGNAL   waits for the signal of that number
 *   sleep=MS      sleeps; "sleep" alone sleeps for ever
 *   until=FILE    waits until FILE is there
 *   deaf          ignores SIGTERM
 *   abort, exit=N, kill=N
 *   again         begins anew behind the last "mark"
 *   mark
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static char notify_socket[108];

static void die(const char *what)
{
	dprintf(2, "puppet: %s: %s\n", what, strerror(errno));
	_exit(99);
}

static void pause_ms(long ms)
{
	struct timespec ts = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

	nanosleep(&ts, NULL);
}

static void daemonise(void)
{
	pid_t pid = fork();

	if (pid < 0)
		die("fork");
	if (pid)
		_exit(0);
	setsid();
	pid = fork();
	if (pid < 0)
		die("fork");
	if (pid)
		_exit(0);
}

static void write_pid(const char *path, int flags)
{
	int fd = open(path, O_WRONLY | O_CREAT | flags, 0644);

	if (fd < 0 || dprintf(fd, "%d\n", getpid()) < 0)
		die(path);
	close(fd);
}

static void say(const char *text)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char message[1024];
	size_t n = 0;
	size_t len = strlen(notify_socket);
	int fd;

	for (; *text && n < sizeof(message) - 16; text++) {
		if (text[0] == '$' && text[1] == '$') {
			n += (size_t)sprintf(message + n, "%d", getpid());
			text++;
		} else if (text[0] == '\\' && text[1] == 'n') {
			message[n++] = '\n';
			text++;
		} else {
			message[n++] = *text;
		}
	}
	if (!len) {
		errno = ENOENT;
		die("NOTIFY_SOCKET");
	}
	memcpy(address.sun_path, notify_socket, len);
	if (address.sun_path[0] == '@')
		address.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (sendto(fd, message, n, 0, (struct sockaddr *)&address,
		   (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) < 0)
		die("sendto");
	close(fd);
}

static void say_reloading(void)
{
	struct timespec ts;
	char text[80];

	clock_gettime(CLOCK_MONOTONIC, &ts);
	snprintf(text, sizeof(text), "RELOADING=1\\nMONOTONIC_USEC=%llu",
		 (unsigned long long)ts.tv_sec * 1000000 + (unsigned long long)ts.tv_nsec / 1000);
	say(text);
}

static void wait_signal(int sig)
{
	sigset_t set;
	int got;

	sigemptyset(&set);
	sigaddset(&set, sig);
	sigwait(&set, &got);
}

static void run(const char *word)
{
	const char *value = strchr(word, '=');

	value = value ? value + 1 : "";
	if (!strcmp(word, "fork"))
		daemonise();
	else if (!strcmp(word, "setsid"))
		setsid();
	else if (!strcmp(word, "deaf"))
		signal(SIGTERM, SIG_IGN);
	else if (!strcmp(word, "abort"))
		abort();
	else if (!strcmp(word, "reloaded"))
		say_reloading();
	else if (!strcmp(word, "wipe"))
		for (char **e = environ; *e; e++)
			memset(*e, 'x', strlen(*e));
	else if (!strcmp(word, "sleep"))
		for (;;)
			pause();
	else if (!strcmp(word, "child")) {
		if (fork() > 0)
			for (;;)
				pause();
	} else if (!strncmp(word, "pid=", 4))
		write_pid(value, O_TRUNC);
	else if (!strncmp(word, "append=", 7))
		write_pid(value, O_APPEND);
	else if (!strncmp(word, "say=", 4))
		say(value);
	else if (!strncmp(word, "sleep=", 6))
		pause_ms(atol(value));
	else if (!strncmp(word, "wait=", 5))
		wait_signal(atoi(value));
	else if (!strncmp(word, "until=", 6))
		while (access(value, F_OK) < 0)
			pause_ms(2);
	else if (!strncmp(word, "exit=", 5))
		_exit(atoi(value));
	else if (!strncmp(word, "kill=", 5))
		kill(getpid(), atoi(value));
	else if (strcmp(word, "mark") != 0) {
		errno = EINVAL;
		die(word);
	}
}

int main(int argc, char **argv)
{
	const char *given = getenv("NOTIFY_SOCKET");
	int mark = 0;

	if (given && strlen(given) < sizeof(notify_socket))
		snprintf(notify_socket, sizeof(notify_socket), "%s", given);
	/* Blocked from the beginning, so that one that comes early is not lost. */
	for (int i = 1; i < argc; i++) {
		sigset_t set;

		if (strncmp(argv[i], "wait=", 5) != 0)
			continue;
		sigemptyset(&set);
		sigaddset(&set, atoi(argv[i] + 5));
		sigprocmask(SIG_BLOCK, &set, NULL);
	}
	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "again"))
			i = mark;
		else if (!strcmp(argv[i], "mark"))
			mark = i;
		else
			run(argv[i]);
	}
	return 0;
}
