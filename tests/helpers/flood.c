/*
 * flood - writes numbered lines "NAME SEQ\n" to its standard output, for tests of the logs.
 *
 *	flood [--name NAME] [--count LINES] [--rate LINES_A_SECOND]
 *
 * As fast as it can unless there is a rate, without an end unless there is a count, in blocking
 *writes of whole lines, each of at most PIPE_BUF bytes. On SIGTERM, and after the last line, it
 *writes "NAME END LINES\n" and ends with 0.
 */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t stop;

static void on_term(int signal)
{
	stop = 1;
}

/* Also after a signal: what is begun is finished. */
static void write_all(const char *buf, size_t len)
{
	while (len) {
		ssize_t n = write(STDOUT_FILENO, buf, len);

		if (n < 0 && errno != EINTR) {
			perror("flood: write");
			exit(1);
		}
		if (n > 0) {
			buf += n;
			len -= (size_t)n;
		}
	}
}

/* Waits until line `seq` is due, or for a signal. */
static void wait_for_line(const struct timespec *start, uint64_t seq, uint64_t rate)
{
	uint64_t ns = (uint64_t)start->tv_nsec + seq % rate * 1000000000 / rate;
	struct timespec due = {
		.tv_sec = start->tv_sec + (time_t)(seq / rate + ns / 1000000000),
		.tv_nsec = (long)(ns % 1000000000),
	};

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL);
}

static void flood(const char *name, uint64_t count, uint64_t rate)
{
	struct timespec start;
	char buf[PIPE_BUF];
	uint64_t seq = 0;
	size_t len = 0;

	clock_gettime(CLOCK_MONOTONIC, &start);
	while (!stop && seq < count) {
		if (rate)
			wait_for_line(&start, seq, rate);
		if (stop)
			break;
		len += (size_t)snprintf(buf + len, sizeof(buf) - len, "%s %llu\n", name,
					(unsigned long long)seq++);
		if (rate || sizeof(buf) - len < 128) {
			write_all(buf, len);
			len = 0;
		}
	}
	write_all(buf, len);
	len = (size_t)snprintf(buf, sizeof(buf), "%s END %llu\n", name, (unsigned long long)seq);
	write_all(buf, len);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"name", required_argument, NULL, 'n'},
		{"count", required_argument, NULL, 'c'},
		{"rate", required_argument, NULL, 'r'},
		{0},
	};
	struct sigaction action = {.sa_handler = on_term};
	uint64_t count = UINT64_MAX, rate = 0;
	const char *name = "flood";
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'n' && strlen(optarg) < 64) {
			name = optarg;
		} else if (option == 'c') {
			count = strtoull(optarg, NULL, 10);
		} else if (option == 'r') {
			rate = strtoull(optarg, NULL, 10);
		} else {
			fprintf(stderr, "usage: flood [--name NAME] [--count LINES] [--rate "
					"LINES_A_SECOND]\n");
			return 2;
		}
	}
	sigaction(SIGTERM, &action, NULL);
	flood(name, count, rate);
	return 0;
}
