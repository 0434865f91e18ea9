/*
 * test_socket.c - .socket units: their addresses, their rules, and how they are bound.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "supervisor/socket.h"
#include "tests/unit/unit_help.h"

static void load_socket(const char *lines)
{
	char text[2048], path[256];

	unit_free(unit);
	problems_free(&problems);
	snprintf(text, sizeof(text), "[Socket]\n%s\n", lines);
	put(first, "x.socket", text);
	snprintf(path, sizeof(path), "%s/x.socket", first);
	assert_int_equal(unit_load_file(path, &unit, &problems, NULL), 0);
}

static void refuse_socket(const char *lines, const char *says)
{
	load_socket(lines);
	if (unit)
		fail_msg("it was taken: %s", lines);
	assert_said(says, true);
}

static void an_address_is_a_path_a_name_a_port_or_host_and_port(void **state)
{
	static const struct {
		const char *text, *printed;
		sa_family_t family;
		bool any;
	} good[] = {
		{"/run/x.sock", "unix", AF_UNIX, false},
		{"@name", "unix", AF_UNIX, false},
		{"80", "[::]:80", AF_INET6, true},
		{"127.0.0.1:8080", "127.0.0.1:8080", AF_INET, false},
		{"[::1]:443", "[::1]:443", AF_INET6, false},
		{"[fe80::1%1]:65535", "[fe80::1]:65535", AF_INET6, false},
	};
	struct socket_address address;
	char text[64];

	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		assert_int_equal(socket_address_parse(good[i].text, &address, NULL), 0);
		assert_int_equal(address.storage.ss_family, good[i].family);
		assert_int_equal(address.any, good[i].any);
		socket_address_print(&address.storage, address.len, text, sizeof(text));
		assert_string_equal(text, good[i].printed);
	}
}

static void what_is_no_address_is_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"@",
		"0",
		"65536",
		"http",
		"-1",
		"host:80",
		"1.2.3:80",
		"1.2.3.4:",
		"1.2.3.4:x",
		"[::1]",
		"[::1]80",
		"[::1:80",
		"[:::1]:80",
		"[::1%]:80",
		"vsock::1",
		"relative",
		"/run/../x",
		"[fe80::1%no-such-interface]:1",
	};
	char too_long[256];
	struct socket_address address;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct err err = {0};

		if (socket_address_parse(bad[i], &address, &err) == 0)
			fail_msg("\"%s\" was taken", bad[i]);
		assert_true(err.text[0]);
	}
	memset(too_long, 'a', sizeof(too_long));
	too_long[0] = '/';
	too_long[sizeof(too_long) - 1] = '\0';
	assert_int_equal(socket_address_parse(too_long, &address, NULL), -ENAMETOOLONG);
	/* The longest that fits, with its NUL. */
	too_long[107] = '\0';
	assert_int_equal(socket_address_parse(too_long, &address, NULL), 0);
	assert_int_equal(address.len, sizeof(struct sockaddr_un));
}

static void a_socket_is_read_with_systemds_defaults(void **state)
{
	load_socket("ListenStream=/run/a\nListenDatagram=@b\nListenFIFO=/run/c\n"
		    "SocketMode=0600\nFileDescriptorName=one\nNoDelay=yes\nIPTOS=low-delay\n"
		    "KeepAliveTimeSec=1min\nReceiveBuffer=8K\nBindIPv6Only=both\nTimestamping=us\n"
		    "Symlinks=\nBacklog=5");
	assert_non_null(unit);
	assert_int_equal(unit->socket->n, 3);
	assert_int_equal(unit->socket->v[0].kind, SOCKET_STREAM);
	assert_int_equal(unit->socket->v[1].kind, SOCKET_DATAGRAM);
	assert_int_equal(unit->socket->v[2].kind, SOCKET_FIFO);
	assert_string_equal(unit->socket->v[2].address, "/run/c");
	assert_int_equal(unit->socket->mode, 0600);
	assert_int_equal(unit->socket->directory_mode, 0755);
	assert_int_equal(unit->socket->backlog, 5);
	assert_int_equal(unit->socket->options[OPTION_NO_DELAY], 1);
	assert_int_equal(unit->socket->options[OPTION_IP_TOS], 0x10);
	assert_int_equal(unit->socket->options[OPTION_KEEP_ALIVE_TIME], 60);
	assert_int_equal(unit->socket->options[OPTION_RECEIVE_BUFFER], 8192);
	assert_int_equal(unit->socket->options[OPTION_TIMESTAMP], 1);
	assert_int_equal(unit->socket->options[OPTION_MARK], -1);
	assert_int_equal(unit->socket->ipv6_only, IPV6_ONLY_NO);
	assert_int_equal(unit->socket->trigger_burst, 20);
	assert_int_equal(unit->socket->trigger_interval_usec, 2 * USEC_PER_SEC);
	assert_int_equal(unit->socket->max_connections, 64);
	assert_string_equal(unit->socket->fd_name, "one");
	assert_int_equal(problems.n, 0);
}

