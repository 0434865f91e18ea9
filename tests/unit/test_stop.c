/* The end of the container: every phase × event, and that it always ends. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "init/stop.h"

static void nothing_but_a_request_or_the_programs_end_begins_a_stop(void **state)
{
	unsigned actions;

	for (enum stop_event e = 0; e < STOP_EVENTS; e++) {
		enum stop_phase to = stop_step(STOP_NONE, e, &actions);

		if (e == STOP_EVENT_REQUEST || e == STOP_EVENT_PROGRAM_ENDED) {
			assert_int_equal(to, STOP_ORDERED);
			assert_true(actions & STOP_ACT_TELL);
		} else {
			assert_int_equal(to, STOP_NONE);
			assert_int_equal(actions, 0);
		}
	}
}

static void a_program_that_has_ended_is_not_signalled(void **state)
{
	unsigned actions;

	stop_step(STOP_NONE, STOP_EVENT_PROGRAM_ENDED, &actions);
	assert_false(actions & STOP_ACT_PROGRAM);
	stop_step(STOP_NONE, STOP_EVENT_REQUEST, &actions);
	assert_true(actions & STOP_ACT_PROGRAM);
}

static void no_event_ever_leads_back(void **state)
{
	for (enum stop_phase p = 0; p < STOP_PHASES; p++) {
		for (enum stop_event e = 0; e < STOP_EVENTS; e++) {
			unsigned actions;

			assert_true(stop_step(p, e, &actions) >= p);
		}
	}
}

static void timeouts_alone_end_every_stop(void **state)
{
	enum stop_phase p = STOP_ORDERED;
	unsigned seen = 0;
	unsigned actions;

	for (unsigned i = 0; i < STOP_PHASES; i++) {
		p = stop_step(p, STOP_EVENT_TIMEOUT, &actions);
		seen |= actions;
	}
	assert_int_equal(p, STOP_DONE);
	assert_true(seen & STOP_ACT_TERM_ALL);
	assert_true(seen & STOP_ACT_KILL_ALL);
}

static void a_second_request_shortens_and_a_third_kills(void **state)
{
	unsigned actions;

	assert_int_equal(stop_step(STOP_ORDERED, STOP_EVENT_REQUEST, &actions), STOP_TERM);
	assert_true(actions & STOP_ACT_SHORTEN);
	assert_int_equal(stop_step(STOP_TERM, STOP_EVENT_REQUEST, &actions), STOP_KILL);
	assert_true(actions & STOP_ACT_KILL_ALL);
}

static void without_a_supervisor_sigterm_gets_the_time_that_is_left(void **state)
{
	unsigned actions;

	assert_int_equal(stop_step(STOP_ORDERED, STOP_EVENT_LOST, &actions), STOP_TERM);
	assert_int_equal(actions, STOP_ACT_TERM_ALL | STOP_ACT_LONG_TERM);
}

static void an_empty_container_is_done_in_every_later_phase(void **state)
{
	unsigned actions;

	for (enum stop_phase p = STOP_ORDERED; p < STOP_PHASES; p++)
		assert_int_equal(stop_step(p, STOP_EVENT_EMPTY, &actions), STOP_DONE);
}

static void done_is_done(void **state)
{
	for (enum stop_event e = 0; e < STOP_EVENTS; e++) {
		unsigned actions;

		assert_int_equal(stop_step(STOP_DONE, e, &actions), STOP_DONE);
		assert_int_equal(actions, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_but_a_request_or_the_programs_end_begins_a_stop),
		cmocka_unit_test(a_program_that_has_ended_is_not_signalled),
		cmocka_unit_test(no_event_ever_leads_back),
		cmocka_unit_test(timeouts_alone_end_every_stop),
		cmocka_unit_test(a_second_request_shortens_and_a_third_kills),
		cmocka_unit_test(without_a_supervisor_sigterm_gets_the_time_that_is_left),
		cmocka_unit_test(an_empty_container_is_done_in_every_later_phase),
		cmocka_unit_test(done_is_done),
	};

	return cmocka_run_group_tests_name("stop", tests, NULL, NULL);
}
