/*
 * The life of a service beyond the basics: daemons that fork, commands around the program, reloads,
 * watchdogs, time limits. test_service.c has the rules for every transition; these are the stories.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "supervisor/service.h"

struct story_step {
	enum service_event event;
	enum service_state state; /* after it */
	unsigned actions;         /* that it must have, among others */
};

static void tell(const struct service_policy *p, struct service_machine *m,
		 const struct story_step *steps, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned a = service_step(p, m, steps[i].event);

		if (a & DO_SPAWN_MAIN && p->type != TYPE_FORKING)
			m->main_alive = true;
		if (m->state != steps[i].state)
			fail_msg("step %zu: %s where %s should be", i, service_state_name(m->state),
				 service_state_name(steps[i].state));
		if ((a & steps[i].actions) != steps[i].actions)
			fail_msg("step %zu (%s): actions %x lack some of %x", i,
				 service_state_name(m->state), a, steps[i].actions);
	}
}

#define TELL(p, m, ...)                                      \
	tell(p, m, (const struct story_step[]){__VA_ARGS__}, \
	     sizeof((const struct story_step[]){__VA_ARGS__}) / sizeof(struct story_step))

static void all_commands_come_in_systemds_order(void **state)
{
	struct service_policy p = {.type = TYPE_EXEC,
				   .n_condition = 2,
				   .n_start_pre = 1,
				   .n_start = 1,
				   .n_start_post = 2,
				   .n_stop = 1,
				   .n_stop_post = 2,
				   .has_probe = true};
	struct service_machine m = {0};

	TELL(&p, &m, {EVENT_START, SERVICE_WAITING, DO_WAIT},
	     {EVENT_GO, SERVICE_CONDITION, DO_SPAWN_CONDITION | DO_TIMER_START},
	     {EVENT_CONTROL_OK, SERVICE_CONDITION, DO_SPAWN_CONDITION},
	     {EVENT_CONTROL_OK, SERVICE_START_PRE, DO_SPAWN_PRE},
	     {EVENT_CONTROL_OK, SERVICE_START, DO_SPAWN_MAIN},
	     {EVENT_EXECED, SERVICE_START_POST, DO_SPAWN_POST},
	     {EVENT_CONTROL_OK, SERVICE_START_POST, DO_SPAWN_POST},
	     {EVENT_CONTROL_OK, SERVICE_READY_WAIT, DO_PROBE_ON},
	     {EVENT_PROBE_OK, SERVICE_RUNNING, DO_UP | DO_TIMER_OFF | DO_PROBE_OFF},
	     {EVENT_STOP, SERVICE_STOP, DO_SPAWN_STOP | DO_TIMER_STOP},
	     {EVENT_CONTROL_OK, SERVICE_STOP_SIGTERM, DO_TERM},
	     {EVENT_MAIN_OK, SERVICE_STOP_SIGTERM, DO_CHECK_EMPTY},
	     {EVENT_EMPTY, SERVICE_STOP_POST, DO_SPAWN_STOP_POST},
	     {EVENT_CONTROL_OK, SERVICE_STOP_POST, DO_SPAWN_STOP_POST},
	     {EVENT_CONTROL_OK, SERVICE_FINAL_SIGTERM, DO_TERM | DO_CHECK_EMPTY},
	     {EVENT_EMPTY, SERVICE_DEAD, DO_SETTLED});
	assert_int_equal(m.result, RESULT_SUCCESS);
}

static void a_condition_that_says_no_skips_and_is_never_restarted(void **state)
{
	struct service_policy p = {.n_condition = 1, .n_stop_post = 1, .restart = RESTART_ALWAYS};
	struct service_machine m = {.state = SERVICE_CONDITION};

	TELL(&p, &m, {EVENT_CONTROL_SKIP, SERVICE_STOP_SIGTERM, DO_TERM},
	     {EVENT_EMPTY, SERVICE_STOP_POST, DO_SPAWN_STOP_POST},
	     {EVENT_CONTROL_OK, SERVICE_FINAL_SIGTERM, 0},
	     {EVENT_EMPTY, SERVICE_SKIPPED, DO_SETTLED});
	m = (struct service_machine){.state = SERVICE_CONDITION};
	TELL(&p, &m, {EVENT_CONTROL_BAD, SERVICE_STOP_SIGTERM, 0},
	     {EVENT_EMPTY, SERVICE_STOP_POST, 0}, {EVENT_CONTROL_OK, SERVICE_FINAL_SIGTERM, 0},
	     {EVENT_EMPTY, SERVICE_AUTO_RESTART, DO_TIMER_RESTART});
}

