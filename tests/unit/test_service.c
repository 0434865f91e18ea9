/*
 * The life of a service: the whole table of state × event for each kind of service, held against
 * what must be true of every transition, and the stories that users know.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "supervisor/service.h"

static const struct service_policy simple = {.type = TYPE_SIMPLE};
static const struct service_policy full = {.type = TYPE_NOTIFY,
					   .n_start_pre = 2,
					   .n_stop = 2,
					   .has_probe = true,
					   .restart = RESTART_ALWAYS};

static bool is_rest(enum service_state s)
{
	return s == SERVICE_DEAD || s == SERVICE_SKIPPED || s == SERVICE_FAILED;
}

/* Feeds a row of events and returns the state at the end; the actions of the last one go to
 * *actions. */
static enum service_state story(const struct service_policy *p, struct service_machine *m,
				unsigned *actions, const enum service_event *events, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		*actions = service_step(p, m, events[i]);
		if (*actions & DO_SPAWN_MAIN)
			m->main_alive = true;
	}
	return m->state;
}

#define STORY(p, m, a, ...)                                       \
	story(p, m, a, (const enum service_event[]){__VA_ARGS__}, \
	      sizeof((const enum service_event[]){__VA_ARGS__}) / sizeof(enum service_event))

/* Every state × event × kind of service × flags. */
static void every_transition_keeps_the_rules(void **state)
{
	static const enum unit_type types[] = {TYPE_SIMPLE, TYPE_EXEC, TYPE_ONESHOT, TYPE_NOTIFY};
	unsigned checked = 0;

	for (unsigned kind = 0; kind < 4 * 2 * 2 * 2 * 7; kind++) {
		struct service_policy p = {
			.type = types[kind % 4],
			.n_start_pre = kind / 4 % 2,
			.n_stop = kind / 8 % 2,
			.has_probe = kind / 16 % 2,
			.restart = (enum unit_restart)(kind / 32 % 7),
		};

		for (unsigned flags = 0; flags < 16; flags++) {
			for (enum service_state s = 0; s < SERVICE_STATES; s++) {
				for (enum service_event e = 0; e < SERVICE_EVENTS; e++) {
					struct service_machine m = {
						.state = s,
						.stop_requested = flags & 1,
						.start_again = flags & 2,
						.was_up = flags & 4,
						.main_alive = flags & 8,
						.result = e == EVENT_MAIN_BAD ? RESULT_EXIT_CODE
									      : RESULT_SUCCESS,
					};
					unsigned a = service_step(&p, &m, e);
					unsigned spawns = !!(a & DO_SPAWN_PRE) +
							  !!(a & DO_SPAWN_MAIN) +
							  !!(a & DO_SPAWN_STOP);

					checked++;
					assert_true(m.state < SERVICE_STATES);
					/* One process at a time, and none in the step that ends the
					 * others. */
					assert_true(spawns <= 1);
					assert_false(spawns && (a & (DO_TERM | DO_KILL)));
					/* Nothing runs and nothing is timed where it rests. */
					if (is_rest(m.state))
						assert_int_equal(
							a & (DO_SPAWN_PRE | DO_SPAWN_MAIN |
							     DO_SPAWN_STOP | DO_TIMER_START |
							     DO_TIMER_STOP | DO_TIMER_RESTART |
							     DO_PROBE_ON),
							0);
					/* Coming to rest is told. */
					if (is_rest(m.state) && !is_rest(s))
						assert_true(a & DO_SETTLED);
					/* "Up" is told exactly when it becomes ready. */
					assert_int_equal(!!(a & DO_UP),
							 m.state == SERVICE_RUNNING &&
								 s != SERVICE_RUNNING);
					/* Whoever waits for processes to go has asked to be told.
					 */
					if ((m.state == SERVICE_STOP_SIGTERM ||
					     m.state == SERVICE_STOP_SIGKILL) &&
					    m.state != s)
						assert_true(a & DO_CHECK_EMPTY &&
							    a & DO_TIMER_STOP);
					/* A service that was told to stop does not restart by
					 * itself. */
					if (m.stop_requested)
						assert_int_not_equal(
							m.state == SERVICE_AUTO_RESTART &&
								m.state != s,
							1);
					/* An automatic restart has its timer. */
					if (m.state == SERVICE_AUTO_RESTART && m.state != s)
						assert_true(a & DO_TIMER_RESTART);
					/* No change of state without an action, no action of weight
					 * without one. */
					if (m.state != s)
						assert_int_not_equal(a, 0);
				}
			}
		}
	}
	assert_true(checked > 100000);
}

