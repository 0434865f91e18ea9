/* The readiness probe against real sockets of the loopback, served by the test itself, never
 * blocking. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "common/cleanup.h"
#include "supervisor/probe.h"

#define DEADLINE_MS 5000

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static struct probe_target *target(const char *fmt, unsigned port)
{
	struct probe_target *t = NULL;
	struct err err = {0};
	char url[200];

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(url, sizeof(url), fmt, port);
#pragma GCC diagnostic pop
	if (probe_target_parse(url, &t, &err) < 0)
		fail_msg("%s: %s", url, err.text);
	return t;
}

/* Listens on a free port, or on *port if it is not 0. */
static int listen_on(int family, unsigned *port)
{
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int one = 1;
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	struct sockaddr *address = family == AF_INET ? (void *)&v4 : (void *)&v6;
	socklen_t len = family == AF_INET ? sizeof(v4) : sizeof(v6);

	v4.sin_port = v6.sin6_port = htons((uint16_t)*port);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 ||
	    bind(fd, address, len) < 0 || listen(fd, 8) < 0 || getsockname(fd, address, &len) < 0) {
		if (fd >= 0)
			close(fd);
		return -1;
	}
	*port = ntohs(family == AF_INET ? v4.sin_port : v6.sin6_port);
	return fd;
}

/* A port that nobody listens on: bound, so that no one else gets it. */
static int refusing(unsigned *port)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t len = sizeof(a);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	*port = ntohs(a.sin_port);
	return fd;
}

static bool wait_fd(int fd, short events, int timeout_ms)
{
	struct pollfd p = {.fd = fd, .events = events};

	return poll(&p, 1, timeout_ms) == 1;
}

/* One step when the fd has what the probe waits for. */
static enum probe_result step(struct probe *p)
{
	int64_t before = now_ms();
	enum probe_result r;

	assert_true(wait_fd(p->fd, probe_events(p) == EPOLLIN ? POLLIN : POLLOUT, DEADLINE_MS));
	r = probe_step(p);
	assert_true(now_ms() - before < DEADLINE_MS);
	return r;
}

/* Connects and sends the question; returns the server's side of it, the question read. */
static int ask(struct probe *p, struct probe_target *t, int listener, char *request, size_t size)
{
	size_t got = 0;
	int fd;

	assert_int_equal(probe_start(p, t), PROBE_AGAIN);
	assert_int_equal(probe_events(p), EPOLLOUT);
	assert_true(wait_fd(listener, POLLIN, DEADLINE_MS));
	fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(step(p), PROBE_AGAIN);
	assert_int_equal(probe_events(p), EPOLLIN);
	do {
		ssize_t n;

		assert_true(wait_fd(fd, POLLIN, DEADLINE_MS));
		n = recv(fd, request + got, size - 1 - got, 0);
		assert_true(n > 0);
		got += (size_t)n;
		request[got] = '\0';
	} while (!strstr(request, "\r\n\r\n"));
	return fd;
}

static enum probe_result until_done(struct probe *p)
{
	enum probe_result r;

	do
		r = step(p);
	while (r == PROBE_AGAIN);
	return r;
}

/* The whole of it: this answer, then the end of the connection. */
static enum probe_result answer(const char *bytes, size_t len, char *text, size_t size)
{
	unsigned port = 0;
	_cleanup_close_ int listener = listen_on(AF_INET, &port);
	struct probe_target *t = target("http://127.0.0.1:%u/ready", port);
	struct probe p;
	char request[1024];
	enum probe_result r;
	int fd = ask(&p, t, listener, request, sizeof(request));

	assert_int_equal(send(fd, bytes, len, MSG_NOSIGNAL), len);
	shutdown(fd, SHUT_WR);
	r = until_done(&p);
	snprintf(text, size, "%s", p.text);
	probe_close(&p);
	assert_int_equal(p.fd, -1);
	close(fd);
	probe_target_free(t);
	return r;
}

#define ANSWER(bytes, text) answer(bytes, sizeof(bytes) - 1, text, sizeof(text))

