/* test_text_buf.c - the text is libc's, and a line is there as a whole or not at all. */
#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/cleanup.h"
#include "supervisor/text_buf.h"

#define SAME(fmt, ...)                                                    \
	do {                                                              \
		_cleanup_(text_free) struct text_buf text = {0};          \
		char want[200];                                           \
		int n = snprintf(want, sizeof(want), fmt, ##__VA_ARGS__); \
                                                                          \
		assert_int_equal(text_add(&text, fmt, ##__VA_ARGS__), 0); \
		assert_int_equal(text.len, n);                            \
		assert_memory_equal(text.v, want, n);                     \
	} while (0)

static void every_conversion_says_what_libc_says(void **state)
{
	static const int ints[] = {0, 1, -1, 9, 10, -10, 99, INT_MAX, INT_MIN};
	static const unsigned long long large[] = {0, 9, 10, 4294967296ull, UINT64_MAX};

	for (size_t i = 0; i < ARRAY_LEN(ints); i++)
		SAME("a %d b %u\n", ints[i], (unsigned)ints[i]);
	for (size_t i = 0; i < ARRAY_LEN(large); i++)
		SAME("%llu%llu", large[i], large[ARRAY_LEN(large) - 1 - i]);
	SAME("service %s\n", "x.service");
	SAME("%s%s", "", "y");
	SAME("100%% of %s", "%s");
	for (int max = 0; max < 6; max++)
		SAME("[%.*s]", max, "abcd");
	SAME("[%.*s]", -1, "abcd");
}

static void it_grows_and_keeps_what_it_had(void **state)
{
	_cleanup_(text_free) struct text_buf text = {0};
	char line[40];

	for (unsigned i = 0; i < 20000; i++)
		assert_int_equal(text_add(&text, "line %u of many\n", i), 0);
	for (size_t at = 0, i = 0; at < text.len; i++) {
		int n = snprintf(line, sizeof(line), "line %zu of many\n", i);

		assert_true(at + (size_t)n <= text.len);
		assert_memory_equal(text.v + at, line, n);
		at += (size_t)n;
	}
}

static void a_line_that_cannot_be_is_not_begun(void **state)
{
	_cleanup_(text_free) struct text_buf text = {0};
	const char *volatile fmt = "%s then %x";

	assert_int_equal(text_add(&text, "first\n"), 0);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	assert_int_equal(text_add(&text, fmt, "second", 3), -EINVAL);
#pragma GCC diagnostic pop
	assert_int_equal(text.len, strlen("first\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_conversion_says_what_libc_says),
		cmocka_unit_test(it_grows_and_keeps_what_it_had),
		cmocka_unit_test(a_line_that_cannot_be_is_not_begun),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