static void stop_post_runs_also_after_a_start_that_failed(void **state)
{
	struct service_policy p = {.n_start_pre = 1, .n_stop_post = 1};
	struct service_machine m = {.state = SERVICE_START_PRE};

	TELL(&p, &m, {EVENT_CONTROL_BAD, SERVICE_STOP_SIGTERM, 0},
	     {EVENT_EMPTY, SERVICE_STOP_POST, DO_SPAWN_STOP_POST},
	     {EVENT_CONTROL_BAD, SERVICE_FINAL_SIGTERM, 0},
	     {EVENT_TIMEOUT, SERVICE_FINAL_SIGKILL, DO_KILL},
	     {EVENT_TIMEOUT, SERVICE_FAILED, DO_SETTLED});
	assert_int_equal(m.result, RESULT_EXIT_CODE);
}

static void a_forking_service_is_up_when_its_daemon_is_found(void **state)
{
	struct service_policy p = {.type = TYPE_FORKING, .n_start = 1};
	struct service_machine m = {.state = SERVICE_WAITING};

	TELL(&p, &m, {EVENT_GO, SERVICE_START, DO_SPAWN_MAIN | DO_TIMER_START},
	     {EVENT_CONTROL_OK, SERVICE_START, DO_FIND_MAIN});
	m.main_alive = true;
	TELL(&p, &m, {EVENT_MAIN_FOUND, SERVICE_RUNNING, DO_UP | DO_TIMER_OFF});
	assert_false(m.mainless);
	m.main_alive = false;
	TELL(&p, &m, {EVENT_MAIN_OK, SERVICE_STOP_SIGTERM, DO_TERM},
	     {EVENT_EMPTY, SERVICE_DEAD, 0});
}

static void a_forking_service_without_a_main_process_lives_as_long_as_any(void **state)
{
	struct service_policy p = {.type = TYPE_FORKING, .n_start = 1};
	struct service_machine m = {.state = SERVICE_START, .searching = true};

	TELL(&p, &m, {EVENT_MAIN_FOUND, SERVICE_RUNNING, DO_UP | DO_WATCH},
	     {EVENT_EMPTY, SERVICE_STOP_SIGTERM, DO_TERM}, {EVENT_EMPTY, SERVICE_DEAD, 0});
	p.remain_after_exit = true;
	m = (struct service_machine){.state = SERVICE_START, .searching = true};
	TELL(&p, &m, {EVENT_MAIN_FOUND, SERVICE_RUNNING, DO_UP | DO_WATCH},
	     {EVENT_EMPTY, SERVICE_EXITED, 0}, {EVENT_EMPTY, SERVICE_EXITED, 0},
	     {EVENT_STOP, SERVICE_STOP_SIGTERM, DO_TERM});
	/* Told later by MAINPID=. */
	m = (struct service_machine){
		.state = SERVICE_RUNNING, .mainless = true, .main_alive = true};
	TELL(&p, &m, {EVENT_MAIN_FOUND, SERVICE_RUNNING, 0}, {EVENT_EMPTY, SERVICE_RUNNING, 0});
	assert_false(m.mainless);
}

static void a_forking_service_that_leaves_nothing_has_failed(void **state)
{
	struct service_policy p = {.type = TYPE_FORKING, .n_start = 1};
	struct service_machine m = {.state = SERVICE_START};

	TELL(&p, &m, {EVENT_CONTROL_BAD, SERVICE_STOP_SIGTERM, DO_TERM},
	     {EVENT_EMPTY, SERVICE_FAILED, 0});
	m = (struct service_machine){.state = SERVICE_START, .searching = true};
	TELL(&p, &m, {EVENT_MAIN_LOST, SERVICE_STOP_SIGTERM, DO_TERM},
	     {EVENT_EMPTY, SERVICE_FAILED, 0});
	assert_int_equal(m.result, RESULT_PROTOCOL);
	/* An early MAINPID= is kept for when the first process has ended. */
	m = (struct service_machine){.state = SERVICE_START, .main_alive = true};
	TELL(&p, &m, {EVENT_MAIN_FOUND, SERVICE_START, 0},
	     {EVENT_CONTROL_OK, SERVICE_START, DO_FIND_MAIN},
	     {EVENT_MAIN_FOUND, SERVICE_RUNNING, DO_UP});
}