static void a_socket_comes_before_its_service(void **state)
{
	char name[UNIT_NAME_MAX];

	load_socket("ListenStream=80");
	assert_true(strv_has(&unit->before, "x.service"));
	load_socket("ListenStream=80\nService=y.service");
	assert_true(strv_has(&unit->before, "y.service"));
	assert_int_equal(socket_service_name(unit, name), 0);
	assert_string_equal(name, "y.service");
}

static void an_empty_address_of_any_kind_takes_all_back(void **state)
{
	load_socket("ListenStream=nonsense\nListenDatagram=\nListenStream=80");
	assert_non_null(unit);
	assert_int_equal(unit->socket->n, 1);
}

static void directives_about_commands_of_a_socket_are_noted(void **state)
{
	load_socket("ListenStream=80\nRuntimeDirectory=x\nKillMode=process\nNoSuch=1");
	assert_non_null(unit);
	assert_said("RuntimeDirectory: has no effect here", false);
	assert_said("KillMode: has no effect here", false);
	assert_said("NoSuch: unknown directive in [Socket]", false);
}

static void with_accept_its_service_is_a_template(void **state)
{
	char name[UNIT_NAME_MAX];

	load_socket("ListenStream=80\nAccept=yes\nMaxConnections=3");
	assert_non_null(unit);
	assert_int_equal(socket_service_name(unit, name), 0);
	assert_string_equal(name, "x@.service");
	assert_int_equal(unit->socket->max_connections, 3);
	assert_int_equal(unit->socket->trigger_burst, 200);
	assert_int_equal(unit->before.n, 0);
	refuse_socket("ListenStream=80\nAccept=yes\nService=y.service", "not for Accept=yes");
	refuse_socket("ListenDatagram=80\nAccept=yes", "ListenSequentialPacket= only");
	refuse_socket("ListenFIFO=/run/f\nAccept=yes", "ListenSequentialPacket= only");
}

static void what_is_no_good_socket_is_refused(void **state)
{
	refuse_socket("", "needs a ListenStream=");
	refuse_socket("ListenStream=host:80", "names are not looked up");
	refuse_socket("ListenStream=vsock:2:80", "AF_VSOCK");
	refuse_socket("ListenSequentialPacket=80", "Unix sockets only");
	refuse_socket("ListenFIFO=relative", "not an absolute path");
	refuse_socket("ListenStream=80\nSymlinks=/run/l", "exactly one path");
	refuse_socket("ListenStream=80\nSocketMode=0999", "no mode");
	refuse_socket("ListenStream=80\nService=x.socket", "no name of a service");
	refuse_socket("ListenStream=80\nFileDescriptorName=a:b", "no name of an fd");
	refuse_socket("ListenStream=80\nBindIPv6Only=x", "none of default");
	refuse_socket("ListenNetlink=kobject-uevent", "cannot be left out");
	refuse_socket("ListenStream=80\nExecStartPre=/bin/true", "would not be run");
}

