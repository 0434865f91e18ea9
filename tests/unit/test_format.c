/* PID 1's own little printf, against the C library's. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <inttypes.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "init/format.h"

#define SAME(size, ...)                                                 \
	do {                                                            \
		char mine[256] = "xxxx", theirs[256] = "xxxx";          \
		size_t a = format_text(mine, size, __VA_ARGS__);        \
		size_t b = (size_t)snprintf(theirs, size, __VA_ARGS__); \
		assert_int_equal(a, b);                                 \
		assert_string_equal(mine, theirs);                      \
	} while (0)

static void it_says_what_printf_says(void **state)
{
	SAME(256, "plain");
	SAME(256, "%s and %s", "one", "");
	SAME(256, "%.3s|%.36s|%.*s", "abcdef", "short", 2, "xyz");
	SAME(256, "%d %d %d %d", 0, -1, INT_MAX, INT_MIN);
	SAME(256, "%u %x %02x %02x", UINT_MAX, 48879, 7, 255);
	SAME(256, "%ld %lu %lld %llu", LONG_MIN, ULONG_MAX, LLONG_MIN, ULLONG_MAX);
	SAME(256, "%" PRId64 " %" PRIu64, INT64_MIN, UINT64_MAX);
	SAME(256, "100 %% of %c", 'x');
}

static void it_cuts_what_does_not_fit(void **state)
{
	SAME(1, "%s", "abc");
	SAME(3, "%s", "abc");
	SAME(4, "%s", "abc");
	SAME(5, "%d", 1234567);
	assert_int_equal(format_text(NULL, 0, "%s", "abc"), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_says_what_printf_says),
		cmocka_unit_test(it_cuts_what_does_not_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