static void a_oneshot_runs_its_commands_in_a_row(void **state)
{
	struct service_policy p = {.type = TYPE_ONESHOT, .n_start = 2, .remain_after_exit = true};
	struct service_machine m = {.state = SERVICE_WAITING};

	TELL(&p, &m, {EVENT_GO, SERVICE_START, DO_SPAWN_MAIN},
	     {EVENT_MAIN_OK, SERVICE_START, DO_SPAWN_MAIN},
	     {EVENT_MAIN_OK, SERVICE_EXITED, DO_UP | DO_TIMER_OFF},
	     {EVENT_MAIN_OK, SERVICE_EXITED, 0});
	m = (struct service_machine){.state = SERVICE_WAITING};
	TELL(&p, &m, {EVENT_GO, SERVICE_START, DO_SPAWN_MAIN},
	     {EVENT_MAIN_BAD, SERVICE_STOP_SIGTERM, DO_TERM}, {EVENT_EMPTY, SERVICE_FAILED, 0});
	p = (struct service_policy){.type = TYPE_ONESHOT, .remain_after_exit = true};
	m = (struct service_machine){.state = SERVICE_WAITING};
	/* Nothing to run: up at once, and no deadline is left behind. */
	assert_false(service_step(&p, &m, EVENT_GO) & DO_TIMER_START);
	assert_int_equal(m.state, SERVICE_EXITED);
	p = (struct service_policy){.type = TYPE_ONESHOT, .n_stop = 1};
	m = (struct service_machine){.state = SERVICE_WAITING};
	TELL(&p, &m, {EVENT_GO, SERVICE_STOP, DO_SPAWN_STOP},
	     {EVENT_CONTROL_OK, SERVICE_STOP_SIGTERM, 0}, {EVENT_EMPTY, SERVICE_DEAD, 0});
	assert_true(m.was_up);
}

static void a_service_that_remains_stays_up_when_it_has_ended_well(void **state)
{
	struct service_policy p = {.remain_after_exit = true, .restart = RESTART_ALWAYS};
	struct service_machine m = {.state = SERVICE_RUNNING, .was_up = true};

	TELL(&p, &m, {EVENT_MAIN_OK, SERVICE_EXITED, DO_PROBE_OFF},
	     {EVENT_STOP, SERVICE_STOP_SIGTERM, 0}, {EVENT_EMPTY, SERVICE_DEAD, 0});
	m = (struct service_machine){.state = SERVICE_RUNNING, .was_up = true};
	TELL(&p, &m, {EVENT_MAIN_BAD, SERVICE_STOP_SIGTERM, DO_TERM},
	     {EVENT_EMPTY, SERVICE_AUTO_RESTART, 0});
}

static void a_reload_by_command_never_ends_the_service(void **state)
{
	struct service_policy p = {.n_reload = 2, .n_stop = 1};
	struct service_machine m = {.state = SERVICE_RUNNING, .main_alive = true, .was_up = true};

	TELL(&p, &m, {EVENT_RELOAD, SERVICE_RELOAD, DO_SPAWN_RELOAD | DO_TIMER_START},
	     {EVENT_RELOAD, SERVICE_RELOAD, 0}, {EVENT_CONTROL_OK, SERVICE_RELOAD, DO_SPAWN_RELOAD},
	     {EVENT_CONTROL_OK, SERVICE_RUNNING, DO_TIMER_OFF}, {EVENT_RELOAD, SERVICE_RELOAD, 0},
	     {EVENT_CONTROL_BAD, SERVICE_RUNNING, DO_TIMER_OFF}, {EVENT_RELOAD, SERVICE_RELOAD, 0},
	     {EVENT_SPAWN_FAILED, SERVICE_RUNNING, DO_TIMER_OFF}, {EVENT_RELOAD, SERVICE_RELOAD, 0},
	     {EVENT_TIMEOUT, SERVICE_RUNNING, DO_END_CONTROL | DO_TIMER_OFF},
	     {EVENT_CONTROL_BAD, SERVICE_RUNNING, 0}, {EVENT_RELOAD, SERVICE_RELOAD, 0},
	     {EVENT_STOP, SERVICE_STOP, DO_END_CONTROL | DO_SPAWN_STOP});
	assert_int_equal(m.result, RESULT_SUCCESS);
	/* Its end during a reload is its end. */
	m = (struct service_machine){.state = SERVICE_RELOAD, .was_up = true};
	TELL(&p, &m, {EVENT_MAIN_BAD, SERVICE_STOP_SIGTERM, DO_TERM});
	/* Without a command there is nothing to do. */
	p.n_reload = 0;
	m = (struct service_machine){.state = SERVICE_RUNNING};
	TELL(&p, &m, {EVENT_RELOAD, SERVICE_RUNNING, 0});
}

