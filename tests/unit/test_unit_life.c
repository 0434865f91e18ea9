/* The directives about how a service starts, lives and ends, and the sets of exit statuses. */
#include <signal.h>
#include <sys/wait.h>

#include "supervisor/exit_set.h"
#include "tests/unit/unit_help.h"

static int load_lines(const char *lines)
{
	char text[1024];

	snprintf(text, sizeof(text), "[Service]\nExecStart=/bin/true\n%s\n", lines);
	load_text(text);
	return unit ? 0 : -1;
}

static void the_defaults_are_systemds_but_for_giving_up(void **state)
{
	assert_int_equal(load_lines(""), 0);
	assert_int_equal(unit->life.start_limit_usec, 0);
	assert_int_equal(unit->life.reload_signal, SIGHUP);
	assert_int_equal(unit->life.final_kill_signal, SIGKILL);
	assert_int_equal(unit->life.watchdog_signal, SIGABRT);
	assert_int_equal(unit->life.watchdog_usec, 0);
	assert_true(unit->life.runtime_max_usec == USEC_INFINITY);
	assert_int_equal(unit->life.timeout_abort_usec, 90 * USEC_PER_SEC);
	assert_false(unit->life.no_sigkill || unit->life.send_sighup || unit->life.no_guess);
	assert_int_equal(unit->life.failure_exit_status, -1);
	/* The pauses of a unit that says nothing about them grow; those of one that does are its
	 * own. */
	assert_int_equal(unit->restart_steps, 8);
	load_lines("RestartSec=100ms");
	assert_int_equal(unit->restart_steps, 0);
	load_lines("StartLimitBurst=3");
	assert_int_equal(unit->restart_steps, 0);
}

static void one_half_of_a_start_limit_brings_the_other(void **state)
{
	load_lines("[Unit]\nStartLimitBurst=3");
	assert_int_equal(unit->life.start_limit_burst, 3);
	assert_int_equal(unit->life.start_limit_usec, 10 * USEC_PER_SEC);
	load_lines("[Unit]\nStartLimitIntervalSec=1min");
	assert_int_equal(unit->life.start_limit_burst, 5);
	assert_int_equal(unit->life.start_limit_usec, 60 * USEC_PER_SEC);
	/* Where it stood in older units. */
	load_lines("StartLimitInterval=7");
	assert_int_equal(unit->life.start_limit_usec, 7 * USEC_PER_SEC);
	load_lines("[Unit]\nStartLimitIntervalSec=0");
	assert_int_equal(unit->life.start_limit_usec, 0);
}

static void values_find_their_fields(void **state)
{
	assert_int_equal(
		load_lines("PIDFile=x.pid\nType=forking\nGuessMainPID=no\nSendSIGKILL="
			   "no\nSendSIGHUP=yes\n"
			   "TimeoutStopSec=5\nTimeoutStartFailureMode="
			   "abort\nTimeoutStopFailureMode=kill\n"
			   "ReloadSignal=USR1\nRestartKillSignal=INT\nWatchdogSignal="
			   "TERM\nOOMPolicy=kill\n"
			   "FinalKillSignal=SIGQUIT\nRuntimeMaxSec=1h\nRestartMode=direct\n[Unit]\n"
			   "FailureAction=exit-force\nFailureActionExitStatus=7\n[X-Hakim]\nVital="
			   "yes"),
		0);
	assert_int_equal(problems.n, 0);
	assert_string_equal(unit->life.pid_file, "/run/x.pid");
	assert_true(unit->life.no_guess && unit->life.no_sigkill && unit->life.send_sighup);
	assert_int_equal(unit->life.start_timeout_mode, TIMEOUT_ABORT);
	assert_int_equal(unit->life.stop_timeout_mode, TIMEOUT_KILL);
	assert_int_equal(unit->life.timeout_abort_usec, 5 * USEC_PER_SEC);
	assert_int_equal(unit->life.reload_signal, SIGUSR1);
	assert_int_equal(unit->life.restart_kill_signal, SIGINT);
	assert_int_equal(unit->life.final_kill_signal, SIGQUIT);
	assert_int_equal(unit->life.oom_policy, OOM_KILL);
	assert_true(unit->life.restart_direct && unit->life.vital);
	assert_int_equal(unit->life.failure_action, ACTION_EXIT);
	assert_int_equal(unit->life.failure_exit_status, 7);
	load_lines("[Unit]\nJobTimeoutSec=0\nJobRunningTimeoutSec=1min\nJobTimeoutAction=exit");
	assert_int_equal(unit->life.job_timeout_usec, USEC_INFINITY);
	assert_int_equal(unit->life.job_running_timeout_usec, 60 * USEC_PER_SEC);
	assert_int_equal(unit->life.job_timeout_action, ACTION_EXIT);
	load_lines("[Unit]\nStartLimitAction=reboot");
	assert_int_equal(unit->life.start_limit_action, ACTION_EXIT);
	assert_int_equal(problems.n, 1);
}

