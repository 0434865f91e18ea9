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
					   .n_start = 1,
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

#define SPAWNS(a) ((unsigned)__builtin_popcount((a)&DO_SPAWN))

/* What must be true of a step from `s` by `e`, whatever the service. */
static void check_step(enum service_state s, const struct service_machine *m, unsigned a)
{
	assert_true(m->state < SERVICE_STATES);
	/* One process at a time, and none in the step that ends the others. */
	assert_true(SPAWNS(a) <= 1);
	assert_false(SPAWNS(a) && (a & (DO_TERM | DO_KILL | DO_ABORT)));
	/* Nothing runs and nothing is timed where it rests. */
	if (is_rest(m->state))
		assert_int_equal(a & (DO_SPAWN | DO_TIMER_START | DO_TIMER_STOP | DO_TIMER_ABORT |
				      DO_TIMER_RESTART | DO_PROBE_ON | DO_FIND_MAIN | DO_WATCH),
				 0);
	/* Coming to rest is told. */
	if (is_rest(m->state) && !is_rest(s))
		assert_true(a & DO_SETTLED);
	/* "Up" is told exactly when it becomes ready, and not again after a reload. */
	assert_int_equal(!!(a & DO_UP), service_is_up(m->state) && !service_is_up(s));
	/* Whoever waits for processes to go has asked to be told, and has a deadline. */
	if (m->state != s &&
	    (m->state == SERVICE_STOP_SIGTERM || m->state == SERVICE_STOP_SIGKILL ||
	     m->state == SERVICE_FINAL_SIGTERM || m->state == SERVICE_FINAL_SIGKILL ||
	     m->state == SERVICE_STOP_WATCHDOG))
		assert_true(a & DO_CHECK_EMPTY && a & (DO_TIMER_STOP | DO_TIMER_ABORT));
	/* A command that is waited for was started, and on the way down has a deadline. */
	if (m->state != s && (m->state == SERVICE_STOP || m->state == SERVICE_STOP_POST))
		assert_true(SPAWNS(a) && a & DO_TIMER_STOP);
	if (m->state != s && m->state == SERVICE_RELOAD)
		assert_true(a & DO_SPAWN_RELOAD && a & DO_TIMER_START);
	/* A service that was told to stop does not restart by itself. */
	if (m->stop_requested)
		assert_false(m->state == SERVICE_AUTO_RESTART && m->state != s);
	/* An automatic restart has its timer. */
	if (m->state == SERVICE_AUTO_RESTART && m->state != s)
		assert_true(a & DO_TIMER_RESTART);
	/* No change of state without an action. */
	if (m->state != s)
		assert_int_not_equal(a, 0);
}

static unsigned check_machines(const struct service_policy *p)
{
	unsigned checked = 0;

	for (unsigned flags = 0; flags < 64; flags++) {
		for (enum service_state s = 0; s < SERVICE_STATES; s++) {
			for (enum service_event e = 0; e < SERVICE_EVENTS; e++) {
				struct service_machine m = {
					.state = s,
					.stop_requested = flags & 1,
					.start_again = flags & 2,
					.was_up = flags & 4,
					.main_alive = flags & 8,
					.mainless = flags & 16,
					.searching = flags & 32,
					.result = e == EVENT_MAIN_BAD ? RESULT_EXIT_CODE
								      : RESULT_SUCCESS,
				};

				check_step(s, &m, service_step(p, &m, e));
				checked++;
			}
		}
	}
	return checked;
}

/* Every state × event × kind of service × flags. */
static void every_transition_keeps_the_rules(void **state)
{
	unsigned checked = 0;

	for (unsigned kind = 0; kind < 7 * 256; kind++) {
		unsigned bits = kind / 7 % 256;
		struct service_policy p = {
			.type = (enum unit_type)(kind % 7),
			.n_condition = bits & 1,
			.n_start_pre = bits >> 1 & 1,
			.n_start = 1 + (bits >> 2 & 1),
			.n_start_post = bits >> 3 & 1,
			.n_reload = bits >> 2 & 1,
			.n_stop = bits >> 4 & 1,
			.n_stop_post = bits >> 5 & 1,
			.has_probe = bits >> 6 & 1,
			.remain_after_exit = bits >> 7 & 1,
			.no_sigkill = kind % 5 == 0,
			.restart = (enum unit_restart)(kind % 7),
			.start_timeout_mode = (enum unit_timeout_mode)(kind / 6 % 3),
			.stop_timeout_mode = (enum unit_timeout_mode)(kind / 6 % 3),
		};

		checked += check_machines(&p);
	}
	assert_true(checked > 1000000);
}

/* From any state, "stop" and then only timeouts and ends lead to rest in a bounded number of steps.
 */