static void a_reload_by_signal_is_over_when_the_service_says_so(void **state)
{
	struct service_policy p = {.type = TYPE_NOTIFY_RELOAD, .n_start = 1};
	struct service_machine m = {.state = SERVICE_START, .main_alive = true};

	TELL(&p, &m, {EVENT_NOTIFY_READY, SERVICE_RUNNING, DO_UP},
	     {EVENT_RELOAD, SERVICE_RELOAD_SIGNAL, DO_RELOAD_SIGNAL | DO_TIMER_START},
	     {EVENT_NOTIFY_READY, SERVICE_RELOAD_SIGNAL, 0},
	     {EVENT_NOTIFY_RELOADING, SERVICE_RELOAD_NOTIFY, DO_TIMER_START},
	     {EVENT_NOTIFY_READY, SERVICE_RUNNING, DO_TIMER_OFF},
	     {EVENT_RELOAD, SERVICE_RELOAD_SIGNAL, DO_RELOAD_SIGNAL},
	     {EVENT_TIMEOUT, SERVICE_RUNNING, DO_TIMER_OFF},
	     /* By itself, too. */
	     {EVENT_NOTIFY_RELOADING, SERVICE_RELOAD_NOTIFY, DO_TIMER_START},
	     {EVENT_TIMEOUT, SERVICE_RUNNING, DO_TIMER_OFF});
	/* With a command: both have to be done. */
	p.n_reload = 1;
	TELL(&p, &m, {EVENT_RELOAD, SERVICE_RELOAD, DO_RELOAD_SIGNAL | DO_SPAWN_RELOAD},
	     {EVENT_CONTROL_OK, SERVICE_RELOAD_SIGNAL, DO_TIMER_START},
	     {EVENT_NOTIFY_RELOADING, SERVICE_RELOAD_NOTIFY, 0},
	     {EVENT_NOTIFY_READY, SERVICE_RUNNING, 0}, {EVENT_RELOAD, SERVICE_RELOAD, 0},
	     {EVENT_NOTIFY_RELOADING, SERVICE_RELOAD, 0},
	     {EVENT_CONTROL_OK, SERVICE_RELOAD_NOTIFY, 0}, {EVENT_NOTIFY_READY, SERVICE_RUNNING, 0},
	     {EVENT_RELOAD, SERVICE_RELOAD, 0}, {EVENT_NOTIFY_RELOADING, SERVICE_RELOAD, 0},
	     {EVENT_NOTIFY_READY, SERVICE_RELOAD, 0},
	     {EVENT_CONTROL_OK, SERVICE_RUNNING, DO_TIMER_OFF});
}

static void a_service_that_stops_by_itself_is_waited_for(void **state)
{
	struct service_policy p = {.type = TYPE_NOTIFY, .restart = RESTART_ON_FAILURE};
	struct service_machine m = {.state = SERVICE_RUNNING, .main_alive = true, .was_up = true};
	unsigned a = service_step(&p, &m, EVENT_NOTIFY_STOPPING);

	assert_int_equal(m.state, SERVICE_STOP_SIGTERM);
	assert_false(a & DO_TERM);
	assert_true(a & DO_TIMER_STOP);
	m.result = RESULT_EXIT_CODE;
	TELL(&p, &m, {EVENT_MAIN_BAD, SERVICE_STOP_SIGTERM, DO_CHECK_EMPTY},
	     {EVENT_EMPTY, SERVICE_AUTO_RESTART, DO_TIMER_RESTART});
}

