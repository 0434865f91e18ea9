/* Units that are found by name: systemd's directories, templates, aliases, masks, drop-ins by
 * prefix. */
#include "tests/unit/unit_help.h"

#include "supervisor/name_index.h"
#include "supervisor/unit_builtin.h"
#include "supervisor/unit_dirs.h"
#include "supervisor/unit_name.h"

#define GOOD "[Service]\nExecStart=/bin/true\n"

static char config[80];

/* `first` holds the modules, `second` is a directory of systemd's. */
static struct unit_paths paths_of_both(void)
{
	static const char *modules[2], *system_dirs[3];

	modules[0] = first;
	system_dirs[0] = second;
	system_dirs[1] = second;
	snprintf(config, sizeof(config), "%s/config", root);
	return (struct unit_paths){.modules = modules, .system = system_dirs, .config = config};
}

static void load_both(void)
{
	const struct unit_paths paths = paths_of_both();
	struct err err = {0};

	unit_set_free(&set);
	if (unit_set_load_paths(&set, &paths, &err) < 0)
		fail_msg("%s", err.text);
}

static struct unit *get(const char *name, int expected, const char *says)
{
	const struct unit_paths paths = paths_of_both();
	struct unit *found = NULL;
	struct err err = {0};

	assert_int_equal(unit_set_get(&set, &paths, name, &found, &err), expected);
	if (says && !strstr(err.text, says))
		fail_msg("\"%s\" is not in: %s", says, err.text);
	return found;
}

static void link_to(const char *dir, const char *name, const char *target)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	assert_int_equal(symlink(target, path), 0);
}

static void the_other_directories_are_asked_by_name_only(void **state)
{
	put(first, "a.service", GOOD "[Unit]\nWants=b.service\nAfter=c.service\n");
	put(second, "b.service", GOOD "[Unit]\nRequires=d.service\n");
	put(second, "c.service", GOOD);
	put(second, "d.service", GOOD);
	put(second, "e.service", "rubbish");
	load_both();
	assert_int_equal(set.problems.n, 0);
	assert_int_equal(set.n, 3);
	assert_true(set.v[0]->boot);
	assert_false(unit_set_find(&set, "b.service")->boot);
	assert_non_null(unit_set_find(&set, "d.service"));
	assert_string_equal(get("c.service", 0, NULL)->name, "c.service");
	assert_int_equal(set.n, 4);
	assert_ptr_equal(get("c.service", 0, NULL), unit_set_find(&set, "c.service"));
	assert_null(get("e.service", -EINVAL, "e.service:1"));
	assert_null(get("f.service", -ENOENT, "there is no unit f.service"));
	assert_int_equal(set.n, 4);
}

static void what_a_module_overrides_is_the_modules(void **state)
{
	put(first, "a.service", GOOD "[Unit]\nDescription=first\n");
	put(second, "a.service", GOOD "[Unit]\nDescription=second\n");
	put(second, "a.service.d/x.conf", "[Unit]\nDocumentation=man:x\n");
	load_both();
	assert_int_equal(set.n, 1);
	assert_string_equal(set.v[0]->description, "first");
	assert_string_equal(set.v[0]->documentation, "man:x");
}

static void an_instance_has_its_templates_text(void **state)
{
	put(first, "t@.service", GOOD "[Unit]\nDescription=%p of %i, %I\n");
	link_to(first, "t@one.service", "t@.service");
	put(first, "t@own.service", GOOD "[Unit]\nDescription=own\n");
	put(first, "user.service", GOOD "[Unit]\nWants=t@two-x.service\n");
	load_both();
	assert_int_equal(set.n, 4);
	assert_string_equal(unit_set_find(&set, "t@one.service")->description, "t of one, one");
	assert_string_equal(unit_set_find(&set, "t@two-x.service")->description,
			    "t of two-x, two/x");
	assert_string_equal(unit_set_find(&set, "t@own.service")->description, "own");
	assert_true(unit_set_find(&set, "t@one.service")->boot);
	assert_string_equal(get("t@3.service", 0, NULL)->description, "t of 3, 3");
	assert_null(get("t@.service", -EINVAL, "t@NAME.service"));
}

static void an_alias_is_the_same_unit(void **state)
{
	put(second, "real.service", GOOD);
	put(second, "db@.service", GOOD);
	link_to(second, "alias.service", "real.service");
	link_to(second, "sql@.service", "db@.service");
	link_to(first, "boot.service", "../lib/real.service");
	put(first, "a.service", GOOD "[Unit]\nWants=alias.service\n");
	load_both();
	assert_int_equal(set.n, 2);
	unit = NULL;
	assert_true(unit_set_find(&set, "real.service")->boot);
	assert_true(strv_has(&unit_set_find(&set, "real.service")->aliases, "boot.service"));
	assert_true(strv_has(&unit_set_find(&set, "real.service")->aliases, "alias.service"));
	assert_string_equal(get("sql@9.service", 0, NULL)->name, "db@9.service");
	assert_ptr_equal(get("db@9.service", 0, NULL), get("sql@9.service", 0, NULL));
}

