/* enable, disable, mask: which links come and go, and what a load makes of them. */
#include "tests/unit/unit_help.h"

#include "supervisor/enable.h"
#include "supervisor/unit_dirs.h"

#define GOOD   "[Service]\nExecStart=/bin/true\n"
#define WANTED GOOD "[Install]\nWantedBy=multi-user.target\n"

static char config[80], modules[80];
static struct enable_changes changes;
static char meant[UNIT_NAME_MAX];

/* `first` is what the image has as modules, `second` a directory of systemd's. */
static struct unit_paths paths_of_both(void)
{
	static const char *module_dirs[3], *system_dirs[2];

	snprintf(config, sizeof(config), "%s/config", root);
	snprintf(modules, sizeof(modules), "%s/config/modules", root);
	mkdir(config, 0755);
	mkdir(modules, 0755);
	module_dirs[0] = modules;
	module_dirs[1] = first;
	system_dirs[0] = second;
	return (struct unit_paths){.modules = module_dirs, .system = system_dirs, .config = config};
}

static void change(enum enable_verb verb, const char *name, int expected, const char *says)
{
	const struct unit_paths paths = paths_of_both();
	struct err err = {0};

	enable_changes_free(&changes);
	assert_int_equal(enable_change(&paths, verb, name, meant, &changes, &err), expected);
	if (says && !strstr(err.text, says))
		fail_msg("\"%s\" is not in: %s", says, err.text);
}

static struct unit *loaded(const char *name)
{
	const struct unit_paths paths = paths_of_both();

	unit_set_free(&set);
	assert_int_equal(unit_set_load_paths(&set, &paths, NULL), 0);
	return unit_set_find(&set, name);
}

static bool is_there(const char *name)
{
	char path[256];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", config, name);
	return lstat(path, &st) == 0;
}

static int remove_all(void **state)
{
	enable_changes_free(&changes);
	return files_remove(state);
}

static void what_is_enabled_is_wanted_at_boot(void **state)
{
	put(second, "a.service", WANTED);
	assert_null(loaded("a.service"));
	change(VERB_ENABLE, "a.service", 0, NULL);
	assert_int_equal(changes.n, 1);
	assert_non_null(strstr(changes.v[0].path, "config/enabled/a.service"));
	assert_non_null(strstr(changes.v[0].target, "lib/a.service"));
	assert_true(loaded("a.service")->boot);
	change(VERB_ENABLE, "a.service", 0, NULL);
	assert_int_equal(changes.n, 0);
	change(VERB_DISABLE, "a.service", 0, NULL);
	assert_int_equal(changes.n, 1);
	assert_null(changes.v[0].target);
	assert_null(loaded("a.service"));
}

static void a_module_is_on_until_it_is_disabled(void **state)
{
	put(first, "a.service", GOOD);
	assert_true(loaded("a.service")->boot);
	change(VERB_ENABLE, "a.service", 0, NULL);
	assert_int_equal(changes.n, 0);
	change(VERB_DISABLE, "a.service", 0, NULL);
	assert_true(is_there("disabled/a.service"));
	assert_false(loaded("a.service")->boot);
	change(VERB_PRESET, "a.service", 0, NULL);
	assert_true(loaded("a.service")->boot);
}

static void what_nothing_wants_is_told_so(void **state)
{
	put(second, "a.service", GOOD);
	put(second, "b.service", "[Service]\nExecStart=x/y\n");
	change(VERB_ENABLE, "a.service", 0, NULL);
	assert_int_equal(changes.n, 0);
	assert_int_equal(changes.notes.n, 1);
	assert_non_null(strstr(changes.notes.v[0], "a.service has no [Install]"));
	change(VERB_ENABLE, "b.service", -EINVAL, "b.service:2");
	change(VERB_ENABLE, "c.service", -ENOENT, "there is no unit c.service");
	change(VERB_ENABLE, "c", -ENOENT, NULL);
}

