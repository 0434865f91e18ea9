/*
 * test_fdstore.c - what a message says about stored fds, and the directives.
 */
#include "supervisor/fdstore.h"
#include "tests/unit/unit_help.h"

static void check(const char *text, bool store, bool remove, bool poll, const char *name)
{
	struct fdstore_request request = fdstore_parse(text);

	assert_int_equal(request.store, store);
	assert_int_equal(request.remove, remove);
	assert_int_equal(request.poll, poll);
	if (!name) {
		assert_null(request.name);
		return;
	}
	assert_int_equal(request.name_len, strlen(name));
	assert_memory_equal(request.name, name, strlen(name));
}

static void a_message_stores_and_removes_by_its_whole_lines(void **state)
{
	check("", false, false, true, NULL);
	check("READY=1\nSTATUS=FDSTORE=1", false, false, true, NULL);
	check("FDSTORE=1", true, false, true, NULL);
	check("FDSTORE=1\nFDNAME=one\nREADY=1", true, false, true, "one");
	check("FDNAME=one\nFDPOLL=0\nFDSTORE=1\n", true, false, false, "one");
	check("FDSTOREREMOVE=1\nFDNAME=x", false, true, true, "x");
	check("FDSTORE=11", false, false, true, NULL);
	check("FDSTORE=0", false, false, true, NULL);
	check("FDPOLL=1\nFDSTORE=1", true, false, true, NULL);
}

static void a_bad_name_is_none(void **state)
{
	char text[400] = "FDSTORE=1\nFDNAME=";

	check("FDSTORE=1\nFDNAME=a:b", true, false, true, NULL);
	check("FDSTORE=1\nFDNAME=a\tb", true, false, true, NULL);
	check("FDSTORE=1\nFDNAME=", true, false, true, NULL);
	memset(text + strlen(text), 'n', 255);
	assert_int_equal(fdstore_parse(text).name_len, 255);
	text[strlen(text)] = 'n';
	assert_null(fdstore_parse(text).name);
}

static void the_directives_are_read(void **state)
{
	load_service("FileDescriptorStoreMax=8\nFileDescriptorStorePreserve=yes\n"
		     "OpenFile=/etc/hosts:hosts:read-only,graceful\nOpenFile=/etc/passwd");
	assert_int_equal(unit->fd_store_max, 8);
	assert_int_equal(unit->fd_store_preserve, FD_STORE_PRESERVE_YES);
	assert_int_equal(unit->open_files.n, 2);
	load_service("");
	assert_int_equal(unit->fd_store_max, 0);
	assert_int_equal(unit->fd_store_preserve, FD_STORE_PRESERVE_RESTART);
	refuse_service("FileDescriptorStoreMax=513", "FileDescriptorStoreMax");
	refuse_service("FileDescriptorStorePreserve=maybe", "none of no, restart, yes");
	refuse_service("OpenFile=relative", "not an absolute path");
	refuse_service("OpenFile=/a:b:write", "none of read-only");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_message_stores_and_removes_by_its_whole_lines),
		TEST(a_bad_name_is_none),
		TEST(the_directives_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