/* systemd.unit(5): "for each alias of a unit". */
static void drop_ins_under_the_name_of_an_alias_apply(void **state)
{
	put(second, "real.service", GOOD "[Install]\nAlias=installed.service taken.service\n");
	put(second, "taken.service", GOOD);
	put(second, "db@.service", GOOD);
	link_to(second, "alias.service", "real.service");
	link_to(second, "sql@.service", "db@.service");
	put(first, "alias.service.d/20-a.conf", "[Unit]\nDescription=by alias\n");
	put(second, "real.service.d/10-r.conf", "[Unit]\nDescription=by name\n");
	put(second, "installed.service.d/30-i.conf", "[Unit]\nDocumentation=man:installed(1)\n");
	put(second, "taken.service.d/40-t.conf", "[Unit]\nDescription=of another\n");
	put(second, "sql@.service.d/50-s.conf", "[Unit]\nDescription=of sql\n");
	put(first, "a.service", GOOD "[Unit]\nWants=real.service\n");
	load_both();
	assert_string_equal(get("real.service", 0, NULL)->description, "by alias");
	assert_string_equal(get("real.service", 0, NULL)->documentation, "man:installed(1)");
	assert_int_equal(get("real.service", 0, NULL)->dropins.n, 3);
	assert_string_equal(get("db@1.service", 0, NULL)->description, "of sql");
	assert_string_equal(get("taken.service", 0, NULL)->description, "of another");
}

static void aliases_that_go_round_are_no_unit(void **state)
{
	put(root, "x/b.service", GOOD);
	put(root, "x/a.service", GOOD);
	link_to(first, "a.service", "../x/b.service");
	link_to(first, "b.service", "../x/a.service");
	load_both();
	assert_int_equal(set.n, 0);
}

static void a_link_to_a_file_elsewhere_is_a_unit_of_its_own_name(void **state)
{
	put(root, "opt/program.service", GOOD);
	link_to(first, "mine.service", "../opt/program.service");
	load_both();
	assert_int_equal(set.n, 1);
	assert_string_equal(set.v[0]->name, "mine.service");
}

static void a_mask_hides_what_others_want(void **state)
{
	put(first, "a.service", GOOD "[Unit]\nRequires=b.service\n");
	put(second, "b.service", GOOD);
	link_to(first, "b.service", "/dev/null");
	load_both();
	assert_int_equal(set.n, 1);
	assert_true(strv_has(&set.masked, "b.service"));
	assert_null(get("b.service", -EINVAL, "b.service is masked"));
}

static void built_in_targets_need_no_file(void **state)
{
	put(second, "multi-user.target", "[Unit]\nWants=x.service\n");
	put(second, "multi-user.target.wants/x.service", GOOD);
	put(second, "x.service", GOOD);
	put(first, "a.service", GOOD "[Unit]\nRequires=multi-user.target\nAfter=network.target\n");
	load_both();
	assert_int_equal(set.n, 1);
	assert_int_equal(get("network.target", 0, NULL)->origin, ORIGIN_BUILTIN);
	assert_int_equal(get("multi-user.target", 0, NULL)->wants.n, 0);
	assert_true(get("shutdown.target", 0, NULL)->refuse_manual_start);
	assert_null(get("nonsense.target", -ENOENT, NULL));
	assert_null(get("x.timer", -EINVAL, "not run here"));
}

static void a_target_pulls_what_lies_in_its_wants(void **state)
{
	put(first, "mine.target", "[Unit]\nRequires=x.service\n");
	put(second, "mine.target.wants/y.service", GOOD);
	put(first, "mine.target.requires/z.service", GOOD);
	put(second, "x.service", GOOD);
	put(second, "y.service", GOOD);
	put(second, "z.service", GOOD);
	load_both();
	assert_int_equal(set.n, 4);
	assert_true(strv_has(&unit_set_find(&set, "mine.target")->wants, "y.service"));
	assert_true(strv_has(&unit_set_find(&set, "mine.target")->requires, "z.service"));
}

static void drop_ins_of_kind_prefix_and_template_apply(void **state)
{
	put(first, "a-b-c@i.service", GOOD "Environment=A=0 B=0 C=0 D=0 E=0\n");
	put(second, "service.d/1.conf", "[Service]\nEnvironment=A=kind\n");
	put(second, "a-.service.d/2.conf", "[Service]\nEnvironment=B=a\n");
	put(second, "a-b-.service.d/2.conf", "[Service]\nEnvironment=B=a-b\n");
	put(second, "a-b-c@.service.d/3.conf", "[Service]\nEnvironment=C=template\n");
	put(second, "a-b-c@i.service.d/4.conf", "[Service]\nEnvironment=D=own\n");
	put(second, "service.d/4.conf", "[Service]\nEnvironment=E=kind\n");
	put(second, "a-b.service.d/5.conf", "[Service]\nEnvironment=E=other\n");
	load_both();
	assert_int_equal(set.n, 1);
	assert_string_equal(strv_env_get(&set.v[0]->environment, "A"), "kind");
	assert_string_equal(strv_env_get(&set.v[0]->environment, "B"), "a-b");
	assert_string_equal(strv_env_get(&set.v[0]->environment, "C"), "template");
	assert_string_equal(strv_env_get(&set.v[0]->environment, "D"), "own");
	assert_string_equal(strv_env_get(&set.v[0]->environment, "E"), "0");
	assert_int_equal(set.v[0]->dropins.n, 4);
}

