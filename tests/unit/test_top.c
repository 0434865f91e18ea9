#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "supervisor/ctl/top_rows.h"

#define AT(us) "[{\"type\":\"manager\",\"now_us\":" us "}"
#define UNIT(name, cpu, memory)                                                                \
	",{\"type\":\"unit\",\"name\":\"" name "\",\"active\":\"active\",\"sub\":\"running\"," \
	"\"since_us\":1000000,\"restarts\":0,\"tasks\":1,\"cpu_run_us\":" cpu                  \
	",\"memory\":" memory "}"

static json_t *before, *now;
static struct top top;

static void read_both(const char *first, const char *second, enum top_sort sort)
{
	before = first ? json_loads(first, 0, NULL) : NULL;
	now = json_loads(second, 0, NULL);
	assert_non_null(now);
	assert_int_equal(top_read(before, now, sort, &top), 0);
}

static int clean(void **state)
{
	top_free(&top);
	json_decref(before);
	json_decref(now);
	before = now = NULL;
	return 0;
}

static const struct top_row *row(const char *name)
{
	for (size_t i = 0; i < top.n; i++)
		if (strcmp(top.v[i].name, name) == 0)
			return &top.v[i];
	fail_msg("%s is not there", name);
	return NULL;
}

static void the_share_is_what_was_used_between_two_answers(void **state)
{
	read_both(AT("2000000") UNIT("idle", "500", "1") UNIT("half", "1000000", "1") "]",
		  AT("4000000") UNIT("idle", "500", "1") UNIT("half", "2000000", "1")
			  UNIT("new", "20000", "1") UNIT("none", "null", "null") "]",
		  TOP_CPU);
	assert_int_equal(top.n, 4);
	assert_int_equal(row("half")->cpu, 500);
	assert_int_equal(row("idle")->cpu, 0);
	assert_int_equal(row("new")->cpu, -1);
	assert_int_equal(row("none")->cpu, -1);
	assert_int_equal(row("half")->uptime_us, 3000000);
	assert_string_equal(top.v[0].name, "half");
}

static void a_new_run_counts_anew_and_one_answer_alone_tells_no_share(void **state)
{
	read_both(AT("2000000") UNIT("a", "9000000", "1") "]",
		  AT("3000000") UNIT("a", "100000", "1") "]", TOP_CPU);
	assert_int_equal(row("a")->cpu, 100);
	clean(NULL);
	read_both(NULL, AT("3000000") UNIT("a", "100000", "1") "]", TOP_CPU);
	assert_int_equal(row("a")->cpu, -1);
	clean(NULL);
	/* A clock that stands still, or none at all. */
	read_both(AT("3000000") UNIT("a", "1", "1") "]", AT("3000000") UNIT("a", "2", "1") "]",
		  TOP_CPU);
	assert_int_equal(row("a")->cpu, -1);
}

static void the_order_is_as_asked_and_by_name_among_equals(void **state)
{
	static const char *const words[] = {"cpu", "m", "restarts", "n"};
	enum top_sort sort;

	read_both(NULL, AT("9") UNIT("b", "1", "5") UNIT("c", "1", "9") UNIT("a", "1", "5") "]",
		  TOP_MEMORY);
	assert_string_equal(top.v[0].name, "c");
	assert_string_equal(top.v[1].name, "a");
	assert_string_equal(top.v[2].name, "b");
	for (unsigned i = 0; i < TOP_SORTS; i++) {
		assert_true(top_sort_of(words[i], &sort));
		assert_int_equal(sort, i);
	}
	assert_false(top_sort_of("", &sort) || top_sort_of("cp", &sort) || top_sort_of("x", &sort));
}

static void no_line_is_wider_than_the_terminal(void **state)
{
	static const size_t widths[] = {20, 40, 80};

	read_both(NULL,
		  AT("9") UNIT("a-name-that-goes-on-and-on-and-on-and-on-and-on-and-on-and-on-and-"
			       "on-and-on-and-on.service",
			       "1", "12345678") "]",
		  TOP_CPU);
	for (size_t i = 0; i < sizeof(widths) / sizeof(widths[0]); i++) {
		struct look look = {.width = widths[i]};
		char *text = NULL, *rest, *line;
		size_t size;
		FILE *out = open_memstream(&text, &size);

		assert_non_null(out);
		assert_int_equal(top_put(&top, &look, out), 0);
		fclose(out);
		assert_non_null(strstr(text, "..."));
		rest = text;
		while ((line = strsep(&rest, "\n")))
			assert_true(strlen(line) <= widths[i]);
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(the_share_is_what_was_used_between_two_answers, clean),
		cmocka_unit_test_teardown(a_new_run_counts_anew_and_one_answer_alone_tells_no_share,
					  clean),
		cmocka_unit_test_teardown(the_order_is_as_asked_and_by_name_among_equals, clean),
		cmocka_unit_test_teardown(no_line_is_wider_than_the_terminal, clean),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