static void a_service_may_name_more_sockets(void **state)
{
	load_service("Sockets=a.socket b.socket\nNonBlocking=yes\nStandardInput=socket");
	assert_int_equal(unit->sockets.n, 2);
	assert_true(strv_has(&unit->wants, "b.socket"));
	assert_true(strv_has(&unit->after, "b.socket"));
	assert_true(unit->non_blocking);
	assert_int_equal(unit->log.in.kind, STDIO_SOCKET);
	load_service("StandardInput=tty");
	assert_said("it is /dev/null", false);
	assert_int_equal(unit->log.in.kind, STDIO_NULL);
	refuse_service("Sockets=a.service", "no name of a socket");
}

static int open_first(const char *lines)
{
	struct err note = {0}, err = {0};
	int fd;

	load_socket(lines);
	assert_non_null(unit);
	fd = socket_open(unit->socket, 0, &note, &err);
	if (fd < 0)
		print_message("%s\n", err.text);
	return fd;
}

static char *line_of(const char *directive, const char *name)
{
	static char line[256];

	snprintf(line, sizeof(line), "%s=%s/%s\nSocketMode=0620\nRemoveOnStop=yes", directive, root,
		 name);
	return line;
}

static void a_left_over_is_bound_anew_and_a_live_one_is_not(void **state)
{
	char *line = line_of("ListenStream", "deep/s");
	char path[128];
	struct stat st;
	int fd = open_first(line);

	assert_true(fd >= 0);
	snprintf(path, sizeof(path), "%s/deep/s", root);
	assert_int_equal(lstat(path, &st), 0);
	assert_true(S_ISSOCK(st.st_mode));
	assert_int_equal(st.st_mode & 07777, 0620);
	assert_int_equal(open_first(line), -EADDRINUSE);
	close(fd);
	fd = open_first(line);
	assert_true(fd >= 0);
	close(fd);
	socket_files_remove(unit->socket);
	assert_int_equal(lstat(path, &st), -1);
}

static void a_file_that_is_no_socket_is_left_as_it_is(void **state)
{
	char path[128];
	struct stat st;

	put(root, "plain", "text");
	assert_int_equal(open_first(line_of("ListenStream", "plain")), -EADDRINUSE);
	assert_int_equal(open_first(line_of("ListenFIFO", "plain")), -EEXIST);
	socket_files_remove(unit->socket);
	snprintf(path, sizeof(path), "%s/plain", root);
	assert_int_equal(lstat(path, &st), 0);
	assert_int_equal(st.st_size, 4);
}

static void a_fifo_has_its_mode_and_is_taken_again(void **state)
{
	char *line = line_of("ListenFIFO", "f");
	char path[128];
	struct stat st;
	int fd = open_first(line);

	assert_true(fd >= 0);
	snprintf(path, sizeof(path), "%s/f", root);
	assert_int_equal(lstat(path, &st), 0);
	assert_true(S_ISFIFO(st.st_mode));
	assert_int_equal(st.st_mode & 07777, 0620);
	close(fd);
	fd = open_first(line);
	assert_true(fd >= 0);
	close(fd);
}

static void options_reach_the_socket(void **state)
{
	int fd = open_first("ListenStream=127.0.0.1:47311\nKeepAlive=yes\nNoDelay=yes\n"
			    "ReceiveBuffer=64K");
	int value = 0;
	socklen_t len = sizeof(value);

	assert_true(fd >= 0);
	assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &value, &len), 0);
	assert_int_equal(value, 1);
	assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &value, &len), 0);
	assert_int_equal(value, 1);
	assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &value, &len), 0);
	assert_true(value >= 64 * 1024);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_address_is_a_path_a_name_a_port_or_host_and_port),
		TEST(what_is_no_address_is_refused),
		TEST(a_socket_is_read_with_systemds_defaults),
		TEST(a_socket_comes_before_its_service),
		TEST(an_empty_address_of_any_kind_takes_all_back),
		TEST(directives_about_commands_of_a_socket_are_noted),
		TEST(with_accept_its_service_is_a_template),
		TEST(what_is_no_good_socket_is_refused),
		TEST(a_service_may_name_more_sockets),
		TEST(a_left_over_is_bound_anew_and_a_live_one_is_not),
		TEST(a_file_that_is_no_socket_is_left_as_it_is),
		TEST(a_fifo_has_its_mode_and_is_taken_again),
		TEST(options_reach_the_socket),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
