#include <arpa/inet.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "modules/openclaw-node/connection.h"
#include "modules/openclaw-node/reach.h"

struct gateway {
	struct sockaddr_in address;
	uint16_t port;
	int fd;
};

static void gateway_open(struct gateway *g)
{
	socklen_t len = sizeof(g->address);

	g->address = (struct sockaddr_in){.sin_family = AF_INET,
					  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	g->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(g->fd, (struct sockaddr *)&g->address, len), 0);
	assert_int_equal(listen(g->fd, 4), 0);
	assert_int_equal(getsockname(g->fd, (struct sockaddr *)&g->address, &len), 0);
	g->port = ntohs(g->address.sin_port);
}

static int gateway_connect(const struct gateway *g)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(connect(fd, (const struct sockaddr *)&g->address, sizeof(g->address)), 0);
	return fd;
}

static void a_connection_counts_while_it_is_established(void **state)
{
	struct gateway g;
	int here, there;

	gateway_open(&g);
	assert_false(openclaw_connection_has("/proc", getpid(), g.port));
	here = gateway_connect(&g);
	there = accept4(g.fd, NULL, NULL, SOCK_CLOEXEC);
	assert_true(openclaw_connection_has("/proc", getpid(), g.port));
	assert_false(openclaw_connection_has("/proc", getpid(), (uint16_t)(g.port ^ 1)));
	/* The other end has closed: it is in CLOSE_WAIT, and our fd is still there. */
	close(there);
	for (int i = 0; i < 200 && openclaw_connection_has("/proc", getpid(), g.port); i++)
		usleep(10000);
	assert_false(openclaw_connection_has("/proc", getpid(), g.port));
	close(here);
	close(g.fd);
}

static void that_of_a_child_counts_and_that_of_a_stranger_does_not(void **state)
{
	struct gateway g;
	int pipes[2], here;
	char byte;
	pid_t pid;

	gateway_open(&g);
	assert_int_equal(pipe(pipes), 0);
	pid = fork();
	if (pid == 0) {
		gateway_connect(&g);
		if (write(pipes[1], "x", 1) != 1)
			_exit(1);
		pause();
		_exit(0);
	}
	assert_int_equal(read(pipes[0], &byte, 1), 1);
	assert_true(openclaw_connection_has("/proc", getpid(), g.port));
	assert_true(openclaw_connection_has("/proc", pid, g.port));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	pid = fork();
	if (pid == 0) {
		pause();
		_exit(0);
	}
	here = gateway_connect(&g);
	assert_true(openclaw_connection_has("/proc", getpid(), g.port));
	assert_false(openclaw_connection_has("/proc", pid, g.port));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(here);
	close(g.fd);
	close(pipes[0]);
	close(pipes[1]);
}

static void a_gateway_that_is_not_there_is_told(void **state)
{
	struct gateway g;
	struct err err = {0};

	gateway_open(&g);
	assert_int_equal(openclaw_reach("127.0.0.1", g.port, &err), 0);
	close(g.fd);
	assert_true(openclaw_reach("127.0.0.1", g.port, &err) < 0);
	assert_non_null(strstr(err.text, "is not reached: Connection refused"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_connection_counts_while_it_is_established),
		cmocka_unit_test(that_of_a_child_counts_and_that_of_a_stranger_does_not),
		cmocka_unit_test(a_gateway_that_is_not_there_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