static void a_watchdog_aborts_then_kills(void **state)
{
	struct service_policy p = {.restart = RESTART_ON_WATCHDOG};
	static const enum service_state watched[] = {SERVICE_START_POST, SERVICE_READY_WAIT,
						     SERVICE_RUNNING, SERVICE_RELOAD,
						     SERVICE_RELOAD_NOTIFY};

	for (size_t i = 0; i < sizeof(watched) / sizeof(watched[0]); i++) {
		struct service_machine m = {.state = watched[i], .main_alive = true};

		TELL(&p, &m, {EVENT_WATCHDOG, SERVICE_STOP_WATCHDOG, DO_ABORT | DO_TIMER_ABORT},
		     {EVENT_TIMEOUT, SERVICE_STOP_SIGKILL, DO_KILL},
		     {EVENT_MAIN_BAD, SERVICE_STOP_SIGKILL, DO_CHECK_EMPTY},
		     {EVENT_EMPTY, SERVICE_AUTO_RESTART, DO_TIMER_RESTART});
		assert_int_equal(m.result, RESULT_WATCHDOG);
		/* The others of its processes get a signal of their own. */
		m = (struct service_machine){.state = watched[i], .main_alive = true};
		TELL(&p, &m, {EVENT_WATCHDOG, SERVICE_STOP_WATCHDOG, 0},
		     {EVENT_MAIN_BAD, SERVICE_STOP_SIGTERM, DO_TERM},
		     {EVENT_EMPTY, SERVICE_AUTO_RESTART, 0});
	}
}

static void an_unhealthy_service_is_asked_to_end(void **state)
{
	struct service_policy p = {.restart = RESTART_ON_WATCHDOG};
	struct service_machine m = {.state = SERVICE_RUNNING, .main_alive = true, .was_up = true};

	TELL(&p, &m, {EVENT_UNHEALTHY, SERVICE_STOP_SIGTERM, DO_TERM},
	     {EVENT_EMPTY, SERVICE_AUTO_RESTART, 0});
	assert_int_equal(m.result, RESULT_UNHEALTHY);
}

static void what_takes_too_long_is_ended_as_the_unit_says(void **state)
{
	static const struct {
		enum unit_timeout_mode mode;
		enum service_state state;
		unsigned actions;
	} rows[] = {
		{TIMEOUT_TERMINATE, SERVICE_STOP_SIGTERM, DO_TERM},
		{TIMEOUT_ABORT, SERVICE_STOP_WATCHDOG, DO_ABORT},
		{TIMEOUT_KILL, SERVICE_STOP_SIGKILL, DO_KILL},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct service_policy p = {.type = TYPE_NOTIFY,
					   .n_stop = 1,
					   .start_timeout_mode = rows[i].mode,
					   .stop_timeout_mode = rows[i].mode};
		struct service_machine m = {.state = SERVICE_START};

		TELL(&p, &m, {EVENT_TIMEOUT, rows[i].state, rows[i].actions});
		assert_int_equal(m.result, RESULT_TIMEOUT);
		m = (struct service_machine){.state = SERVICE_STOP};
		TELL(&p, &m, {EVENT_TIMEOUT, rows[i].state, rows[i].actions});
		assert_int_equal(m.result, RESULT_TIMEOUT);
	}
}

static void without_sigkill_what_does_not_end_is_left_alone(void **state)
{
	struct service_policy p = {.no_sigkill = true, .n_stop_post = 1};
	struct service_machine m = {.state = SERVICE_STOP_SIGTERM, .stop_requested = true};

	TELL(&p, &m, {EVENT_TIMEOUT, SERVICE_STOP_POST, DO_SPAWN_STOP_POST},
	     {EVENT_CONTROL_OK, SERVICE_FINAL_SIGTERM, DO_TERM},
	     {EVENT_TIMEOUT, SERVICE_FAILED, DO_SETTLED});
	assert_int_equal(m.result, RESULT_TIMEOUT);
}

static void exit_statuses_stand_above_restart(void **state)
{
	struct service_policy always = {.restart = RESTART_ALWAYS};
	struct service_policy no = {.restart = RESTART_NO};
	struct service_machine m = {.state = SERVICE_STOP_SIGTERM, .verdict = VERDICT_PREVENT};

	TELL(&always, &m, {EVENT_EMPTY, SERVICE_DEAD, DO_SETTLED});
	m = (struct service_machine){.state = SERVICE_STOP_SIGTERM, .verdict = VERDICT_FORCE};
	TELL(&no, &m, {EVENT_EMPTY, SERVICE_AUTO_RESTART, DO_TIMER_RESTART});
	m = (struct service_machine){
		.state = SERVICE_STOP_SIGTERM, .verdict = VERDICT_FORCE, .stop_requested = true};
	TELL(&no, &m, {EVENT_EMPTY, SERVICE_DEAD, 0});
}

