#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "modules/guard/holder.h"

/* A listening socket of our own, at any free port. */
static int listen_on(int family, uint16_t *port)
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} address = {.v6 = {.sin6_family = (sa_family_t)family}};
	socklen_t len = sizeof(address);
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, &address.any, len) < 0 || listen(fd, 1) < 0) {
		close(fd);
		return -1;
	}
	assert_int_equal(getsockname(fd, &address.any, &len), 0);
	*port = ntohs(family == AF_INET ? address.v4.sin_port : address.v6.sin6_port);
	return fd;
}

static void who_listens_is_named(void **state)
{
	struct holder holder;
	uint16_t port = 0;
	int fd = listen_on(AF_INET, &port);

	assert_true(fd >= 0);
	assert_true(holder_find("/proc", port, &holder));
	assert_int_equal(holder.pid, getpid());
	assert_non_null(strstr("test_guard_holder", holder.name));
	close(fd);
	assert_false(holder_find("/proc", port, &holder));
}

static void a_listener_on_ipv6_has_the_port_too(void **state)
{
	struct holder holder;
	uint16_t port = 0;
	int fd = listen_on(AF_INET6, &port);

	if (fd < 0)
		skip();
	assert_true(holder_find("/proc", port, &holder));
	assert_int_equal(holder.pid, getpid());
	close(fd);
}

static void without_the_tables_nobody_is_in_the_way(void **state)
{
	struct holder holder;

	assert_false(holder_find("/nonexistent", 80, &holder));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_listens_is_named),
		cmocka_unit_test(a_listener_on_ipv6_has_the_port_too),
		cmocka_unit_test(without_the_tables_nobody_is_in_the_way),
	};

	return cmocka_run_group_tests_name("guard_holder", tests, NULL, NULL);
}
