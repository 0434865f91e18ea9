/* How directories, drop-ins, links and masks make up the set of units. */
#include "tests/unit/unit_help.h"

#define GOOD "[Service]\nExecStart=/bin/true\n"

static void names_of_units_are_checked(void **state)
{
	static const char *const good[] = {"a.service", "a-b_c:d\\x2d.service", "a@b.service",
					   "x.target", "a.b.socket"};
	static const char *const bad[] = {
		"",
		".service",
		"a",
		"a.foo",
		"a b.service",
		"a/b.service",
		"@a.service",
		"ä.service",
		".a.service",
		"a123456789012345678901234567890123456789012345678901234567.service",
	};

	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_true(unit_name_valid(good[i]));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (unit_name_valid(bad[i]))
			fail_msg("\"%s\" is taken", bad[i]);
	assert_true(
		unit_name_valid("a12345678901234567890123456789012345678901234567890123.service"));
}

static void units_come_in_order_of_name_and_the_first_directory_wins(void **state)
{
	put(first, "b.service", GOOD "[Unit]\nDescription=first");
	put(second, "b.service", GOOD "[Unit]\nDescription=second");
	put(second, "a.service", GOOD);
	put(second, "c.service", GOOD);
	put(second, "notes.txt", "rubbish");
	put(second, ".hidden.service", "rubbish");
	load_set();
	assert_int_equal(set.problems.n, 0);
	assert_int_equal(set.n, 3);
	assert_string_equal(set.v[0]->name, "a.service");
	assert_string_equal(set.v[2]->name, "c.service");
	assert_string_equal(set.v[1]->description, "first");
	assert_ptr_equal(unit_set_find(&set, "b.service"), set.v[1]);
	assert_null(unit_set_find(&set, "b"));
	assert_null(unit_set_find(&set, "d.service"));
}

static void missing_directories_are_empty_and_bad_ones_told(void **state)
{
	const char *const none[] = {NULL}, *const missing[] = {"/nonexistent/a", NULL};
	char file[256];
	const char *const not_one[] = {file, first, NULL};

	assert_int_equal(unit_set_load(&set, none, NULL), 0);
	assert_int_equal(unit_set_load(&set, missing, NULL), 0);
	assert_int_equal(set.n + set.problems.n, 0);
	assert_null(unit_set_find(&set, "a.service"));
	put(first, "a.service", GOOD);
	snprintf(file, sizeof(file), "%s/a.service", first);
	assert_int_equal(unit_set_load(&set, not_one, NULL), 0);
	assert_int_equal(set.n, 1);
	assert_int_equal(set.problems.n, 1);
	assert_null(set.problems.v[0].unit);
}

static void one_bad_unit_does_not_stop_the_others(void **state)
{
	char path[256];

	put(first, "a.service", GOOD);
	put(first, "bad.service", "[Service]\nExecStart=/bin/true\nRestart=x\n");
	put(first, "c.service", GOOD);
	put(first, "template@.service", GOOD);
	put(first, "in valid.service", GOOD);
	snprintf(path, sizeof(path), "%s/dir.service", first);
	assert_int_equal(mkdir(path, 0755), 0);
	snprintf(path, sizeof(path), "%s/fifo.service", first);
	assert_int_equal(mkfifo(path, 0644), 0);
	snprintf(path, sizeof(path), "%s/gone.service", first);
	assert_int_equal(symlink("/nonexistent/gone.service", path), 0);
	snprintf(path, sizeof(path), "%s/loop.service", first);
	assert_int_equal(symlink("loop.service", path), 0);
	snprintf(path, sizeof(path), "%s/zero.service", first);
	assert_int_equal(symlink("/dev/zero", path), 0);
	alarm(10);
	load_set();
	alarm(0);
	assert_int_equal(set.n, 2);
	assert_int_equal(set.problems.n, 7);
	assert_true(is_said_in(&set.problems, "bad.service:3: Restart: ", true));
	assert_true(is_said_in(&set.problems, "in valid.service: is no valid name", true));
	assert_true(is_said_in(&set.problems, "dir.service: is a directory", true));
	assert_true(is_said_in(&set.problems, "fifo.service: is not a regular file", true));
	assert_true(is_said_in(&set.problems, "gone.service: cannot be read: No such file", true));
	assert_true(is_said_in(&set.problems, "loop.service: cannot be read: ", true));
	assert_true(is_said_in(&set.problems, "zero.service: is not a regular file", true));
	for (size_t i = 0; i < set.problems.n; i++)
		assert_non_null(set.problems.v[i].unit);
}