static void the_start_limit_gives_up(void **state)
{
	struct service_policy p = {.restart = RESTART_ALWAYS};
	struct service_machine m = {.state = SERVICE_AUTO_RESTART};

	TELL(&p, &m, {EVENT_START_LIMIT, SERVICE_FAILED, DO_SETTLED | DO_TIMER_OFF},
	     {EVENT_RESTART_DUE, SERVICE_FAILED, 0}, {EVENT_START, SERVICE_WAITING, DO_WAIT},
	     {EVENT_START_LIMIT, SERVICE_FAILED, DO_SETTLED});
	assert_int_equal(m.result, RESULT_START_LIMIT);
}

static void a_run_that_is_old_enough_is_stopped_as_a_timeout(void **state)
{
	struct service_policy p = {.n_stop = 1};
	struct service_machine m = {.state = SERVICE_RUNNING, .main_alive = true, .was_up = true};

	TELL(&p, &m, {EVENT_RUNTIME_MAX, SERVICE_STOP, DO_SPAWN_STOP},
	     {EVENT_CONTROL_OK, SERVICE_STOP_SIGTERM, DO_TERM}, {EVENT_EMPTY, SERVICE_FAILED, 0});
	assert_int_equal(m.result, RESULT_TIMEOUT);
}

static void a_simple_service_with_a_command_after_it_is_up_behind_that(void **state)
{
	struct service_policy p = {.n_start = 1, .n_start_post = 1};
	struct service_machine m = {.state = SERVICE_WAITING};

	TELL(&p, &m, {EVENT_GO, SERVICE_START, DO_SPAWN_MAIN | DO_TIMER_START},
	     {EVENT_SPAWNED, SERVICE_START_POST, DO_SPAWN_POST},
	     {EVENT_CONTROL_OK, SERVICE_RUNNING, DO_UP | DO_TIMER_OFF});
	/* It ended well meanwhile: that is seen behind the command. */
	m = (struct service_machine){.state = SERVICE_START_POST};
	TELL(&p, &m, {EVENT_MAIN_OK, SERVICE_START_POST, 0},
	     {EVENT_CONTROL_OK, SERVICE_STOP_SIGTERM, DO_TERM}, {EVENT_EMPTY, SERVICE_DEAD, 0});
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_commands_come_in_systemds_order),
		cmocka_unit_test(a_condition_that_says_no_skips_and_is_never_restarted),
		cmocka_unit_test(stop_post_runs_also_after_a_start_that_failed),
		cmocka_unit_test(a_forking_service_is_up_when_its_daemon_is_found),
		cmocka_unit_test(a_forking_service_without_a_main_process_lives_as_long_as_any),
		cmocka_unit_test(a_forking_service_that_leaves_nothing_has_failed),
		cmocka_unit_test(a_oneshot_runs_its_commands_in_a_row),
		cmocka_unit_test(a_service_that_remains_stays_up_when_it_has_ended_well),
		cmocka_unit_test(a_reload_by_command_never_ends_the_service),
		cmocka_unit_test(a_reload_by_signal_is_over_when_the_service_says_so),
		cmocka_unit_test(a_service_that_stops_by_itself_is_waited_for),
		cmocka_unit_test(a_watchdog_aborts_then_kills),
		cmocka_unit_test(an_unhealthy_service_is_asked_to_end),
		cmocka_unit_test(what_takes_too_long_is_ended_as_the_unit_says),
		cmocka_unit_test(without_sigkill_what_does_not_end_is_left_alone),
		cmocka_unit_test(exit_statuses_stand_above_restart),
		cmocka_unit_test(the_start_limit_gives_up),
		cmocka_unit_test(a_run_that_is_old_enough_is_stopped_as_a_timeout),
		cmocka_unit_test(a_simple_service_with_a_command_after_it_is_up_behind_that),
	};

	return cmocka_run_group_tests_name("service life", tests, NULL, NULL);
}