/* From any state, "stop" and then only timeouts and ends lead to rest in a bounded number of steps.
 */
static void a_stop_always_comes_to_rest(void **state)
{
	for (unsigned kind = 0; kind < 2; kind++) {
		const struct service_policy *p = kind ? &full : &simple;

		for (enum service_state s = 0; s < SERVICE_STATES; s++) {
			struct service_machine m = {.state = s, .main_alive = true};

			service_step(p, &m, EVENT_STOP);
			for (unsigned i = 0; i < 5 && !is_rest(m.state); i++)
				service_step(p, &m, EVENT_TIMEOUT);
			assert_true(is_rest(m.state));
		}
	}
}

static void a_simple_service_is_up_when_forked(void **state)
{
	struct service_machine m = {0};
	unsigned a;

	assert_int_equal(STORY(&simple, &m, &a, EVENT_START, EVENT_GO), SERVICE_RUNNING);
	assert_true(a & DO_SPAWN_MAIN);
	assert_true(a & DO_UP);
	assert_false(a & DO_TIMER_START);
}

static void a_full_start_goes_step_by_step(void **state)
{
	struct service_machine m = {0};
	unsigned a;

	assert_int_equal(STORY(&full, &m, &a, EVENT_START, EVENT_GO), SERVICE_START_PRE);
	assert_int_equal(a, DO_SPAWN_PRE | DO_TIMER_START);
	assert_int_equal(STORY(&full, &m, &a, EVENT_CONTROL_OK), SERVICE_START_PRE);
	assert_int_equal(m.command, 1);
	assert_int_equal(STORY(&full, &m, &a, EVENT_CONTROL_OK), SERVICE_START);
	assert_true(a & DO_SPAWN_MAIN);
	assert_int_equal(STORY(&full, &m, &a, EVENT_EXECED), SERVICE_START);
	assert_int_equal(STORY(&full, &m, &a, EVENT_NOTIFY_READY), SERVICE_READY_WAIT);
	assert_true(a & DO_PROBE_ON);
	assert_int_equal(STORY(&full, &m, &a, EVENT_PROBE_OK), SERVICE_RUNNING);
	assert_int_equal(a, DO_TIMER_OFF | DO_PROBE_OFF | DO_UP);
}

static void a_failed_start_pre_never_runs_the_program(void **state)
{
	struct service_machine m = {0};
	struct service_policy p = full;
	unsigned a;

	p.restart = RESTART_NO;
	STORY(&p, &m, &a, EVENT_START, EVENT_GO);
	m.result = RESULT_EXIT_CODE;
	assert_int_equal(STORY(&p, &m, &a, EVENT_CONTROL_BAD), SERVICE_STOP_SIGTERM);
	assert_false(a & DO_SPAWN_MAIN);
	assert_int_equal(STORY(&p, &m, &a, EVENT_EMPTY), SERVICE_FAILED);
	assert_int_equal(m.result, RESULT_EXIT_CODE);
}

static void a_oneshot_is_done_when_it_has_ended_well(void **state)
{
	struct service_policy p = {.type = TYPE_ONESHOT};
	struct service_machine m = {0};
	unsigned a;

	assert_int_equal(STORY(&p, &m, &a, EVENT_START, EVENT_GO), SERVICE_START);
	m.main_alive = false;
	assert_int_equal(STORY(&p, &m, &a, EVENT_MAIN_OK, EVENT_EMPTY), SERVICE_DEAD);
	assert_true(m.was_up);
	assert_true(a & DO_SETTLED);
}

static void a_notify_service_that_ends_without_ready_has_failed(void **state)
{
	struct service_policy p = {.type = TYPE_NOTIFY};
	struct service_machine m = {0};
	unsigned a;

	assert_int_equal(STORY(&p, &m, &a, EVENT_START, EVENT_GO, EVENT_MAIN_OK, EVENT_EMPTY),
			 SERVICE_FAILED);
	assert_int_equal(m.result, RESULT_PROTOCOL);
}