static void links_are_followed_but_an_alias_is_not_a_second_unit(void **state)
{
	char from[256], to[256];

	put(second, "real.service", GOOD);
	put(root, "other/linked.service", GOOD);
	snprintf(from, sizeof(from), "%s/other/linked.service", root);
	snprintf(to, sizeof(to), "%s/linked.service", first);
	assert_int_equal(symlink(from, to), 0);
	snprintf(to, sizeof(to), "%s/alias.service", first);
	assert_int_equal(symlink("../lib/real.service", to), 0);
	load_set();
	assert_int_equal(set.n, 2);
	assert_int_equal(set.problems.n, 0);
	assert_non_null(unit_set_find(&set, "linked.service"));
	assert_null(unit_set_find(&set, "alias.service"));
	assert_true(strv_has(&unit_set_find(&set, "real.service")->aliases, "alias.service"));
}

static void an_empty_file_or_a_link_to_dev_null_masks(void **state)
{
	char path[256];

	put(first, "a.service", "");
	put(second, "a.service", GOOD);
	snprintf(path, sizeof(path), "%s/b.service", first);
	assert_int_equal(symlink("/dev/null", path), 0);
	put(second, "b.service", GOOD);
	put(second, "b.service.d/x.conf", "rubbish");
	put(second, "c.service", GOOD);
	load_set();
	assert_int_equal(set.n, 1);
	assert_int_equal(set.problems.n, 0);
	assert_int_equal(unit_load_file(path, &unit, &problems, NULL), 0);
	assert_null(unit);
	assert_said("masks the unit", false);
}

static void drop_ins_apply_by_file_name_and_the_first_directory_wins(void **state)
{
	char path[256];

	put(second, "a.service", GOOD "Environment=A=0\nRestart=no\n");
	put(second, "a.service.d/10.conf", "[Service]\nEnvironment=B=10\nRestart=always\n");
	put(second, "a.service.d/30.conf", "[Service]\nEnvironment=B=30\n");
	put(second, "a.service.d/40.conf", "[Service]\nEnvironment=B=40\n");
	put(second, "a.service.d/50.conf", "[Service]\nEnvironment=B=50\n");
	put(second, "a.service.d/60.txt", "rubbish");
	put(first, "a.service.d/20.conf", "[Service]\nEnvironment=B=20 C=20\n");
	put(first, "a.service.d/40.conf", "[Service]\nEnvironment=B=first\n");
	snprintf(path, sizeof(path), "%s/a.service.d/50.conf", first);
	assert_int_equal(symlink("/dev/null", path), 0);
	put(first, "other.service.d/x.conf", "rubbish");
	load_set();
	assert_int_equal(set.problems.n, 0);
	assert_int_equal(set.n, 1);
	assert_int_equal(set.v[0]->restart, RESTART_ALWAYS);
	assert_int_equal(set.v[0]->environment.n, 3);
	assert_string_equal(strv_env_get(&set.v[0]->environment, "B"), "first");
	assert_int_equal(set.v[0]->dropins.n, 4);
	assert_non_null(strstr(set.v[0]->dropins.v[1], "etc/a.service.d/20.conf"));
	assert_non_null(strstr(set.v[0]->path, "lib/a.service"));
}

static void a_drop_in_mends_what_the_unit_has_wrong(void **state)
{
	put(second, "a.service",
	    "[Unit]\nConditionUnheard=x\n[Service]\nType=no-such\nExecStart=+!/bin/"
	    "a\nNoNewPrivileges=yes\n"
	    "RestrictFileSystems=ext4\nSystemCallFilter=@x\n");
	put(first, "a.service.d/hakim.conf",
	    "[Unit]\nConditionHost=\n[Service]\nType=simple\nExecStart=\n"
	    "ExecStart=/bin/a\nNoNewPrivileges=no\nSystemCallFilter=\n");
	load_set();
	assert_int_equal(set.n, 1);
	assert_int_equal(set.problems.n, 1);
	assert_true(is_said_in(&set.problems, "RestrictFileSystems", false));
}

static void a_bad_drop_in_refuses_its_unit_and_no_other(void **state)
{
	put(second, "a.service", GOOD);
	put(second, "b.service", GOOD);
	put(first, "a.service.d/x.conf", "[Service]\nUser=a b\n");
	load_set();
	assert_int_equal(set.n, 1);
	assert_string_equal(set.v[0]->name, "b.service");
	assert_true(is_said_in(&set.problems, "etc/a.service.d/x.conf:2: User: ", true));
	assert_string_equal(set.problems.v[0].unit, "a.service");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(names_of_units_are_checked),
		TEST(units_come_in_order_of_name_and_the_first_directory_wins),
		TEST(missing_directories_are_empty_and_bad_ones_told),
		TEST(one_bad_unit_does_not_stop_the_others),
		TEST(links_are_followed_but_an_alias_is_not_a_second_unit),
		TEST(an_empty_file_or_a_link_to_dev_null_masks),
		TEST(drop_ins_apply_by_file_name_and_the_first_directory_wins),
		TEST(a_drop_in_mends_what_the_unit_has_wrong),
		TEST(a_bad_drop_in_refuses_its_unit_and_no_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