static void bad_values_refuse_the_unit(void **state)
{
	static const char *const bad[] = {
		"PIDFile=/run/../x",
		"GuessMainPID=maybe",
		"WatchdogSec=soon",
		"TimeoutStartFailureMode=x",
		"OOMPolicy=never",
		"RestartMode=fast",
		"SuccessExitStatus=256",
		"SuccessExitStatus=MAYBE",
		"ReloadSignal=SIGFOO",
		"RestartForceExitStatus=-1",
		"[Unit]\nFailureAction=go",
		"[X-Hakim]\nVital=perhaps",
		"[Unit]\nStartLimitBurst=-1",
		"[Unit]\nFailureActionExitStatus=300",
	};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (load_lines(bad[i]) == 0)
			fail_msg("%s is taken", bad[i]);
}

static void a_set_has_statuses_names_and_signals(void **state)
{
	struct exit_set exits = {0};

	assert_int_equal(exit_set_parse(&exits, "3 TEMPFAIL SIGUSR1 255 64", NULL), 0);
	assert_true(exit_set_has(&exits, W_EXITCODE(3, 0)));
	assert_true(exit_set_has(&exits, W_EXITCODE(75, 0)));
	assert_true(exit_set_has(&exits, W_EXITCODE(255, 0)));
	assert_true(exit_set_has(&exits, W_EXITCODE(64, 0)));
	assert_true(exit_set_has(&exits, SIGUSR1));
	assert_true(exit_set_has(&exits, SIGUSR1 | 0x80));
	assert_false(exit_set_has(&exits, W_EXITCODE(0, 0)));
	assert_false(exit_set_has(&exits, W_EXITCODE(SIGUSR1, 0)));
	assert_false(exit_set_has(&exits, 3));
	/* All or nothing. */
	assert_int_not_equal(exit_set_parse(&exits, "4 NONSENSE", NULL), 0);
	assert_false(exit_set_has(&exits, W_EXITCODE(4, 0)));
}

static void an_empty_value_begins_a_set_anew(void **state)
{
	load_lines("SuccessExitStatus=1 2\nSuccessExitStatus=3");
	assert_true(exit_set_has(&unit->life.success, W_EXITCODE(2, 0)));
	load_lines("SuccessExitStatus=1 2\nSuccessExitStatus=\nSuccessExitStatus=3");
	assert_false(exit_set_has(&unit->life.success, W_EXITCODE(2, 0)));
	assert_true(exit_set_has(&unit->life.success, W_EXITCODE(3, 0)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_defaults_are_systemds_but_for_giving_up),
		TEST(one_half_of_a_start_limit_brings_the_other),
		TEST(values_find_their_fields),
		TEST(bad_values_refuse_the_unit),
		TEST(a_set_has_statuses_names_and_signals),
		TEST(an_empty_value_begins_a_set_anew),
	};

	return cmocka_run_group_tests_name("unit life", tests, NULL, NULL);
}
