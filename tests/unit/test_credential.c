/* Credentials as text, and the numbers of users that come and go. */
#include "supervisor/credential.h"
#include "supervisor/dynamic_user.h"
#include "tests/unit/unit_help.h"

static void a_dynamic_user_implies_what_systemd_says(void **state)
{
	load_service("DynamicUser=yes");
	assert_true(unit->exec.dynamic_user && unit->sandbox.private_tmp);
	assert_true(unit->sandbox.no_new_privileges && unit->sandbox.restrict_suid);
	assert_int_equal(unit->sandbox.protect_system, PROTECT_SYSTEM_STRICT);
	assert_int_equal(unit->sandbox.protect_home, PROTECT_HOME_READ_ONLY);
	load_service("DynamicUser=yes\nProtectHome=yes\nNoNewPrivileges=no");
	assert_int_equal(unit->sandbox.protect_home, PROTECT_HOME_YES);
	assert_true(unit->sandbox.no_new_privileges);
	load_service("DynamicUser=no");
	assert_false(unit->sandbox.private_tmp);
}

static void credentials_are_taken_as_written(void **state)
{
	const struct credential *c;

	load_service("LoadCredential=a:/etc/%N\nLoadCredential=b\nSetCredential=a:x\\ty\\\\: z\n"
		     "SetCredential=a:second");
	assert_int_equal(unit->sandbox.n_credentials, 3);
	c = unit->sandbox.credentials;
	assert_string_equal(c[0].from, "/etc/x");
	assert_string_equal(c[1].from, "");
	assert_null(c[2].from);
	assert_int_equal(c[2].size, 6);
	assert_memory_equal(c[2].data, "second", 6);
	load_service("SetCredential=a:x\\ty\\\\: z");
	assert_int_equal(unit->sandbox.credentials[0].size, 7);
	assert_memory_equal(unit->sandbox.credentials[0].data, "x\ty\\: z", 7);
	load_service("LoadCredential=a\nSetCredential=b:c\nLoadCredential=");
	assert_int_equal(unit->sandbox.n_credentials, 1);
	assert_string_equal(unit->sandbox.credentials[0].id, "b");
}

static void patterns_of_credentials_add_up(void **state)
{
	load_service("ImportCredential=%N.*\nImportCredential=x.*\nImportCredential=other");
	assert_int_equal(problems.n, 0);
	assert_int_equal(unit->sandbox.imports.n, 2);
	assert_string_equal(unit->sandbox.imports.v[0], "x.*");
	assert_string_equal(unit->sandbox.imports.v[1], "other");
	load_service("ImportCredential=a\nImportCredential=");
	assert_int_equal(unit->sandbox.imports.n, 0);
}

static void mistakes_are_refused_and_never_show_the_data(void **state)
{
	refuse_service("LoadCredential=a/b:/x", ":3: LoadCredential: ");
	refuse_service("LoadCredential=..", ":3: LoadCredential: ");
	refuse_service("LoadCredential=a:b/c", ":3: LoadCredential: ");
	refuse_service("ImportCredential=a/*", ":3: ImportCredential: ");
	refuse_service("ImportCredential=a:b", ":3: ImportCredential: ");
	refuse_service("SetCredential=hush", ":3: SetCredential: it is not NAME:DATA");
	refuse_service("SetCredential=a:hush\\q", ":3: SetCredential: ");
	assert_null(strstr(problems.v[0].text, "hush"));
	refuse_service("SetCredential=a:hush%!", ":3: SetCredential: ");
	assert_null(strstr(problems.v[0].text, "hush"));
}

static bool is_taken(void *arg, uid_t uid)
{
	return uid == *(uid_t *)arg;
}

static bool all_taken(void *arg, uid_t uid)
{
	return true;
}

static void the_number_of_a_dynamic_user_is_the_same_unless_it_is_taken(void **state)
{
	uid_t none = 0, web = dynamic_uid("web", is_taken, &none);

	assert_in_range(web, DYNAMIC_UID_MIN, DYNAMIC_UID_MAX);
	assert_int_equal(dynamic_uid("web", is_taken, &none), web);
	assert_int_not_equal(dynamic_uid("web2", is_taken, &none), web);
	assert_int_not_equal(dynamic_uid("web", is_taken, &web), web);
	assert_in_range(dynamic_uid("web", is_taken, &web), DYNAMIC_UID_MIN, DYNAMIC_UID_MAX);
	assert_int_equal(dynamic_uid("web", all_taken, NULL), 0);
	assert_true(dynamic_uid_known(0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_dynamic_user_implies_what_systemd_says),
		TEST(credentials_are_taken_as_written),
		TEST(patterns_of_credentials_add_up),
		TEST(mistakes_are_refused_and_never_show_the_data),
		TEST(the_number_of_a_dynamic_user_is_the_same_unless_it_is_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
