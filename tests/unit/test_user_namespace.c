/* PrivateUsers= as text, and the maps that come of it. */
#include "supervisor/user_namespace.h"
#include "tests/unit/unit_help.h"

static struct user_map map;

static void words_say_how_far_it_goes(void **state)
{
	static const struct {
		const char *line;
		enum private_users kind;
	} rows[] = {
		{"PrivateUsers=yes", PRIVATE_USERS_SELF},
		{"PrivateUsers=self", PRIVATE_USERS_SELF},
		{"PrivateUsers=identity", PRIVATE_USERS_IDENTITY},
		{"PrivateUsers=full", PRIVATE_USERS_FULL},
		{"PrivateUsers=no", PRIVATE_USERS_NO},
		{"PrivateUsers=yes\nPrivateUsers=", PRIVATE_USERS_NO},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		load_service(rows[i].line);
		assert_int_equal(unit->sandbox.private_users, rows[i].kind);
		assert_int_equal(problems.n, 0);
	}
	refuse_service("PrivateUsers=some", ":3: PrivateUsers: \"some\" is not one of its values");
}

static void root_and_the_units_own_are_themselves(void **state)
{
	struct identity id = {.set = true, .uid = 1000, .gid = 4294967294u};
	char want[64];

	user_map_make(&map, PRIVATE_USERS_SELF, &id);
	assert_true(map.wanted);
	assert_false(map.groups);
	snprintf(want, sizeof(want), "%u %u 1\n1000 1000 1\n", geteuid(), geteuid());
	assert_string_equal(map.uid, geteuid() == 1000 ? "1000 1000 1\n" : want);
	snprintf(want, sizeof(want), "%u %u 1\n4294967294 4294967294 1\n", getegid(), getegid());
	assert_string_equal(map.gid, want);
}

static void nobody_is_mapped_twice(void **state)
{
	struct identity id = {.set = true, .uid = geteuid(), .gid = getegid()};
	struct identity none = {.uid = 7, .gid = 7};
	char want[64];

	snprintf(want, sizeof(want), "%u %u 1\n", geteuid(), geteuid());
	user_map_make(&map, PRIVATE_USERS_SELF, &id);
	assert_string_equal(map.uid, want);
	user_map_make(&map, PRIVATE_USERS_SELF, &none);
	assert_string_equal(map.uid, want);
}

static void others_are_of_fixed_size(void **state)
{
	struct identity id = {.set = true, .uid = 1, .gid = 1};

	user_map_make(&map, PRIVATE_USERS_IDENTITY, &id);
	assert_string_equal(map.uid, "0 0 65536\n");
	assert_string_equal(map.gid, "0 0 65536\n");
	assert_false(map.groups);
	user_map_make(&map, PRIVATE_USERS_FULL, &id);
	assert_string_equal(map.gid, "0 0 1\n1 1 4294967294\n");
	assert_true(map.groups);
	user_map_make(&map, PRIVATE_USERS_NO, &id);
	assert_false(map.wanted);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(words_say_how_far_it_goes),
		TEST(root_and_the_units_own_are_themselves),
		TEST(nobody_is_mapped_twice),
		TEST(others_are_of_fixed_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