static void restart_policies_are_systemds(void **state)
{
	static const struct {
		enum unit_restart restart;
		bool success, exit_code, signal, timeout;
	} rows[] = {
		/* systemd.service(5), the table of Restart= */
		{RESTART_NO, false, false, false, false},
		{RESTART_ALWAYS, true, true, true, true},
		{RESTART_ON_SUCCESS, true, false, false, false},
		{RESTART_ON_FAILURE, false, true, true, true},
		{RESTART_ON_ABNORMAL, false, false, true, true},
		{RESTART_ON_ABORT, false, false, true, false},
		{RESTART_ON_WATCHDOG, false, false, false, false},
	};
	static const enum service_result results[] = {RESULT_SUCCESS, RESULT_EXIT_CODE,
						      RESULT_SIGNAL, RESULT_TIMEOUT};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const bool want[] = {rows[i].success, rows[i].exit_code, rows[i].signal,
				     rows[i].timeout};

		for (unsigned r = 0; r < 4; r++) {
			struct service_policy p = {.type = TYPE_SIMPLE, .restart = rows[i].restart};
			struct service_machine m = {
				.state = SERVICE_RUNNING, .was_up = true, .result = results[r]};

			service_step(&p, &m, r == 0 ? EVENT_MAIN_OK : EVENT_MAIN_BAD);
			service_step(&p, &m, EVENT_EMPTY);
			assert_int_equal(m.state == SERVICE_AUTO_RESTART, want[r]);
		}
	}
}

static void a_stop_that_needs_sigkill_has_failed_by_timeout(void **state)
{
	struct service_machine m = {.state = SERVICE_RUNNING, .main_alive = true, .was_up = true};
	unsigned a;

	assert_int_equal(STORY(&simple, &m, &a, EVENT_STOP), SERVICE_STOP_SIGTERM);
	assert_int_equal(STORY(&simple, &m, &a, EVENT_TIMEOUT), SERVICE_STOP_SIGKILL);
	assert_true(a & DO_KILL);
	assert_int_equal(STORY(&simple, &m, &a, EVENT_MAIN_BAD, EVENT_EMPTY), SERVICE_FAILED);
	assert_int_equal(m.result, RESULT_TIMEOUT);
}

static void killed_by_the_stop_signal_is_no_failure(void **state)
{
	struct service_machine m = {.state = SERVICE_RUNNING, .main_alive = true, .was_up = true};
	unsigned a;

	STORY(&simple, &m, &a, EVENT_STOP);
	m.result = RESULT_SIGNAL;
	assert_int_equal(STORY(&simple, &m, &a, EVENT_MAIN_BAD, EVENT_EMPTY), SERVICE_DEAD);
}

static void restart_stops_and_starts_again(void **state)
{
	struct service_machine m = {.state = SERVICE_RUNNING, .main_alive = true, .was_up = true};
	unsigned a;

	assert_int_equal(STORY(&simple, &m, &a, EVENT_RESTART), SERVICE_STOP_SIGTERM);
	assert_int_equal(STORY(&simple, &m, &a, EVENT_MAIN_OK, EVENT_EMPTY), SERVICE_WAITING);
	assert_true(a & DO_WAIT);
	assert_int_equal(STORY(&simple, &m, &a, EVENT_GO), SERVICE_RUNNING);
}

static void stop_beats_a_restart_that_is_under_way(void **state)
{
	struct service_machine m = {.state = SERVICE_RUNNING, .main_alive = true, .was_up = true};
	unsigned a;

	assert_int_equal(
		STORY(&simple, &m, &a, EVENT_RESTART, EVENT_STOP, EVENT_MAIN_OK, EVENT_EMPTY),
		SERVICE_DEAD);
}

static void stop_during_the_pause_before_a_restart_is_final(void **state)
{
	struct service_machine m = {.state = SERVICE_AUTO_RESTART};
	unsigned a;

	assert_int_equal(STORY(&full, &m, &a, EVENT_STOP), SERVICE_DEAD);
	assert_true(a & DO_TIMER_OFF);
	assert_int_equal(STORY(&full, &m, &a, EVENT_RESTART_DUE), SERVICE_DEAD);
}

static void the_stop_commands_run_only_for_a_living_program(void **state)
{
	struct service_machine m = {.state = SERVICE_RUNNING, .main_alive = true, .was_up = true};
	unsigned a;

	assert_int_equal(STORY(&full, &m, &a, EVENT_STOP), SERVICE_STOP);
	assert_true(a & DO_SPAWN_STOP);
	assert_int_equal(STORY(&full, &m, &a, EVENT_CONTROL_OK), SERVICE_STOP);
	assert_int_equal(STORY(&full, &m, &a, EVENT_CONTROL_OK), SERVICE_STOP_SIGTERM);
	m = (struct service_machine){.state = SERVICE_RUNNING, .main_alive = false};
	assert_int_equal(STORY(&full, &m, &a, EVENT_STOP), SERVICE_STOP_SIGTERM);
}