static void the_question_is_a_get_of_one_connection(void **state)
{
	static const struct {
		const char *url, *line, *host;
	} cases[] = {
		{"http://127.0.0.1:%u/debug/manifest?a=b", "GET /debug/manifest?a=b HTTP/1.1\r\n",
		 "Host: 127.0.0.1:%u\r\n"},
		{"http://127.0.0.1:%u", "GET / HTTP/1.1\r\n", "Host: 127.0.0.1:%u\r\n"},
		{"http://127.0.0.1:%u?q", "GET /?q HTTP/1.1\r\n", "Host: 127.0.0.1:%u\r\n"},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		unsigned port = 0;
		_cleanup_close_ int listener = listen_on(AF_INET, &port);
		struct probe_target *t = target(cases[i].url, port);
		char request[1024], host[64];
		struct probe p;

		close(ask(&p, t, listener, request, sizeof(request)));
		assert_memory_equal(request, cases[i].line, strlen(cases[i].line));
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		snprintf(host, sizeof(host), cases[i].host, port);
#pragma GCC diagnostic pop
		assert_non_null(strstr(request, host));
		assert_non_null(strstr(request, "\r\nConnection: close\r\n"));
		assert_non_null(
			strstr(request, "\r\nUser-Agent: hakim-init/" HAKIM_VERSION "\r\n"));
		probe_close(&p);
		probe_target_free(t);
	}
}

static void every_2xx_is_ready_and_nothing_else_is(void **state)
{
	char text[200];

	assert_int_equal(ANSWER("HTTP/1.1 200 OK\r\nA: b\r\n\r\nbody", text), PROBE_OK);
	assert_int_equal(ANSWER("HTTP/1.0 204 No Content\r\n\r\n", text), PROBE_OK);
	assert_int_equal(ANSWER("HTTP/1.1 200\r\n\r\n", text), PROBE_OK);
	assert_int_equal(ANSWER("HTTP/1.1 299 \n", text), PROBE_OK);
	assert_int_equal(ANSWER("HTTP/1.1 200 gr\xc3\xbc\xc3\x9f\tdich\r\n", text), PROBE_OK);
	assert_int_equal(ANSWER("HTTP/1.1 500 Internal Server Error\r\n\r\n", text), PROBE_BAD);
	assert_non_null(strstr(text, "/ready: 500"));
	assert_int_equal(strncmp(text, "http://127.0.0.1:", 17), 0);
	assert_int_equal(ANSWER("HTTP/1.1 302 Found\r\n\r\n", text), PROBE_BAD);
	assert_non_null(strstr(text, "/ready: 302"));
	assert_int_equal(ANSWER("HTTP/1.1 199 x\r\n\r\n", text), PROBE_BAD);
	assert_int_equal(ANSWER("HTTP/1.1 401 x\r\n\r\n", text), PROBE_BAD);
}

static void what_is_no_status_line_is_not_ready(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
	} cases[] = {
#define CASE(s) {s, sizeof(s) - 1}
		CASE("\n"),
		CASE("\r\n"),
		CASE("SSH-2.0-OpenSSH_9.2\r\n"),
		CASE("HTTP/1.1 2000 OK\r\n"),
		CASE("HTTP/1.1 20 OK\r\n"),
		CASE("HTTP/1.1  200 OK\r\n"),
		CASE("HTTP/1.1\t200 OK\r\n"),
		CASE("HTTP/1.1 200OK\r\n"),
		CASE("HTTP/2.0 200 OK\r\n"),
		CASE("HTTP/1.11 200 OK\r\n"),
		CASE("http/1.1 200 OK\r\n"),
		CASE(" HTTP/1.1 200 OK\r\n"),
		CASE("\r\nHTTP/1.1 200 OK\r\n"),
		CASE("HTTP/1.1 600 x\r\n"),
		CASE("HTTP/1.1 099 x\r\n"),
		CASE("HTTP/1.1 -20 x\r\n"),
		CASE("HTTP/1.1 200 O\0K\r\n"),
		CASE("HTTP/1.1 200\0\r\n"),
		CASE("HTTP/1.1 200 O\rK\r\n"),
		CASE("HTTP/1.1 200 \x1b[2J\r\n"),
		CASE("\0\0\0\n"),
#undef CASE
	};
	char text[200];

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		if (answer(cases[i].bytes, cases[i].len, text, sizeof(text)) != PROBE_BAD)
			fail_msg("case %zu was taken for ready", i);
		if (!strstr(text, "no HTTP server"))
			fail_msg("case %zu says: %s", i, text);
	}
}

