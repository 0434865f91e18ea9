/*
 * test_systemctl_options.c - the command line of systemctl(1).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "common/cleanup.h"
#include "supervisor/ctl/systemctl_options.h"

#define WORDS_MAX 16

/* "systemctl" and the words. */
static int parse(struct systemctl_options *o, struct err *err, const char *const *words, size_t n)
{
	static char *argv[WORDS_MAX];

	assert_true(n + 2 <= WORDS_MAX);
	argv[0] = (char *)"systemctl";
	for (size_t i = 0; i < n; i++)
		argv[i + 1] = (char *)words[i];
	argv[n + 1] = NULL;
	*err = (struct err){0};
	return systemctl_options_parse((int)n + 1, argv, o, err);
}

#define PARSE(...)                                          \
	parse(&o, &err, (const char *const[]){__VA_ARGS__}, \
	      sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

static void test_options_stand_anywhere(void **state)
{
	_cleanup_(systemctl_options_free) struct systemctl_options o = {0};
	struct err err;

	assert_int_equal(PARSE("enable", "--now", "nginx", "-q", "ssh", "--no-pager"), 0);
	assert_true(o.now);
	assert_true(o.quiet);
	assert_false(o.no_block);
	assert_int_equal(o.n_words, 3);
	assert_string_equal(o.words[0], "enable");
	assert_string_equal(o.words[1], "nginx");
	assert_string_equal(o.words[2], "ssh");
}

static void test_forms_and_directions(void **state)
{
	_cleanup_(systemctl_options_free) struct systemctl_options o = {0};
	struct err err;

	assert_int_equal(PARSE("list-units", "-o", "cat", "--wait"), 0);
	assert_true(o.wait);
	assert_false(o.json || o.reverse || o.after || o.before || o.plain);
	assert_int_equal(PARSE("list-dependencies", "--output=json-pretty", "--reverse", "--plain",
			       "-T", "-v", "x"),
			 0);
	assert_true(o.json && o.reverse && o.plain);
	assert_int_equal(o.n_words, 2);
	assert_int_equal(PARSE("list-dependencies", "--after", "--before"), 0);
	assert_true(o.after && o.before);
}

static void test_behind_two_dashes_all_are_names(void **state)
{
	_cleanup_(systemctl_options_free) struct systemctl_options o = {0};
	struct err err;

	assert_int_equal(PARSE("--quiet", "is-active", "--", "-x.service"), 0);
	assert_int_equal(o.n_words, 2);
	assert_string_equal(o.words[1], "-x.service");
}

static void test_lists_are_split_and_added_to(void **state)
{
	_cleanup_(systemctl_options_free) struct systemctl_options o = {0};
	struct err err;

	assert_int_equal(PARSE("show", "-p", "MainPID,Id", "--property=Type", "-t", "service",
			       "--state=failed,active", "x"),
			 0);
	assert_int_equal(o.properties.n, 3);
	assert_string_equal(o.properties.v[0], "MainPID");
	assert_string_equal(o.properties.v[1], "Id");
	assert_string_equal(o.properties.v[2], "Type");
	assert_int_equal(o.types.n, 1);
	assert_int_equal(o.states.n, 2);
	assert_false(o.value);
}

static void test_p_and_capital_p(void **state)
{
	_cleanup_(systemctl_options_free) struct systemctl_options o = {0};
	struct err err;

	assert_int_equal(PARSE("show", "-P", "MainPID", "x"), 0);
	assert_true(o.value);
	assert_int_equal(o.properties.n, 1);
}

static void test_the_last_scope_counts(void **state)
{
	struct systemctl_options o = {0};
	struct err err;

	assert_int_equal(PARSE("--user", "start", "x"), 0);
	assert_true(o.user);
	systemctl_options_free(&o);
	assert_int_equal(PARSE("--user", "start", "x", "--system"), 0);
	assert_false(o.user);
	systemctl_options_free(&o);
}

static void test_lines(void **state)
{
	struct systemctl_options o = {0};
	struct err err;

	assert_int_equal(PARSE("status", "x"), 0);
	assert_int_equal(o.lines, SC_LINES_DEFAULT);
	systemctl_options_free(&o);
	assert_int_equal(PARSE("status", "-n0", "x"), 0);
	assert_int_equal(o.lines, 0);
	systemctl_options_free(&o);
	assert_int_equal(PARSE("status", "--lines=all", "x"), 0);
	assert_true(o.lines == UINT64_MAX);
	systemctl_options_free(&o);
	assert_int_equal(PARSE("status", "-n", "-1", "x"), -EINVAL);
	assert_non_null(strstr(err.text, "'-1'"));
	assert_int_equal(PARSE("status", "-n", "5x", "x"), -EINVAL);
}

static void test_other_machines_are_refused(void **state)
{
	static const char *const options[] = {"--root=/mnt", "--host=a", "-Mb", "--image=c",
					      "--dry-run"};
	struct systemctl_options o = {0};
	struct err err;

	for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++) {
		assert_int_equal(PARSE("enable", options[i], "x"), -EINVAL);
		assert_non_null(strstr(err.text, "are not to be had here"));
	}
}

static void test_the_own_tree_is_no_other(void **state)
{
	struct systemctl_options o = {0};
	struct err err;

	assert_int_equal(PARSE("--root=/", "--system", "--preset-mode=enable-only", "preset", "x"),
			 0);
	assert_true(o.enable_only);
	assert_int_equal(o.n_words, 2);
	systemctl_options_free(&o);
}

static void test_an_unknown_option_is_an_error(void **state)
{
	struct systemctl_options o = {0};
	struct err err;

	assert_int_equal(PARSE("start", "--frobnicate", "x"), -EINVAL);
	assert_int_equal(PARSE("start", "x", "--signal"), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_options_stand_anywhere),
		cmocka_unit_test(test_forms_and_directions),
		cmocka_unit_test(test_behind_two_dashes_all_are_names),
		cmocka_unit_test(test_lists_are_split_and_added_to),
		cmocka_unit_test(test_p_and_capital_p),
		cmocka_unit_test(test_the_last_scope_counts),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_other_machines_are_refused),
		cmocka_unit_test(test_the_own_tree_is_no_other),
		cmocka_unit_test(test_an_unknown_option_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
