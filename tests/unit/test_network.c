/* Routes, addresses and name servers, out of the tables of a machine that is made of files. */
#include "tests/unit/unit_help.h"

#include "common/network.h"

#define ROUTE6                                                                     \
	"fd000000000000000000000000000001 40 00000000000000000000000000000000 00 " \
	"00000000000000000000000000000000 00000100 00000001 00000000 00000001     eth0\n"
#define DEFAULT6                                                                   \
	"00000000000000000000000000000000 00 00000000000000000000000000000000 00 " \
	"fe800000000000000000000000000001 00000400 00000001 00000000 00000003     eth0\n"
#define UNREACHABLE6                                                               \
	"00000000000000000000000000000000 00 00000000000000000000000000000000 00 " \
	"00000000000000000000000000000000 ffffffff 00000001 00000000 00200200       lo\n"

/* So many routes before the last line: more than is read at a time. */
#define ROUTES 300

static void a_default_route_behind_a_long_table_is_seen(void **state)
{
	static char text[(ROUTES + 1) * (sizeof(ROUTE6) - 1) + sizeof(DEFAULT6)];
	size_t len = 0;

	for (int i = 0; i < ROUTES; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s", ROUTE6);
	len += (size_t)snprintf(text + len, sizeof(text) - len, "%s", UNREACHABLE6);
	machine_file("/proc/net/ipv6_route", text);
	assert_false(network_has_route(root));
	snprintf(text + len, sizeof(text) - len, "%s", DEFAULT6);
	machine_file("/proc/net/ipv6_route", text);
	assert_true(network_has_route(root));
}

static void a_default_route_of_ipv4_is_seen(void **state)
{
	assert_false(network_has_route(root));
	machine_file("/proc/net/route",
		     "Iface\tDestination\tGateway\tFlags\neth0\t0000A8C0\t00000000\t0001\n");
	assert_false(network_has_route(root));
	machine_file("/proc/net/route",
		     "Iface\tDestination\tGateway\tFlags\neth0\t00000000\t0100A8C0\t0003\n");
	assert_true(network_has_route(root));
}

static void a_name_server_is_seen_also_without_a_last_line_break(void **state)
{
	assert_int_equal(network_has_server(root), -ENOENT);
	machine_file("/etc/resolv.conf", "# nameserver 1.1.1.1\nsearch x\n");
	assert_int_equal(network_has_server(root), 0);
	machine_file("/etc/resolv.conf", "search x\nnameserver 9.9.9.9");
	assert_int_equal(network_has_server(root), 1);
}

static void a_line_without_an_end_ends_nothing(void **state)
{
	static char text[20000];

	memset(text, 'x', sizeof(text) - 1);
	machine_file("/etc/resolv.conf", text);
	assert_int_equal(network_has_server(root), 0);
	snprintf(text + 15000, sizeof(text) - 15000, "\nnameserver 1\n");
	machine_file("/etc/resolv.conf", text);
	assert_int_equal(network_has_server(root), 1);
}

#define WITH(test) cmocka_unit_test_setup_teardown(test, files_make, files_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH(a_default_route_behind_a_long_table_is_seen),
		WITH(a_default_route_of_ipv4_is_seen),
		WITH(a_name_server_is_seen_also_without_a_last_line_break),
		WITH(a_line_without_an_end_ends_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