static void an_end_before_the_end_of_the_line_is_not_ready(void **state)
{
	char text[200];

	assert_int_equal(ANSWER("", text), PROBE_BAD);
	assert_non_null(strstr(text, "closed without an answer"));
	assert_int_equal(ANSWER("HTTP/1.1 200 OK", text), PROBE_BAD);
	assert_non_null(strstr(text, "closed without an answer"));
}

static void a_line_that_does_not_end_is_given_up(void **state)
{
	char text[200], flood[4096];

	memset(flood, 'x', sizeof(flood));
	/* NOLINTNEXTLINE(bugprone-not-null-terminated-result): it is not to end */
	memcpy(flood, "HTTP/1.1 200 OK", 15);
	assert_int_equal(answer(flood, sizeof(flood), text, sizeof(text)), PROBE_BAD);
	assert_non_null(strstr(text, "too long"));
	memset(flood, 0, sizeof(flood));
	assert_int_equal(answer(flood, sizeof(flood), text, sizeof(text)), PROBE_BAD);
}

/* The longest that fits is good, one more is not: the limit is exact. */
static void the_longest_line_that_fits_is_read(void **state)
{
	char line[257], text[200];

	memset(line, 'x', sizeof(line));
	/* NOLINTNEXTLINE(bugprone-not-null-terminated-result): it is not to end */
	memcpy(line, "HTTP/1.1 200 ", 13);
	line[255] = '\n';
	assert_int_equal(answer(line, 256, text, sizeof(text)), PROBE_OK);
	line[255] = 'x';
	line[256] = '\n';
	assert_int_equal(answer(line, 257, text, sizeof(text)), PROBE_BAD);
}

static void an_answer_in_single_bytes_is_read_and_no_step_blocks(void **state)
{
	static const char line[] = "HTTP/1.1 201 Created\r\n";
	unsigned port = 0;
	_cleanup_close_ int listener = listen_on(AF_INET, &port);
	struct probe_target *t = target("http://127.0.0.1:%u/", port);
	struct probe p;
	char request[1024];
	int fd = ask(&p, t, listener, request, sizeof(request));

	/* Nothing is there: a step says so, at once and as often as it is asked. */
	for (int i = 0; i < 3; i++)
		assert_int_equal(probe_step(&p), PROBE_AGAIN);
	for (size_t i = 0; i < sizeof(line) - 1; i++) {
		assert_int_equal(send(fd, line + i, 1, MSG_NOSIGNAL), 1);
		assert_int_equal(step(&p), i + 2 == sizeof(line) ? PROBE_OK : PROBE_AGAIN);
	}
	probe_close(&p);
	close(fd);
	probe_target_free(t);
}

static void a_refusal_is_told_as_what_it_is(void **state)
{
	unsigned port = 0;
	_cleanup_close_ int holder = refusing(&port);
	struct probe_target *t = target("http://127.0.0.1:%u/x", port);
	struct probe p;
	enum probe_result r = probe_start(&p, t);

	if (r == PROBE_AGAIN)
		r = until_done(&p);
	assert_int_equal(r, PROBE_BAD);
	assert_non_null(strstr(p.text, "/x: Connection refused"));
	assert_int_equal(p.fd, -1);
	probe_close(&p);
	probe_target_free(t);
}

static void a_reset_is_told_as_what_it_is(void **state)
{
	const struct linger at_once = {.l_onoff = 1};
	unsigned port = 0;
	_cleanup_close_ int listener = listen_on(AF_INET, &port);
	struct probe_target *t = target("http://127.0.0.1:%u/", port);
	struct probe p;
	char request[1024];
	int fd = ask(&p, t, listener, request, sizeof(request));

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	close(fd);
	assert_int_equal(until_done(&p), PROBE_BAD);
	assert_non_null(strstr(p.text, "reset"));
	probe_target_free(t);
}

