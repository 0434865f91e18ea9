/* Probes that only connect, and HTTP over Unix sockets with the status and the body that are
 * wanted: against real sockets, served by the test itself. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <cmocka.h>

#include "common/cleanup.h"
#include "supervisor/probe.h"
#include "supervisor/probe_target.h"

#define DEADLINE_MS 5000

static char dir[64], path[108];

static int dir_make(void **state)
{
	snprintf(dir, sizeof(dir), "/tmp/hakim-test-probe-XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/s", dir);
	return 0;
}

static int dir_remove(void **state)
{
	unlink(path);
	return rmdir(dir);
}

static int listen_unix(const char *at, int type, int queue)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(at));
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	memcpy(to.sun_path, at, strlen(at));
	if (*at == '@')
		to.sun_path[0] = '\0';
	assert_int_equal(bind(fd, (struct sockaddr *)&to, len + (*at == '@' ? 0 : 1)), 0);
	if (type != SOCK_DGRAM)
		assert_int_equal(listen(fd, queue), 0);
	return fd;
}

static int listen_tcp(int family, unsigned *port)
{
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct sockaddr *to = family == AF_INET ? (struct sockaddr *)&v4 : (struct sockaddr *)&v6;
	socklen_t len = family == AF_INET ? sizeof(v4) : sizeof(v6);
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	if (bind(fd, to, len) < 0 || listen(fd, 4) < 0) {
		close(fd);
		return -1;
	}
	assert_int_equal(getsockname(fd, to, &len), 0);
	*port = ntohs(family == AF_INET ? v4.sin_port : v6.sin6_port);
	return fd;
}

/* All of a probe; the target is freed. */
static enum probe_result run(struct probe *p, struct probe_target *t)
{
	enum probe_result r = probe_start(p, t);

	while (r == PROBE_AGAIN) {
		struct pollfd fd = {.fd = p->fd,
				    .events = probe_events(p) == EPOLLIN ? POLLIN : POLLOUT};

		assert_int_equal(poll(&fd, 1, DEADLINE_MS), 1);
		r = probe_step(p);
	}
	assert_int_equal(p->fd, -1);
	assert_null(p->body);
	probe_target_free(t);
	return r;
}

static struct probe_target *unix_target(const char *at)
{
	struct probe_target *t = NULL;
	struct err err = {0};

	if (probe_target_unix(at, &t, &err) < 0)
		fail_msg("%s: %s", at, err.text);
	return t;
}

static struct probe_target *tcp_target(const char *text)
{
	struct probe_target *t = NULL;
	struct err err = {0};

	if (probe_target_tcp(text, &t, &err) < 0)
		fail_msg("%s: %s", text, err.text);
	return t;
}

static void every_kind_of_unix_socket_is_found(void **state)
{
	static const int types[] = {SOCK_STREAM, SOCK_SEQPACKET, SOCK_DGRAM};
	struct probe p;

	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		int fd = listen_unix(path, types[i], 4);

		assert_int_equal(run(&p, unix_target(path)), PROBE_OK);
		assert_non_null(strstr(p.text, "/s: connected"));
		close(fd);
		/* The file of a server that has gone. */
		assert_int_equal(run(&p, unix_target(path)), PROBE_BAD);
		assert_non_null(strstr(p.text, "/s: Connection refused"));
		unlink(path);
	}
	assert_int_equal(run(&p, unix_target(path)), PROBE_BAD);
	assert_non_null(strstr(p.text, "/s: No such file"));
}

static void an_abstract_socket_is_found(void **state)
{
	char name[108];
	struct probe p;
	int fd;

	snprintf(name, sizeof(name), "@%s", dir);
	assert_int_equal(run(&p, unix_target(name)), PROBE_BAD);
	fd = listen_unix(name, SOCK_STREAM, 4);
	assert_int_equal(run(&p, unix_target(name)), PROBE_OK);
	close(fd);
}

static void a_queue_that_is_full_is_no_success(void **state)
{
	_cleanup_close_ int fd = listen_unix(path, SOCK_STREAM, 0);
	struct probe p;
	unsigned i = 0;

	/* What is connected once is in the queue, for as long as the server does not accept: hold
	 * them. */
	while (i < 64 && run(&p, unix_target(path)) == PROBE_OK) {
		struct sockaddr_un to = {.sun_family = AF_UNIX};
		int client = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

		memcpy(to.sun_path, path, strlen(path));
		if (connect(client, (struct sockaddr *)&to, sizeof(to)) < 0)
			assert_int_equal(errno, EAGAIN);
		close(client);
		i++;
	}
	assert_in_range(i, 0, 8);
	assert_non_null(strstr(p.text, "its queue is full"));
}

