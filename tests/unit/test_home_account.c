#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "modules/home/account.h"

#define PASSWD "root:x:0:0:root:/root:/bin/bash\n"
#define GROUP  "root:x:0:\nusers:x:100:\n"

static struct account account;
static struct err err;

static int decide(const char *passwd, const char *group, struct account_wish wish, uid_t home_owner)
{
	FILE *p = fmemopen((char *)passwd, strlen(passwd), "r");
	FILE *g = fmemopen((char *)group, strlen(group), "r");
	int r;

	assert_true(p && g);
	err = (struct err){0};
	strv_free(&account.remarks);
	r = account_decide(p, g, &wish, home_owner, &account, &err);
	fclose(p);
	fclose(g);
	return r;
}

static void assert_remark(const char *part)
{
	for (size_t i = 0; i < account.remarks.n; i++)
		if (strstr(account.remarks.v[i], part))
			return;
	fail_msg("nothing says \"%s\"", part);
}

static void the_images_user_stays_what_it_is(void **state)
{
	const char *passwd = PASSWD "coder:x:1001:100::/home/coder:/bin/zsh\n";

	assert_int_equal(decide(passwd, GROUP, (struct account_wish){0}, ACCOUNT_NOBODY), 0);
	assert_int_equal(account.uid, 1001);
	assert_int_equal(account.gid, 100);
	assert_string_equal(account.home, "/home/coder");
	assert_false(account.make_user || account.make_group);
	assert_int_equal(account.remarks.n, 0);
	assert_int_equal(decide(passwd, GROUP, (struct account_wish){.uid = "1000", .gid = "1000"},
				ACCOUNT_NOBODY),
			 0);
	assert_int_equal(account.uid, 1001);
	assert_remark("CODER_UID=1000 is not applied");
	assert_remark("CODER_GID=1000 is not applied");
}

static void a_missing_user_is_made_with_the_wished_numbers(void **state)
{
	assert_int_equal(decide(PASSWD, GROUP, (struct account_wish){0}, ACCOUNT_NOBODY), 0);
	assert_true(account.make_user && account.make_group && !account.shared_uid);
	assert_string_equal(account.user, "coder");
	assert_string_equal(account.group, "coder");
	assert_string_equal(account.home, "/home/coder");
	assert_int_equal(account.uid, 1000);
	assert_int_equal(account.gid, 1000);
	assert_int_equal(decide(PASSWD, GROUP,
				(struct account_wish){"dev", "/srv/dev", "1234", "4321"},
				ACCOUNT_NOBODY),
			 0);
	assert_string_equal(account.user, "dev");
	assert_string_equal(account.home, "/srv/dev");
	assert_int_equal(account.uid, 1234);
	assert_int_equal(account.gid, 4321);
}

static void a_taken_gid_is_the_users_group(void **state)
{
	assert_int_equal(
		decide(PASSWD, GROUP "node:x:1000:\n", (struct account_wish){0}, ACCOUNT_NOBODY),
		0);
	assert_false(account.make_group);
	assert_string_equal(account.group, "node");
	assert_int_equal(account.gid, 1000);
	assert_remark("gid 1000 is the image's group node");
}

static void a_group_of_the_users_name_is_taken_with_its_gid(void **state)
{
	assert_int_equal(
		decide(PASSWD, GROUP "coder:x:2000:\n", (struct account_wish){0}, ACCOUNT_NOBODY),
		0);
	assert_false(account.make_group);
	assert_int_equal(account.gid, 2000);
	assert_remark("gid 1000 is not used");
}

static void the_number_goes_before_the_name(void **state)
{
	assert_int_equal(decide(PASSWD, GROUP "coder:x:2000:\nnode:x:1000:\n",
				(struct account_wish){0}, ACCOUNT_NOBODY),
			 0);
	assert_string_equal(account.group, "node");
	assert_int_equal(account.gid, 1000);
}

static void a_taken_uid_gives_the_next_free_one(void **state)
{
	const char *passwd = PASSWD "node:x:1000:1000::/home/node:/bin/sh\n"
				    "more:x:1001:1001::/home/more:/bin/sh\n";

	assert_int_equal(decide(passwd, GROUP, (struct account_wish){0}, ACCOUNT_NOBODY), 0);
	assert_int_equal(account.uid, 1002);
	assert_false(account.shared_uid);
	assert_remark("uid 1000 is the image's user node: coder gets uid 1002");
}

static void a_taken_uid_that_owns_the_home_is_shared(void **state)
{
	const char *passwd = PASSWD "node:x:1000:1000::/home/node:/bin/sh\n";

	assert_int_equal(decide(passwd, GROUP, (struct account_wish){0}, 1000), 0);
	assert_int_equal(account.uid, 1000);
	assert_true(account.shared_uid);
	assert_remark("both names mean the same user");
}

static void values_that_cannot_be_are_named(void **state)
{
	static const struct {
		struct account_wish wish;
		const char *says;
	} rows[] = {
		{{.uid = "0"}, "CODER_UID=0"},
		{{.uid = "abc"}, "CODER_UID=abc"},
		{{.uid = "-1"}, "CODER_UID=-1"},
		{{.gid = "70000"}, "CODER_GID=70000"},
		{{.uid = "99999999999999999999"}, "CODER_UID=9999"},
		{{.user = "a:b"}, "CODER_USER=a:b"},
		{{.user = "-x"}, "CODER_USER=-x"},
		{{.user = "../x"}, "CODER_USER=../x"},
		{{.home = "relative"}, "CODER_HOME=relative"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(decide(PASSWD, GROUP, rows[i].wish, ACCOUNT_NOBODY), -22);
		assert_non_null(strstr(err.text, rows[i].says));
	}
}

static int free_remarks(void **state)
{
	strv_free(&account.remarks);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_images_user_stays_what_it_is),
		cmocka_unit_test(a_missing_user_is_made_with_the_wished_numbers),
		cmocka_unit_test(a_taken_gid_is_the_users_group),
		cmocka_unit_test(a_group_of_the_users_name_is_taken_with_its_gid),
		cmocka_unit_test(the_number_goes_before_the_name),
		cmocka_unit_test(a_taken_uid_gives_the_next_free_one),
		cmocka_unit_test(a_taken_uid_that_owns_the_home_is_shared),
		cmocka_unit_test(values_that_cannot_be_are_named),
	};

	return cmocka_run_group_tests_name("home_account", tests, NULL, free_remarks);
}