static void a_step_before_the_connection_stands_waits(void **state)
{
	/* A listener whose queue is full lets the next one wait. */
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	_cleanup_close_ int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t len = sizeof(a);
	struct probe p[4];
	struct probe_target *t;
	unsigned waiting = 0;

	assert_int_equal(bind(listener, (struct sockaddr *)&a, len), 0);
	assert_int_equal(listen(listener, 0), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&a, &len), 0);
	t = target("http://127.0.0.1:%u/", ntohs(a.sin_port));
	for (size_t i = 0; i < ARRAY_LEN(p); i++) {
		assert_int_equal(probe_start(&p[i], t), PROBE_AGAIN);
		assert_int_equal(probe_step(&p[i]), PROBE_AGAIN);
		waiting += probe_events(&p[i]) == EPOLLOUT;
	}
	assert_true(waiting > 0);
	for (size_t i = 0; i < ARRAY_LEN(p); i++)
		probe_close(&p[i]);
	probe_target_free(t);
}

static enum probe_result ask_localhost(int listener, unsigned port, char *host, size_t size)
{
	struct probe_target *t = target("http://localhost:%u/", port);
	enum probe_result r;
	struct probe p;
	int64_t by = now_ms() + DEADLINE_MS;
	char request[1024] = "";
	int fd = -1;

	r = probe_start(&p, t);
	while (r == PROBE_AGAIN && now_ms() < by) {
		struct pollfd wait[] = {
			{.fd = p.fd, .events = probe_events(&p) == EPOLLIN ? POLLIN : POLLOUT},
			{.fd = fd < 0 ? listener : -1, .events = POLLIN},
		};

		assert_true(poll(wait, 2, DEADLINE_MS) > 0);
		if (wait[1].revents) {
			fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
			assert_int_equal(send(fd, "HTTP/1.1 200 OK\r\n", 17, MSG_NOSIGNAL), 17);
		}
		if (wait[0].revents)
			r = probe_step(&p);
	}
	if (fd >= 0) {
		ssize_t n = recv(fd, request, sizeof(request) - 1, 0);
		char *at;

		request[n > 0 ? n : 0] = '\0';
		at = strstr(request, "Host: ");
		snprintf(host, size, "%.*s", at ? (int)strcspn(at, "\r") : 0, at ? at : "");
		close(fd);
	}
	probe_close(&p);
	probe_target_free(t);
	return r;
}

static void localhost_is_both_loopback_addresses(void **state)
{
	unsigned port = 0;
	char host[100] = "", want[100];
	int listener = listen_on(AF_INET, &port);

	/* On 127.0.0.1 only: ::1 refuses (or is not there at all), and the next one is asked. */
	assert_true(listener >= 0);
	assert_int_equal(ask_localhost(listener, port, host, sizeof(host)), PROBE_OK);
	snprintf(want, sizeof(want), "Host: localhost:%u", port);
	assert_string_equal(host, want);
	close(listener);

	port = 0;
	listener = listen_on(AF_INET6, &port);
	if (listener < 0) {
		print_message("no IPv6 here: ::1 alone is not tried\n");
		return;
	}
	assert_int_equal(ask_localhost(listener, port, host, sizeof(host)), PROBE_OK);
	close(listener);
}

static void localhost_without_anybody_is_a_refusal(void **state)
{
	unsigned port = 0;
	_cleanup_close_ int holder = refusing(&port);
	struct probe_target *t = target("http://localhost:%u/", port);
	struct probe p;
	enum probe_result r = probe_start(&p, t);

	if (r == PROBE_AGAIN)
		r = until_done(&p);
	assert_int_equal(r, PROBE_BAD);
	assert_int_equal(p.address, 1);
	assert_non_null(strstr(p.text, "Connection refused"));
	probe_target_free(t);
}