static void a_port_is_found_by_both_protocols(void **state)
{
	char text[64];
	unsigned port = 0;
	struct probe p;
	int fd = listen_tcp(AF_INET, &port);

	assert_true(fd >= 0);
	snprintf(text, sizeof(text), "127.0.0.1:%u", port);
	assert_int_equal(run(&p, tcp_target(text)), PROBE_OK);
	snprintf(text, sizeof(text), "localhost:%u", port);
	assert_int_equal(run(&p, tcp_target(text)), PROBE_OK);
	close(fd);
	snprintf(text, sizeof(text), "127.0.0.1:%u", port);
	assert_int_equal(run(&p, tcp_target(text)), PROBE_BAD);
	assert_non_null(strstr(p.text, ": Connection refused"));
	fd = listen_tcp(AF_INET6, &port);
	if (fd < 0)
		skip(); /* no IPv6 here */
	snprintf(text, sizeof(text), "[::1]:%u", port);
	assert_int_equal(run(&p, tcp_target(text)), PROBE_OK);
	close(fd);
}

static void only_good_texts_are_taken(void **state)
{
	static const char *const tcp[] = {"127.0.0.1",     "127.0.0.1:0", "[::1]",  "host:80",
					  "127.0.0.1:80/", ":80",         "80",     "",
					  "1.2.3.4:x",     "a b:1",       "[::1:80"};
	static const char *const sockets[] = {"", "/", "@", "run/x", "http://x"};
	static const char *const urls[] = {"http+unix:///", "http+unix://x.sock:/",
					   "http+unix:///x.sock:y", "http+unix:///x.sock:/#a",
					   "http+unix:///x y:/"};
	static const char *const statuses[] = {"",        "99", "600",  "6xx",  "2x",      "200-",
					       "300-200", "20", "2000", "-200", "200,204", "0xx"};
	struct probe_target *t = NULL;
	char longer[200] = "/";

	for (size_t i = 0; i < ARRAY_LEN(tcp); i++)
		if (probe_target_tcp(tcp[i], &t, NULL) == 0)
			fail_msg("\"%s\" is taken", tcp[i]);
	for (size_t i = 0; i < ARRAY_LEN(sockets); i++)
		if (probe_target_unix(sockets[i], &t, NULL) == 0)
			fail_msg("\"%s\" is taken", sockets[i]);
	for (size_t i = 0; i < ARRAY_LEN(urls); i++)
		if (probe_target_parse(urls[i], &t, NULL) == 0)
			fail_msg("\"%s\" is taken", urls[i]);
	for (size_t i = 0; i < ARRAY_LEN(statuses); i++)
		if (probe_statuses_check(statuses[i], NULL) == 0)
			fail_msg("\"%s\" is taken", statuses[i]);
	memset(longer + 1, 'x', sizeof(longer) - 2);
	assert_int_equal(probe_target_unix(longer, &t, NULL), -ENAMETOOLONG);
	assert_int_equal(probe_statuses_check("200 3xx 400-403 599", NULL), 0);
}

/* ---- HTTP by a Unix socket ---- */

/* What the probe says of this answer; *request is what it asked. */
static enum probe_result ask(const char *statuses, const char *body, const char *reply, size_t len,
			     struct probe *p, char request[1024])
{
	_cleanup_close_ int listener = listen_unix(path, SOCK_STREAM, 4);
	struct probe_target *t = NULL;
	enum probe_result r;
	struct err err = {0};
	char url[160];
	ssize_t n;
	int fd;