static void the_pause_grows_by_systemds_formula(void **state)
{
	struct unit u = {
		.restart_usec = 1000000, .restart_steps = 5, .restart_max_delay_usec = 32000000};
	struct unit flat = {.restart_usec = 100000, .restart_max_delay_usec = USEC_INFINITY};
	uint64_t last = 0;

	assert_int_equal(service_restart_delay(&u, 1), 1000000);
	for (unsigned n = 1; n <= 6; n++) {
		uint64_t d = service_restart_delay(&u, n);

		assert_true(d >= last * 19 / 10);
		last = d;
	}
	assert_int_equal(service_restart_delay(&u, 6), 32000000);
	assert_int_equal(service_restart_delay(&u, 1000), 32000000);
	assert_int_equal(service_restart_delay(&flat, 1000), 100000);
}

static void all_names_are_there(void **state)
{
	for (enum service_state s = 0; s < SERVICE_STATES; s++) {
		assert_string_not_equal(service_state_name(s), "?");
		assert_string_not_equal(service_active_name(s), "?");
	}
	for (enum service_result r = 0; r < SERVICE_RESULTS; r++)
		assert_string_not_equal(service_result_name(r), "?");
	assert_string_equal(service_state_name(SERVICE_STATES), "?");
}

/* The state is kept by name: what a supervisor writes, every other one reads. */
static void names_lead_back_to_what_they_name(void **state)
{
	for (enum service_state s = 0; s < SERVICE_STATES; s++)
		assert_int_equal(service_state_parse(service_state_name(s), SERVICE_STATES), s);
	for (enum service_result r = 0; r < SERVICE_RESULTS; r++)
		assert_int_equal(service_result_parse(service_result_name(r), SERVICE_RESULTS), r);
	assert_int_equal(service_state_parse("hibernating", SERVICE_DEAD), SERVICE_DEAD);
	assert_int_equal(service_result_parse("", RESULT_EXIT_CODE), RESULT_EXIT_CODE);
}

static void every_state_is_in_one_phase_of_its_life(void **state)
{
	for (enum service_state s = 0; s < SERVICE_STATES; s++) {
		unsigned phases = service_is_at_rest(s) + service_is_starting(s) +
				  service_is_up(s) + service_is_stopping(s) +
				  (s == SERVICE_WAITING) + (s == SERVICE_AUTO_RESTART);

		assert_int_equal(phases, 1);
		assert_int_equal(service_settled(s), service_is_at_rest(s) || service_is_up(s) ||
							     s == SERVICE_AUTO_RESTART);
		assert_int_equal(service_is_active(s), service_is_starting(s) || service_is_up(s) ||
							       service_is_stopping(s));
		assert_int_equal(is_rest(s), service_is_at_rest(s));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_transition_keeps_the_rules),
		cmocka_unit_test(a_stop_always_comes_to_rest),
		cmocka_unit_test(a_simple_service_is_up_when_forked),
		cmocka_unit_test(a_full_start_goes_step_by_step),
		cmocka_unit_test(a_failed_start_pre_never_runs_the_program),
		cmocka_unit_test(a_oneshot_is_done_when_it_has_ended_well),
		cmocka_unit_test(a_notify_service_that_ends_without_ready_has_failed),
		cmocka_unit_test(restart_policies_are_systemds),
		cmocka_unit_test(a_stop_that_needs_sigkill_has_failed_by_timeout),
		cmocka_unit_test(killed_by_the_stop_signal_is_no_failure),
		cmocka_unit_test(restart_stops_and_starts_again),
		cmocka_unit_test(stop_beats_a_restart_that_is_under_way),
		cmocka_unit_test(stop_during_the_pause_before_a_restart_is_final),
		cmocka_unit_test(the_stop_commands_run_only_for_a_living_program),
		cmocka_unit_test(the_pause_grows_by_systemds_formula),
		cmocka_unit_test(all_names_are_there),
		cmocka_unit_test(names_lead_back_to_what_they_name),
		cmocka_unit_test(every_state_is_in_one_phase_of_its_life),
	};

	return cmocka_run_group_tests_name("service", tests, NULL, NULL);
}