static void a_probe_that_is_closed_early_leaves_no_fd(void **state)
{
	unsigned port = 0;
	_cleanup_close_ int listener = listen_on(AF_INET, &port);
	struct probe_target *t = target("http://127.0.0.1:%u/", port);
	struct probe p;
	int fd;

	assert_int_equal(probe_start(&p, t), PROBE_AGAIN);
	fd = p.fd;
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	probe_close(&p);
	probe_close(&p);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	assert_int_equal(probe_step(&p), PROBE_BAD);
	probe_target_free(t);
}

static void the_reason_is_said_also_for_a_long_url(void **state)
{
	unsigned port = 0;
	_cleanup_close_ int holder = refusing(&port);
	char fmt[600] = "http://127.0.0.1:%u/";
	struct probe_target *t;
	struct probe p;
	enum probe_result r;

	memset(fmt + strlen(fmt), 'x', 150);
	t = target(fmt, port);
	r = probe_start(&p, t);
	if (r == PROBE_AGAIN)
		r = until_done(&p);
	assert_int_equal(r, PROBE_BAD);
	assert_non_null(strstr(p.text, "xxx...: Connection refused"));
	probe_target_free(t);
}

#define NO_NAMESPACE 77

/* In a network of its own, in which the kernel has but one port to give: each connection to it
 * meets itself. */
static int meet_itself(void)
{
	static const char range[] = "40001 40001";
	_cleanup_close_ int link = -1;
	struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
	struct probe_target *t = NULL;
	enum probe_result r;
	struct probe p;
	int fd, ok;

	if (unshare(CLONE_NEWNET) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
		return NO_NAMESPACE;
	link = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	fd = open("/proc/sys/net/ipv4/ip_local_port_range", O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, range, sizeof(range) - 1) < 0 || ioctl(link, SIOCSIFFLAGS, &lo) < 0)
		return NO_NAMESPACE;
	close(fd);
	for (unsigned kind = 0; kind < 2; kind++) {
		if ((kind ? probe_target_tcp("127.0.0.1:40001", &t, NULL)
			  : probe_target_parse("http://127.0.0.1:40001/", &t, NULL)) < 0)
			return 1;
		r = probe_start(&p, t);
		while (r == PROBE_AGAIN && wait_fd(p.fd, POLLIN | POLLOUT, DEADLINE_MS))
			r = probe_step(&p);
		ok = r == PROBE_BAD && strstr(p.text, "Connection refused");
		probe_close(&p);
		probe_target_free(t);
		if (!ok)
			return 2;
	}
	/* … and the port is free at once for the service that is to come. */
	struct sockaddr_in a = {.sin_family = AF_INET,
				.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
				.sin_port = htons(40001)};
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ok = bind(fd, (struct sockaddr *)&a, sizeof(a));
	close(fd);
	return ok == 0 ? 0 : 3;
}

static void a_probe_that_meets_itself_does_not_hold_the_port(void **state)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(meet_itself());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == NO_NAMESPACE)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_question_is_a_get_of_one_connection),
		cmocka_unit_test(every_2xx_is_ready_and_nothing_else_is),
		cmocka_unit_test(what_is_no_status_line_is_not_ready),
		cmocka_unit_test(an_end_before_the_end_of_the_line_is_not_ready),
		cmocka_unit_test(a_line_that_does_not_end_is_given_up),
		cmocka_unit_test(the_longest_line_that_fits_is_read),
		cmocka_unit_test(an_answer_in_single_bytes_is_read_and_no_step_blocks),
		cmocka_unit_test(a_refusal_is_told_as_what_it_is),
		cmocka_unit_test(a_reset_is_told_as_what_it_is),
		cmocka_unit_test(a_step_before_the_connection_stands_waits),
		cmocka_unit_test(localhost_is_both_loopback_addresses),
		cmocka_unit_test(localhost_without_anybody_is_a_refusal),
		cmocka_unit_test(a_probe_that_is_closed_early_leaves_no_fd),
		cmocka_unit_test(a_probe_that_meets_itself_does_not_hold_the_port),
		cmocka_unit_test(the_reason_is_said_also_for_a_long_url),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
