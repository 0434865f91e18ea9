/* Units of the coder user's: names, and what they may not have. */
#include "tests/unit/unit_help.h"

#include <sys/fsuid.h>

#include "supervisor/directive_set.h"
#include "supervisor/unit_dirs.h"
#include "supervisor/unit_name.h"
#include "supervisor/unit_read.h"
#include "supervisor/user_access.h"

#define GOOD "[Service]\nExecStart=/bin/true\n"

static struct identity coder;

/* Reads the text as a unit of the user's. */
static void load_user(const char *text)
{
	char path[256];
	bool masked;

	coder = (struct identity){.uid = geteuid(), .gid = getegid()};
	snprintf(coder.name, sizeof(coder.name), "coder");
	snprintf(coder.home, sizeof(coder.home), "%s", root);
	unit_free(unit);
	problems_free(&problems);
	put(first, "x.service", text);
	snprintf(path, sizeof(path), "%s/x.service", first);
	assert_int_equal(unit_read(path, "user:x.service", NULL, &coder, &unit, &masked, &problems),
			 0);
}

static void refuse_user(const char *lines, const char *says)
{
	_cleanup_free_ char *text = NULL;

	assert_true(asprintf(&text, GOOD "%s\n", lines) > 0);
	load_user(text);
	if (unit)
		fail_msg("it was taken: %s", lines);
	assert_said(says, true);
}

static void it_runs_as_the_user_in_the_home(void **state)
{
	char runtime[64];

	setenv("CODER_USER", "root", 1);
	load_user(GOOD "[Unit]\nWants=a.service b.target\nDescription=%n %t\n");
	unsetenv("CODER_USER");
	assert_non_null(unit);
	assert_string_equal(unit->description, "x.service /run/user/0");
	assert_string_equal(unit->user, "coder");
	assert_null(unit->group);
	assert_string_equal(unit->working_directory, "~");
	snprintf(runtime, sizeof(runtime), "/run/user/%u", geteuid());
	assert_string_equal(strv_env_get(&unit->environment, "XDG_RUNTIME_DIR"), runtime);
	assert_true(strv_has(&unit->wants, "user:a.service"));
	assert_true(strv_has(&unit->wants, "user:b.target"));
}

static void it_gets_no_rights_that_the_user_has_not(void **state)
{
	static const char *const refused[] = {
		"User=root",
		"[X-Hakim]\nUserFrom=START_XVFB",
		"[X-Hakim]\nSessionEnvironment=LD_PRELOAD=/home/coder/x.so",
		"Group=root",
		"SupplementaryGroups=shadow",
		"AmbientCapabilities=CAP_SYS_ADMIN",
		"DynamicUser=yes",
		"PassEnvironment=CODER_AGENT_TOKEN",
		"RootDirectory=/home/coder/root",
		"StandardInput=file:/etc/shadow",
		"OpenFile=/etc/shadow",
		"ExecStartPre=+/bin/id",
		"ExecStop=-+/bin/id",
		"ExecStopPost=!/bin/id",
		"[X-Hakim]\nSecretPipe=CODER_AGENT_TOKEN",
		"[X-Hakim]\nReadyHTTP=http+unix:///run/docker.sock:/",
	};

	for (size_t i = 0; i < ARRAY_LEN(refused); i++)
		refuse_user(refused[i], "which gets no rights that the user has not");
}

static void what_root_would_have_to_do_is_left_out(void **state)
{
	load_user(GOOD
		  "LimitNOFILE=1000000\nNice=-5\nOOMScoreAdjust=-900\nSystemCallFilter=~setuid\n"
		  "StandardOutput=append:/etc/passwd\nPIDFile=/run/x.pid\n[X-Hakim]\nVital=yes\n");
	assert_non_null(unit);
	assert_int_equal(problems.n, 7);
	for (size_t i = 0; i < problems.n; i++)
		assert_non_null(strstr(problems.v[i].text, "is left out"));
	load_user(GOOD "User=\nDynamicUser=no\nPrivateTmp=no\n");
	assert_non_null(unit);
	assert_int_equal(problems.n, 0);
}

static void a_unit_of_the_systems_cannot_name_one_of_the_users(void **state)
{
	refuse("[Unit]\nWants=user:a.service\n" GOOD,
	       "Wants: \"user:a.service\" is a unit of the user's");
}

static void somebody_elses_file_does_not_count(void **state)
{
	char path[256];
	bool masked;

	if (geteuid() != 0)
		skip();
	put(first, "x.service", GOOD);
	snprintf(path, sizeof(path), "%s/x.service", first);
	assert_int_equal(chown(path, 4242, 4242), 0);
	coder = (struct identity){.uid = 1000, .name = "coder"};
	assert_int_equal(unit_read(path, "user:x.service", NULL, &coder, &unit, &masked, &problems),
			 0);
	assert_null(unit);
	assert_said("belongs to neither the user nor root", true);
}

static void files_are_looked_at_with_the_users_rights(void **state)
{
	struct identity other = {.set = true, .uid = 4242, .gid = 4242};
	char path[256];
	bool begun;

	if (geteuid() != 0)
		skip();
	put(root, "secret", "x");
	snprintf(path, sizeof(path), "%s/secret", root);
	assert_int_equal(chmod(path, 0600), 0);
	assert_int_equal(chmod(root, 0755), 0);
	begun = user_access_begin(&other);
	assert_true(begun);
	assert_false(user_access_begin(&other));
	user_access_end(false);
	assert_null(fopen(path, "r"));
	user_access_end(begun);
	assert_int_equal(setfsuid((uid_t)-1), 0);
	assert_false(user_access_begin(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(it_runs_as_the_user_in_the_home),
		TEST(it_gets_no_rights_that_the_user_has_not),
		TEST(what_root_would_have_to_do_is_left_out),
		TEST(a_unit_of_the_systems_cannot_name_one_of_the_users),
		TEST(somebody_elses_file_does_not_count),
		TEST(files_are_looked_at_with_the_users_rights),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