	snprintf(url, sizeof(url), "http+unix://%s:/_ping?x=1", path);
	if (probe_target_http(url, statuses, body, &t, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(probe_start(p, t), PROBE_AGAIN);
	assert_int_equal(probe_step(p), PROBE_AGAIN);
	fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	assert_true(fd >= 0);
	n = recv(fd, request, 1023, 0);
	assert_true(n > 0);
	request[n] = '\0';
	/* In two parts, the connection held open after it where the length is told. */
	assert_int_equal(send(fd, reply, len / 2, 0), len / 2);
	r = probe_step(p);
	if (r == PROBE_AGAIN) {
		assert_int_equal(send(fd, reply + len / 2, len - len / 2, 0), len - len / 2);
		r = probe_step(p);
	}
	if (r == PROBE_AGAIN) {
		assert_null(strstr(reply, "Content-Length: 2"));
		shutdown(fd, SHUT_WR);
		r = probe_step(p);
	}
	assert_int_not_equal(r, PROBE_AGAIN);
	close(fd);
	probe_target_free(t);
	unlink(path);
	return r;
}

#define REPLY(statuses, body, text) ask(statuses, body, text, sizeof(text) - 1, &p, request)

static void http_by_a_unix_socket_asks_for_the_path(void **state)
{
	char request[1024];
	struct probe p;

	assert_int_equal(REPLY(NULL, NULL, "HTTP/1.1 200 OK\r\n\r\n"), PROBE_OK);
	assert_int_equal(strncmp(request, "GET /_ping?x=1 HTTP/1.1\r\nHost: localhost\r\n", 42), 0);
	assert_non_null(strstr(p.text, ": 200"));
	/* No chunks where the body is looked at. */
	assert_int_equal(REPLY(NULL, "ok", "HTTP/1.1 200 OK\r\n\r\nok"), PROBE_OK);
	assert_int_equal(strncmp(request, "GET /_ping?x=1 HTTP/1.0\r\n", 25), 0);
}

static void the_status_must_be_one_that_is_wanted(void **state)
{
	char request[1024];
	struct probe p;

	assert_int_equal(REPLY("204 3xx", NULL, "HTTP/1.1 204 x\r\n\r\n"), PROBE_OK);
	assert_int_equal(REPLY("204 3xx", NULL, "HTTP/1.1 307 x\r\n\r\n"), PROBE_OK);
	assert_int_equal(REPLY("204 3xx", NULL, "HTTP/1.1 200 x\r\n\r\n"), PROBE_BAD);
	assert_int_equal(REPLY("401-403", NULL, "HTTP/1.1 402 x\r\n\r\n"), PROBE_OK);
	assert_int_equal(REPLY("401-403", NULL, "HTTP/1.1 404 x\r\n\r\n"), PROBE_BAD);
	assert_non_null(strstr(p.text, ": 404"));
	assert_int_equal(REPLY("100 599", NULL, "HTTP/1.1 599 x\r\n\r\n"), PROBE_OK);
	assert_int_equal(REPLY("100 599", NULL, "HTTP/1.1 100 x\r\n\r\n"), PROBE_OK);
}

static void the_body_must_match_as_a_whole(void **state)
{
	char request[1024];
	struct probe p;

	/* The header is no body. */
	assert_int_equal(REPLY(NULL, "ready", "HTTP/1.1 200 OK\r\nX: ready\r\n\r\nno"), PROBE_BAD);
	assert_non_null(strstr(p.text, ": 200, but with another body"));
	assert_int_equal(REPLY(NULL, "ready", "HTTP/1.1 200 OK\nX: y\n\nis ready"), PROBE_OK);
	assert_int_equal(REPLY(NULL, "/^ok$/", "HTTP/1.1 200 OK\r\n\r\nokay"), PROBE_BAD);
	assert_int_equal(REPLY(NULL, "/^ok$/", "HTTP/1.1 200 OK\r\n\r\nhm\nok\n"), PROBE_OK);
	/* A length that is told ends it, and what comes behind is none of it. */
	assert_int_equal(REPLY(NULL, "/^ok$/", "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nokay"),
			 PROBE_OK);
	assert_int_equal(REPLY(NULL, "okay", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokay"),
			 PROBE_BAD);
	/* The status comes first, and no header at all is no body. */
	assert_int_equal(REPLY(NULL, "ok", "HTTP/1.1 500 OK\r\n\r\nok"), PROBE_BAD);
	assert_int_equal(REPLY(NULL, "ok", "HTTP/1.1 200 OK\r\nX: ok"), PROBE_BAD);
	assert_int_equal(REPLY(NULL, "o", "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\no"),
			 PROBE_OK);
}

/* A server that never stops is not listened to for ever. */
static void a_body_is_read_up_to_a_limit(void **state)
{
	static char reply[20000] = "HTTP/1.1 200 OK\r\n\r\n";
	size_t head = strlen(reply);
	char request[1024];
	struct probe p;

	memset(reply + head, 'x', sizeof(reply) - head);
	for (size_t i = 0; i < 5; i++) {
		reply[15000 + i] = "early"[i];
		reply[19000 + i] = "later"[i];
	}
	assert_int_equal(ask(NULL, "early", reply, sizeof(reply), &p, request), PROBE_OK);
	assert_int_equal(ask(NULL, "later", reply, sizeof(reply), &p, request), PROBE_BAD);
}

static void an_answer_of_any_bytes_is_judged_without_harm(void **state)
{
	struct probe_target *t = NULL;
	static const char any[8] = {0, 1, '\n', '\r', ' ', 0x7f, 'x', '5'};
	char bytes[600];
	int status;

	assert_int_equal(probe_target_http("http://127.0.0.1/", "2xx 5xx", "/a+b/", &t, NULL), 0);
	srand(1);
	for (unsigned i = 0; i < 20000; i++) {
		static const char parts[] = "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nab";
		size_t len = (size_t)rand() % sizeof(bytes);

		for (size_t k = 0; k < len; k++)
			bytes[k] = parts[k % (sizeof(parts) - 1)];
		for (size_t k = (size_t)rand() % 16; k < len; k += 1 + (size_t)rand() % 16)
			bytes[k] = any[rand() % 8];
		(void)probe_answer_judge(t, bytes, len, i % 2, &status);
		assert_true(status == 0 || (status >= 100 && status <= 599));
	}
	probe_target_free(t);
}

#define WITH(name) cmocka_unit_test_setup_teardown(name, dir_make, dir_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH(every_kind_of_unix_socket_is_found),
		WITH(an_abstract_socket_is_found),
		WITH(a_queue_that_is_full_is_no_success),
		cmocka_unit_test(a_port_is_found_by_both_protocols),
		cmocka_unit_test(only_good_texts_are_taken),
		WITH(http_by_a_unix_socket_asks_for_the_path),
		WITH(the_status_must_be_one_that_is_wanted),
		WITH(the_body_must_match_as_a_whole),
		WITH(a_body_is_read_up_to_a_limit),
		cmocka_unit_test(an_answer_of_any_bytes_is_judged_without_harm),
	};

	return cmocka_run_group_tests_name("probe connect", tests, NULL, NULL);
}