static void also_goes_with_it_and_an_alias_is_found(void **state)
{
	char path[256];

	put(second, "a.service",
	    WANTED "Also=b.service missing.service a.service\nAlias=other.service\n");
	put(second, "b.service", WANTED "Also=a.service\n");
	change(VERB_ENABLE, "a.service", 0, NULL);
	assert_int_equal(changes.n, 2);
	assert_int_equal(changes.notes.n, 1);
	assert_true(is_there("enabled/a.service") && is_there("enabled/b.service"));
	assert_true(strv_has(&loaded("a.service")->aliases, "other.service"));
	change(VERB_DISABLE, "b.service", 0, NULL);
	assert_false(is_there("enabled/a.service") || is_there("enabled/b.service"));
	snprintf(path, sizeof(path), "%s/link.service", second);
	assert_int_equal(symlink("a.service", path), 0);
	change(VERB_ENABLE, "link.service", 0, NULL);
	assert_string_equal(meant, "a.service");
	assert_true(is_there("enabled/a.service"));
}

static void a_template_needs_an_instance(void **state)
{
	put(second, "t@.service", WANTED "DefaultInstance=one\n");
	put(second, "u@.service", WANTED);
	change(VERB_ENABLE, "t@.service", 0, NULL);
	assert_string_equal(meant, "t@one.service");
	assert_true(loaded("t@one.service")->boot);
	change(VERB_ENABLE, "u@.service", -EINVAL, "template");
	change(VERB_ENABLE, "u@2.service", 0, NULL);
	assert_true(loaded("u@2.service")->boot);
}

static void a_mask_hides_and_never_overwrites(void **state)
{
	put(second, "a.service", WANTED);
	change(VERB_ENABLE, "a.service", 0, NULL);
	change(VERB_MASK, "a.service", 0, NULL);
	assert_null(loaded("a.service"));
	change(VERB_ENABLE, "a.service", -EPERM, "is masked");
	change(VERB_UNMASK, "a.service", 0, NULL);
	assert_true(loaded("a.service")->boot);
	change(VERB_UNMASK, "a.service", 0, NULL);
	assert_int_equal(changes.n, 0);
	put(modules, "b.service", GOOD);
	change(VERB_MASK, "b.service", -EEXIST, "is no link");
	change(VERB_UNMASK, "b.service", 0, NULL);
	assert_non_null(loaded("b.service"));
	put(second, "c.service", "");
	change(VERB_UNMASK, "c.service", -EPERM, "not ours");
	change(VERB_MASK, "unheard-of.service", 0, NULL);
	assert_true(is_there("modules/unheard-of.service"));
}

static void a_link_that_leads_nowhere_is_told_and_can_be_taken_away(void **state)
{
	char path[256];

	put(second, "a.service", WANTED);
	change(VERB_ENABLE, "a.service", 0, NULL);
	snprintf(path, sizeof(path), "%s/a.service", second);
	assert_int_equal(unlink(path), 0);
	assert_null(loaded("a.service"));
	assert_true(is_said_in(&set.problems, "a.service is enabled, and there is no such unit",
			       false));
	change(VERB_ENABLE, "a.service", -ENOENT, NULL);
	change(VERB_DISABLE, "a.service", 0, NULL);
	assert_false(is_there("enabled/a.service"));
	assert_null(loaded("a.service"));
	assert_int_equal(set.problems.n, 0);
	change(VERB_DISABLE, "a.service", -ENOENT, "there is no unit a.service");
}

static void what_is_masked_or_broken_is_not_called_gone(void **state)
{
	put(second, "a.service", WANTED);
	put(second, "b.service", WANTED);
	change(VERB_ENABLE, "a.service", 0, NULL);
	change(VERB_ENABLE, "b.service", 0, NULL);
	change(VERB_MASK, "a.service", 0, NULL);
	put(second, "b.service", "[Service]\nExecStart=x/y\n");
	assert_null(loaded("a.service"));
	assert_false(is_said_in(&set.problems, "there is no such unit", false));
}

static void a_unit_of_the_users_needs_a_user(void **state)
{
	change(VERB_ENABLE, "user:a.service", -ENOENT, "there is no coder user");
}

#undef TEST
#define TEST(name) cmocka_unit_test_setup_teardown(name, files_make, remove_all)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_enabled_is_wanted_at_boot),
		TEST(a_module_is_on_until_it_is_disabled),
		TEST(what_nothing_wants_is_told_so),
		TEST(also_goes_with_it_and_an_alias_is_found),
		TEST(a_template_needs_an_instance),
		TEST(a_mask_hides_and_never_overwrites),
		TEST(a_link_that_leads_nowhere_is_told_and_can_be_taken_away),
		TEST(what_is_masked_or_broken_is_not_called_gone),
		TEST(a_unit_of_the_users_needs_a_user),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
