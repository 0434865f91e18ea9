/*
 * probe.c - the small program that the supervisors and inits of `make bench` are given to run. All
 *get the same one.
 *
 *	probe				the service: `probe service stamp` in its directory (runit,
 *s6: "run" is a link)
 *	probe service FILE		writes when it was executed into FILE, and sleeps; on
 *SIGTERM when it ended, too probe stamp FILE PROGRAM…	writes when it was executed into FILE, and
 *becomes the program probe runs COUNT PROGRAM…	runs the program as PID 1 of a new pid namespace, so
 *often; prints the nanoseconds of each probe orphans COUNT		at each SIGUSR1 leaves so
 *many dead processes to PID 1
 *	probe tick MICROSECONDS		writes a line with the time (CLOCK_REALTIME, ns) so often,
 *until SIGTERM
 *
 * Stamps are of CLOCK_MONOTONIC in ns, one a line, appended by one write each.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static uint64_t now_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static int stamp_write(const char *path)
{
	uint64_t now = now_ns(CLOCK_MONOTONIC);
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);

	if (fd < 0 || dprintf(fd, "%llu\n", (unsigned long long)now) < 0) {
		fprintf(stderr, "probe: %s: %s\n", path, strerror(errno));
		return 1;
	}
	close(fd);
	return 0;
}

/* For a process that waits for signals instead of being interrupted. */
static sigset_t signals_block(int number)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, number);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return set;
}

static int command_service(const char *path)
{
	char end[4096];
	sigset_t set = signals_block(SIGTERM);

	if (stamp_write(path) != 0)
		return 1;
	while (sigwaitinfo(&set, NULL) < 0)
		;
	snprintf(end, sizeof(end), "%s.end", path);
	return stamp_write(end);
}

static int command_stamp(char **argv)
{
	if (stamp_write(argv[0]) != 0)
		return 1;
	execv(argv[1], argv + 1);
	perror(argv[1]);
	return 127;
}

static int command_runs(unsigned long count, char **argv)
{
	for (unsigned long i = 0; i < count; i++) {
		uint64_t began = now_ns(CLOCK_MONOTONIC);
		pid_t pid = (pid_t)syscall(SYS_clone, CLONE_NEWPID | SIGCHLD, NULL, NULL, NULL, 0);
		int status;

		if (pid == 0) {
			execv(argv[0], argv);
			_exit(127);
		}
		if (pid < 0 || waitpid(pid, &status, 0) < 0 || status != 0) {
			fprintf(stderr, "probe: %s did not end with 0: %s\n", argv[0],
				pid < 0 ? strerror(errno) : "it says why, or is not there");
			return 1;
		}
		printf("%llu\n", (unsigned long long)(now_ns(CLOCK_MONOTONIC) - began));
	}
	return 0;
}

/* Each is dead when vfork() returns, so that all are when their parent ends and PID 1 inherits
 * them. */
static void orphans_leave(unsigned long count)
{
	pid_t parent = fork();

	if (parent == 0) {
		for (unsigned long i = 0; i < count; i++) {
			pid_t pid = vfork(); /* NOLINT(clang-analyzer-security.insecureAPI.vfork) */

			if (pid == 0)
				_exit(0);
			if (pid < 0)
				_exit(1);
		}
		_exit(0);
	}
	if (parent > 0)
		waitpid(parent, NULL, 0);
}

static int command_orphans(unsigned long count)
{
	sigset_t set = signals_block(SIGUSR1);

	for (;;) {
		int number = sigwaitinfo(&set, NULL);

		if (number == SIGUSR1)
			orphans_leave(count);
		if (number == SIGTERM)
			return 0;
	}
}

static int command_tick(unsigned long microseconds)
{
	struct timespec pause = {.tv_sec = (time_t)(microseconds / 1000000),
				 .tv_nsec = (long)(microseconds % 1000000 * 1000)};
	sigset_t set = signals_block(SIGTERM);

	for (;;) {
		dprintf(STDOUT_FILENO, "tick %llu\n", (unsigned long long)now_ns(CLOCK_REALTIME));
		if (sigtimedwait(&set, NULL, &pause) == SIGTERM)
			return 0;
	}
}

int main(int argc, char **argv)
{
	/* s6 tells it its name. */
	bool is_run = argc > 0 && (strcmp(argv[0], "./run") == 0 || strcmp(argv[0], "run") == 0);
	const char *command = argc > 1 && !is_run ? argv[1] : "service";
	unsigned long number = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;

	if (strcmp(command, "service") == 0)
		return command_service(argc > 2 && !is_run ? argv[2] : "stamp");
	if (strcmp(command, "stamp") == 0 && argc > 3)
		return command_stamp(argv + 2);
	if (strcmp(command, "runs") == 0 && argc > 3)
		return command_runs(number, argv + 3);
	if (strcmp(command, "orphans") == 0 && number)
		return command_orphans(number);
	if (strcmp(command, "tick") == 0 && number)
		return command_tick(number);
	fprintf(stderr, "probe: see the head of bench/probe.c\n");
	return 2;
}
