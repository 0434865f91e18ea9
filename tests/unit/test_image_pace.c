/* The limit of the rate. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "image/pace.h"

#define SECOND UINT64_C(1000000)
#define NOW    (1000 * SECOND)

static void without_a_limit_nothing_waits(void **state)
{
	struct pace pace = {0};

	pace_take(&pace, NOW, 1 << 30);
	assert_false(pace_ahead(&pace, NOW));
	assert_int_equal(pace_wait(&pace, NOW), 0);
}

static void what_was_taken_is_paid_for_before_the_next(void **state)
{
	struct pace pace = {.limit = 1000};

	assert_false(pace_ahead(&pace, NOW));
	pace_take(&pace, NOW, 100);
	assert_false(pace_ahead(&pace, NOW));
	pace_take(&pace, NOW, 900);
	assert_true(pace_ahead(&pace, NOW));
	assert_int_equal(pace_wait(&pace, NOW), SECOND);
	assert_int_equal(pace_wait(&pace, NOW + SECOND / 2), SECOND / 2);
	assert_int_equal(pace_wait(&pace, NOW + SECOND), 0);
	assert_int_equal(pace_wait(&pace, NOW + 9 * SECOND), 0);
}

static void a_pause_is_made_up_for_but_a_long_one_is_not(void **state)
{
	struct pace pace = {.limit = 1000};

	pace_take(&pace, NOW, 1000);
	/* 0.2 s late. */
	pace_take(&pace, NOW + SECOND + SECOND / 5, 1000);
	assert_int_equal(pace.due, NOW + 2 * SECOND);
	/* An hour late is no hour of bytes. */
	pace_take(&pace, NOW + 3600 * SECOND, 1000);
	assert_int_equal(pace.due, NOW + 3600 * SECOND + 3 * SECOND / 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_limit_nothing_waits),
		cmocka_unit_test(what_was_taken_is_paid_for_before_the_next),
		cmocka_unit_test(a_pause_is_made_up_for_but_a_long_one_is_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