static void a_module_that_is_disabled_is_there_and_not_wanted(void **state)
{
	put(first, "a.service", GOOD);
	put(second, "b.service", GOOD "[Install]\nWantedBy=multi-user.target\nAlias=c.service\n");
	put(second, "d.service", GOOD "[Install]\nWantedBy=other.target\n");
	assert_int_equal(mkdir(paths_of_both().config, 0755), 0);
	put(config, "disabled/a.service", "");
	put(config, "enabled/b.service", "");
	put(config, "enabled/d.service", "");
	load_both();
	assert_int_equal(set.n, 3);
	assert_false(unit_set_find(&set, "a.service")->boot);
}

static void a_digest_is_of_the_text(void **state)
{
	uint64_t plain, with;

	put(first, "a.service", GOOD);
	load_both();
	plain = set.v[0]->digest;
	load_both();
	assert_true(plain == set.v[0]->digest && plain != 0);
	put(first, "a.service.d/x.conf", "[Unit]\n");
	load_both();
	with = set.v[0]->digest;
	assert_true(plain != with);
	put(first, "a.service.d/x.conf", "[Unit]\n#\n");
	load_both();
	assert_true(with != set.v[0]->digest);
}

static void a_long_name_of_what_is_not_run_here_is_left_out(void **state)
{
	load_text(GOOD "[Unit]\nRequires=dev-disk-by\\x2duuid-"
		       "0123456789abcdef0123456789abcdef0123456789.device\n"
		       "After=a.service\n");
	assert_non_null(unit);
	assert_int_equal(unit->requires.n, 0);
	assert_said("is left out: units of this kind", false);
	refuse(GOOD "[Unit]\nAfter=a0123456789012345678901234567890123456789012345678901234567890."
		    "service\n",
	       "is no name of a unit");
}

static void names_say_what_they_are(void **state)
{
	char to[UNIT_NAME_MAX];
	size_t at;

	assert_true(unit_name_valid("user:x.service"));
	assert_false(unit_name_valid("user:.service"));
	assert_true(unit_name_is_template("x@.service"));
	assert_false(unit_name_is_template("x@y.service"));
	assert_true(unit_name_is_instance("x@y.service", &at));
	assert_int_equal(at, 1);
	assert_false(unit_name_is_instance("x.service", &at));
	assert_true(unit_name_template("user:x@y@z.service", to));
	assert_string_equal(to, "user:x@.service");
	assert_true(unit_name_instantiate("x@.service", "1", to));
	assert_string_equal(to, "x@1.service");
	assert_false(unit_name_instantiate("x@.service", "a/b", to));
	assert_false(unit_name_instantiate("x.service", "1", to));
	unit_name_unescape("a-b\\x2dc\\x00\\xg", 15, to);
	assert_string_equal(to, "a/b-c\\x00\\xg");
	assert_int_equal(unit_builtin("user:default.target"), BUILTIN_UP);
	assert_int_equal(unit_builtin("x.target"), BUILTIN_NONE);
}

static void an_index_finds_what_was_put_into_it(void **state)
{
	static char names[3000][16];
	struct name_index index = {0};
	void *value;

	assert_false(name_index_find(&index, "x", &value));
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		snprintf(names[i], sizeof(names[i]), "unit-%zu", i);
		assert_int_equal(name_index_add(&index, names[i], names[i]), 0);
	}
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		assert_true(name_index_find(&index, names[i], &value));
		assert_ptr_equal(value, names[i]);
	}
	assert_int_equal(name_index_add(&index, "unit-7", NULL), 1);
	assert_true(name_index_find(&index, "unit-7", &value) && value == names[7]);
	assert_false(name_index_find(&index, "unit-3000", NULL));
	name_index_free(&index);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_other_directories_are_asked_by_name_only),
		TEST(what_a_module_overrides_is_the_modules),
		TEST(an_instance_has_its_templates_text),
		TEST(an_alias_is_the_same_unit),
		TEST(drop_ins_under_the_name_of_an_alias_apply),
		TEST(aliases_that_go_round_are_no_unit),
		TEST(a_link_to_a_file_elsewhere_is_a_unit_of_its_own_name),
		TEST(a_mask_hides_what_others_want),
		TEST(built_in_targets_need_no_file),
		TEST(a_target_pulls_what_lies_in_its_wants),
		TEST(drop_ins_of_kind_prefix_and_template_apply),
		TEST(a_module_that_is_disabled_is_there_and_not_wanted),
		TEST(a_digest_is_of_the_text),
		TEST(a_long_name_of_what_is_not_run_here_is_left_out),
		TEST(names_say_what_they_are),
		TEST(an_index_finds_what_was_put_into_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