static void a_stop_always_comes_to_rest(void **state)
{
	for (unsigned kind = 0; kind < 24; kind++) {
		struct service_policy p = kind % 2 ? full : simple;

		p.n_stop_post = kind / 2 % 2;
		p.no_sigkill = kind / 4 % 2;
		p.stop_timeout_mode = (enum unit_timeout_mode)(kind / 8);
		for (enum service_state s = 0; s < SERVICE_STATES; s++) {
			struct service_machine m = {.state = s, .main_alive = true};

			service_step(&p, &m, EVENT_STOP);
			for (unsigned i = 0; i < 8 && !is_rest(m.state); i++)
				service_step(&p, &m, EVENT_TIMEOUT);
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

static void a_job_that_waits_too_long_fails_by_timeout(void **state)
{
	struct service_machine m = {0};
	unsigned a;

	assert_int_equal(STORY(&full, &m, &a, EVENT_START, EVENT_TIMEOUT), SERVICE_FAILED);
	assert_int_equal(m.result, RESULT_TIMEOUT);
	assert_true(a & DO_SETTLED);
	assert_int_equal(STORY(&full, &m, &a, EVENT_TIMEOUT), SERVICE_FAILED);
	assert_int_equal(a, 0);
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
	struct service_policy p = {.type = TYPE_ONESHOT, .n_start = 1};
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

static void a_dbus_service_is_up_with_its_name_and_stops_without(void **state)
{
	struct service_policy p = {.type = TYPE_DBUS, .n_start = 1, .restart = RESTART_ON_FAILURE};
	struct service_machine m = {0};
	unsigned a;

	assert_int_equal(STORY(&p, &m, &a, EVENT_START, EVENT_GO), SERVICE_START);
	assert_int_equal(STORY(&p, &m, &a, EVENT_NOTIFY_READY, EVENT_BUS_LOST), SERVICE_START);
	assert_int_equal(STORY(&p, &m, &a, EVENT_BUS_NAME), SERVICE_RUNNING);
	assert_true(a & DO_UP);
	assert_int_equal(STORY(&p, &m, &a, EVENT_BUS_NAME), SERVICE_RUNNING);
	/* Not a failure: Restart=on-failure does not start it again, as in systemd. */
	assert_int_equal(STORY(&p, &m, &a, EVENT_BUS_LOST), SERVICE_STOP_SIGTERM);
	assert_int_equal(STORY(&p, &m, &a, EVENT_MAIN_OK, EVENT_EMPTY), SERVICE_DEAD);
	/* It ends well before it has its name. */
	assert_int_equal(STORY(&p, &m, &a, EVENT_START, EVENT_GO, EVENT_MAIN_OK, EVENT_EMPTY),
			 SERVICE_DEAD);
	/* Others do not look at the bus. */
	p.type = TYPE_NOTIFY;
	assert_int_equal(STORY(&p, &m, &a, EVENT_START, EVENT_GO, EVENT_BUS_NAME), SERVICE_START);
}

static void restart_policies_are_systemds(void **state)
{
	static const struct {
		enum unit_restart restart;
		const char *again; /* a letter for each result that is restarted */
	} rows[] = {
		/* systemd.service(5), the table of Restart= */
		{RESTART_NO, ""},
		{RESTART_ALWAYS, "0estcwup"},
		{RESTART_ON_SUCCESS, "0"},
		{RESTART_ON_FAILURE, "estcwup"},
		{RESTART_ON_ABNORMAL, "stcwup"},
		{RESTART_ON_ABORT, "sc"},
		{RESTART_ON_WATCHDOG, "wu"},
	};
	static const struct {
		char letter;
		enum service_result result;
	} results[] = {
		{'0', RESULT_SUCCESS},   {'e', RESULT_EXIT_CODE}, {'s', RESULT_SIGNAL},
		{'t', RESULT_TIMEOUT},   {'c', RESULT_CORE_DUMP}, {'w', RESULT_WATCHDOG},
		{'u', RESULT_UNHEALTHY}, {'p', RESULT_PROTOCOL},  {'-', RESULT_EXEC_CONDITION},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (unsigned r = 0; r < sizeof(results) / sizeof(results[0]); r++) {
			struct service_policy p = {.type = TYPE_SIMPLE, .restart = rows[i].restart};
			struct service_machine m = {.state = SERVICE_RUNNING,
						    .was_up = true,
						    .result = results[r].result};

			service_step(&p, &m, r == 0 ? EVENT_MAIN_OK : EVENT_MAIN_BAD);
			service_step(&p, &m, EVENT_EMPTY);
			assert_int_equal(m.state == SERVICE_AUTO_RESTART,
					 strchr(rows[i].again, results[r].letter) != NULL);
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

/* systemd.service(5), ExecStop=: also where it ended well by itself, never where the start failed.
 */
static void the_stop_commands_run_for_what_was_up(void **state)
{
	struct service_machine m = {.state = SERVICE_RUNNING, .main_alive = true, .was_up = true};
	unsigned a;

	assert_int_equal(STORY(&full, &m, &a, EVENT_STOP), SERVICE_STOP);
	assert_true(a & DO_SPAWN_STOP);
	assert_int_equal(STORY(&full, &m, &a, EVENT_CONTROL_OK), SERVICE_STOP);
	assert_int_equal(STORY(&full, &m, &a, EVENT_CONTROL_OK), SERVICE_STOP_SIGTERM);
	m = (struct service_machine){.state = SERVICE_RUNNING};
	assert_int_equal(STORY(&full, &m, &a, EVENT_MAIN_OK), SERVICE_STOP);
	m = (struct service_machine){.state = SERVICE_RUNNING};
	assert_int_equal(STORY(&full, &m, &a, EVENT_MAIN_BAD), SERVICE_STOP_SIGTERM);
	m = (struct service_machine){.state = SERVICE_START};
	assert_int_equal(STORY(&full, &m, &a, EVENT_STOP), SERVICE_STOP_SIGTERM);
	/* One that fails ends the row. */
	m = (struct service_machine){.state = SERVICE_STOP};
	assert_int_equal(STORY(&full, &m, &a, EVENT_CONTROL_BAD), SERVICE_STOP_SIGTERM);
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

static void the_pause_is_never_longer_than_the_formula_and_at_most_a_tenth_shorter(void **state)
{
	struct unit u = {
		.restart_usec = 1000000, .restart_steps = 5, .restart_max_delay_usec = 32000000};

	for (unsigned n = 1; n < 10; n++) {
		uint64_t whole = service_restart_delay(&u, n);

		assert_int_equal(service_restart_pause(&u, n, 0), whole);
		for (uint32_t random = 1; random < UINT32_MAX - 99999999; random += 99999999) {
			uint64_t pause = service_restart_pause(&u, n, random);

			assert_true(pause <= whole && pause >= whole - whole / 10);
		}
	}
	/* RestartSec= alone is meant to the letter. */
	u.restart_steps = 0;
	assert_int_equal(service_restart_pause(&u, 7, UINT32_MAX), 1000000);
}

static void too_many_starts_in_the_window_are_one_too_many(void **state)
{
	struct unit u = {.life = {.start_limit_usec = 10 * USEC_PER_SEC, .start_limit_burst = 5}};
	struct unit none = {.life = {.start_limit_burst = 5}};
	struct start_limit limit = {0};
	struct start_limit unlimited = {0};

	for (unsigned i = 0; i < 5; i++)
		assert_false(start_limit_hit(&limit, &u, 1000 + i));
	assert_true(start_limit_hit(&limit, &u, 1006));
	assert_true(start_limit_hit(&limit, &u, 1000 + 10 * USEC_PER_SEC - 1));
	assert_false(start_limit_hit(&limit, &u, 1000 + 10 * USEC_PER_SEC));
	for (unsigned i = 0; i < 1000; i++)
		assert_false(start_limit_hit(&unlimited, &none, i));
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
		cmocka_unit_test(a_job_that_waits_too_long_fails_by_timeout),
		cmocka_unit_test(a_full_start_goes_step_by_step),
		cmocka_unit_test(a_failed_start_pre_never_runs_the_program),
		cmocka_unit_test(a_oneshot_is_done_when_it_has_ended_well),
		cmocka_unit_test(a_notify_service_that_ends_without_ready_has_failed),
		cmocka_unit_test(a_dbus_service_is_up_with_its_name_and_stops_without),
		cmocka_unit_test(restart_policies_are_systemds),
		cmocka_unit_test(a_stop_that_needs_sigkill_has_failed_by_timeout),
		cmocka_unit_test(killed_by_the_stop_signal_is_no_failure),
		cmocka_unit_test(restart_stops_and_starts_again),
		cmocka_unit_test(stop_beats_a_restart_that_is_under_way),
		cmocka_unit_test(stop_during_the_pause_before_a_restart_is_final),
		cmocka_unit_test(the_stop_commands_run_for_what_was_up),
		cmocka_unit_test(the_pause_grows_by_systemds_formula),
		cmocka_unit_test(
			the_pause_is_never_longer_than_the_formula_and_at_most_a_tenth_shorter),
		cmocka_unit_test(too_many_starts_in_the_window_are_one_too_many),
		cmocka_unit_test(all_names_are_there),
		cmocka_unit_test(names_lead_back_to_what_they_name),
		cmocka_unit_test(every_state_is_in_one_phase_of_its_life),
	};

	return cmocka_run_group_tests_name("service", tests, NULL, NULL);
}
