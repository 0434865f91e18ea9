/* When the supervisor is started again, and how. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "init/policy.h"

#define MS(n) ((n)*1000000ull)

static void the_first_crash_is_answered_at_once(void **state)
{
	struct supervise_history h = {0};
	struct supervise_decision d = supervise_next(&h, SUPERVISE_CRASHED, MS(1000), MS(500));

	assert_int_equal(d.delay_ns, 0);
	assert_false(d.fresh);
	assert_false(d.drain);
}

static void five_crashes_in_ten_seconds_start_it_without_its_state(void **state)
{
	struct supervise_history h = {0};
	struct supervise_decision d = {0};

	for (unsigned i = 0; i < 5; i++) {
		assert_false(d.fresh);
		d = supervise_next(&h, SUPERVISE_CRASHED, MS(1000) + i * MS(1500), MS(100));
	}
	assert_true(d.fresh);
	assert_false(d.drain);
}

static void five_slow_crashes_do_not(void **state)
{
	struct supervise_history h = {0};

	for (unsigned i = 0; i < 50; i++)
		assert_false(supervise_next(&h, SUPERVISE_CRASHED, MS(1000) + i * MS(3000), MS(100))
				     .fresh);
}

static void five_more_crashes_have_the_logs_drained(void **state)
{
	struct supervise_history h = {0};
	struct supervise_decision d = {0};

	for (unsigned i = 0; i < 10; i++)
		d = supervise_next(&h, SUPERVISE_CRASHED, MS(1000) + i * MS(100), 0);
	assert_true(d.fresh);
	assert_true(d.drain);
	assert_int_equal(d.delay_ns, MS(5000));
}

static void kills_from_outside_never_cost_the_state(void **state)
{
	struct supervise_history h = {0};

	for (unsigned i = 0; i < 1000; i++) {
		struct supervise_decision d =
			supervise_next(&h, SUPERVISE_KILLED, MS(1000) + i * MS(10), MS(1));

		assert_false(d.fresh);
		assert_true(d.delay_ns <= MS(20));
	}
}

/* A hang takes ten seconds to be found: five of them never fit into the window. */
static void a_hang_counts_as_five_crashes_unless_it_was_stable(void **state)
{
	struct supervise_history h = {0};

	assert_true(supervise_next(&h, SUPERVISE_HUNG, MS(20000), MS(100)).fresh);
	assert_true(supervise_next(&h, SUPERVISE_HUNG, MS(31000), MS(100)).drain);
	h = (struct supervise_history){0};
	assert_false(supervise_next(&h, SUPERVISE_HUNG, MS(60000), MS(30000)).fresh);
}

static void a_stable_life_makes_good(void **state)
{
	struct supervise_history h = {0};
	struct supervise_decision d;

	for (unsigned i = 0; i < 12; i++)
		supervise_next(&h, SUPERVISE_CRASHED, MS(1000) + i * MS(100), 0);
	d = supervise_next(&h, SUPERVISE_CRASHED, MS(60000), MS(11000));
	assert_int_equal(d.delay_ns, 0);
	assert_false(d.fresh);
	assert_false(d.drain);
}

static void the_delay_is_capped(void **state)
{
	struct supervise_history h = {0};
	uint64_t last = 0;

	for (unsigned i = 0; i < 40; i++) {
		struct supervise_decision d =
			supervise_next(&h, SUPERVISE_CRASHED, MS(1000) + i * MS(4000), 0);

		assert_true(d.delay_ns >= last);
		last = d.delay_ns;
	}
	assert_int_equal(last, MS(1000));
}

static void on_purpose_is_at_once_and_no_crash(void **state)
{
	struct supervise_history h = {0};

	for (unsigned i = 0; i < 100; i++) {
		struct supervise_decision d =
			supervise_next(&h, SUPERVISE_ON_PURPOSE, MS(1000) + i, 0);

		assert_int_equal(d.delay_ns, 0);
		assert_false(d.fresh);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_crash_is_answered_at_once),
		cmocka_unit_test(five_crashes_in_ten_seconds_start_it_without_its_state),
		cmocka_unit_test(five_slow_crashes_do_not),
		cmocka_unit_test(five_more_crashes_have_the_logs_drained),
		cmocka_unit_test(kills_from_outside_never_cost_the_state),
		cmocka_unit_test(a_hang_counts_as_five_crashes_unless_it_was_stable),
		cmocka_unit_test(a_stable_life_makes_good),
		cmocka_unit_test(the_delay_is_capped),
		cmocka_unit_test(on_purpose_is_at_once_and_no_crash),
	};

	return cmocka_run_group_tests_name("policy", tests, NULL, NULL);
}
