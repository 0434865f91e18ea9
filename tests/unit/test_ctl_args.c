/* The command line of hakimctl. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <errno.h>
#include <string.h>
#include <cmocka.h>

#include "common/cleanup.h"
#include "supervisor/ctl/args.h"

#define WORDS_MAX 12

struct line {
	char *words[WORDS_MAX]; /* to a NULL */
};

static int parse(const struct args_spec *spec, const struct line *line, struct args *args,
		 struct err *err)
{
	int n = 0;

	while (n < WORDS_MAX && line->words[n])
		n++;
	return args_parse(spec, n, line->words, args, err);
}

static const struct args_spec logs = {ARGS_FOLLOW | ARGS_LINES, 1, 1};
static const struct args_spec many = {ARGS_JSON | ARGS_NO_BLOCK, 0, ARGS_ANY};

static void options_may_stand_anywhere_and_together(void **state)
{
	static const struct {
		struct line line;
		uint64_t lines;
		bool follow;
	} cases[] = {
		{{{"x"}}, 0, false},
		{{{"x", "-f"}}, 0, true},
		{{{"-f", "x", "-n", "5"}}, 5, true},
		{{{"-n5", "x"}}, 5, false},
		{{{"-fn5", "x"}}, 5, true},
		{{{"-fn", "5", "x"}}, 5, true},
		{{{"--lines=7", "x", "--follow"}}, 7, true},
		{{{"--lines", "7", "x"}}, 7, false},
		{{{"-n", "0", "x"}}, 0, false},
		{{{"-n", "007", "x"}}, 7, false},
		{{{"-n", "1", "-n", "2", "x"}}, 2, false},
		{{{"-n", "4294967295", "x"}}, UINT32_MAX, false},
		{{{"-n", "all", "x"}}, ARGS_LINES_ALL, false},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct args args;
		struct err err = {0};

		if (parse(&logs, &cases[i].line, &args, &err) < 0)
			fail_msg("case %zu: %s", i, err.text);
		assert_int_equal(args.lines, cases[i].lines);
		assert_int_equal(!!(args.given & ARGS_FOLLOW), cases[i].follow);
		assert_int_equal(args.n_names, 1);
		assert_string_equal(args.names[0], "x");
		args_free(&args);
	}
}

static void names_keep_their_order_and_may_look_like_options(void **state)
{
	static const struct line line = {{"b", "--json", "a", "-", "--", "--json", "--", "-x"}};
	static const char *const want[] = {"b", "a", "-", "--json", "--", "-x"};
	struct args args;

	assert_int_equal(parse(&many, &line, &args, NULL), 0);
	assert_int_equal(args.given, ARGS_JSON);
	assert_int_equal(args.n_names, ARRAY_LEN(want));
	for (size_t i = 0; i < ARRAY_LEN(want); i++)
		assert_string_equal(args.names[i], want[i]);
	args_free(&args);
}

static void what_is_mistyped_is_said(void **state)
{
	static const struct {
		const struct args_spec *spec;
		struct line line;
		const char *says;
	} cases[] = {
		{&logs, {{NULL}}, "a name is missing"},
		{&logs, {{"a", "b"}}, "\"b\" is one name too many"},
		{&logs, {{""}}, "empty"},
		{&logs, {{"x", "--json"}}, "no option --json"},
		{&logs, {{"x", "-j"}}, "no option -j"},
		{&logs, {{"x", "-fj"}}, "no option -fj"},
		{&logs, {{"x", "--follo"}}, "no option --follo"},
		{&logs, {{"x", "--followe"}}, "no option --followe"},
		{&logs, {{"x", "--follow="}}, "takes no value"},
		{&logs, {{"x", "-n"}}, "-n lacks"},
		{&logs, {{"x", "--lines"}}, "--lines lacks"},
		{&logs, {{"x", "--lines="}}, "no number of lines"},
		{&logs, {{"x", "-n", "-5"}}, "no number of lines"},
		{&logs, {{"x", "-n", "4294967296"}}, "no number of lines"},
		{&logs, {{"x", "-n", "18446744073709551617"}}, "no number of lines"},
		{&logs, {{"x", "-n", "5 "}}, "no number of lines"},
		{&many, {{"--lines=5"}}, "no option --lines=5"},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct args args;
		struct err err = {0};

		assert_int_equal(parse(cases[i].spec, &cases[i].line, &args, &err), -EINVAL);
		if (!strstr(err.text, cases[i].says))
			fail_msg("case %zu says: %s", i, err.text);
		assert_null(args.names);
	}
}

static void help_needs_no_names(void **state)
{
	static const struct line line = {{"-h"}};
	struct args args;

	assert_int_equal(parse(&logs, &line, &args, NULL), 0);
	assert_int_equal(args.given, ARGS_HELP);
	args_free(&args);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_may_stand_anywhere_and_together),
		cmocka_unit_test(names_keep_their_order_and_may_look_like_options),
		cmocka_unit_test(what_is_mistyped_is_said),
		cmocka_unit_test(help_needs_no_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
