/* What an only init passes on, and with which status it ends. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <errno.h>
#include <signal.h>
#include <cmocka.h>

#include "init/forward.h"

static const struct plain_options hakim = {.like = LIKE_HAKIM};
static const struct plain_options tini = {.like = LIKE_TINI};
static const struct plain_options dumb = {.like = LIKE_DUMB_INIT};

static void all_but_the_signals_of_a_terminal_in_the_background_go_on(void **state)
{
	for (int sig = 1; sig <= 64; sig++) {
		int want = sig == SIGTTIN || sig == SIGTTOU ? 0 : sig;

		assert_int_equal(forward_as(&hakim, sig), want);
		assert_int_equal(forward_as(&tini, sig), want);
		assert_int_equal(forward_as(&dumb, sig), sig);
		assert_false(forward_suspends(&tini, sig));
	}
}

static void dumb_init_rewrites_and_stops_with_its_program(void **state)
{
	const struct plain_options how = {.like = LIKE_DUMB_INIT,
					  .rewrite = {[1] = 31,
						      [31] = 1,
						      [SIGTERM] = SIGQUIT,
						      [SIGINT] = -1,
						      [SIGTSTP] = SIGSTOP}};

	assert_int_equal(forward_as(&how, 1), 31);
	assert_int_equal(forward_as(&how, 31), 1);
	assert_int_equal(forward_as(&how, SIGTERM), SIGQUIT);
	assert_int_equal(forward_as(&how, SIGINT), 0);
	assert_int_equal(forward_as(&how, SIGTSTP), SIGSTOP);
	assert_int_equal(forward_as(&how, SIGUSR1), SIGUSR1);
	assert_int_equal(forward_as(&how, 32), 32);
	assert_int_equal(forward_as(&how, 64), 64);
	assert_true(forward_suspends(&how, SIGTSTP));
	assert_true(forward_suspends(&how, SIGTTIN));
	assert_true(forward_suspends(&how, SIGTTOU));
	assert_false(forward_suspends(&how, SIGCONT));
}

static void the_status_is_a_shells_and_a_named_one_becomes_0(void **state)
{
	struct plain_options how = tini;

	assert_int_equal(forward_exit_code(&how, 7 << 8), 7);
	assert_int_equal(forward_exit_code(&how, SIGTERM), 143);
	assert_int_equal(forward_exit_code(&how, SIGSEGV | 0x80), 139);
	how.zero[143 / 32] |= 1u << 143 % 32;
	how.zero[255 / 32] |= 1u << 255 % 32;
	assert_int_equal(forward_exit_code(&how, SIGTERM), 0);
	assert_int_equal(forward_exit_code(&how, 255 << 8), 0);
	assert_int_equal(forward_exit_code(&how, 15 << 8), 15);
}

static void a_program_that_cannot_be_run_has_the_code_of_whom_we_stand_for(void **state)
{
	assert_int_equal(forward_exec_code(&hakim, ENOENT), 127);
	assert_int_equal(forward_exec_code(&hakim, ENOTDIR), 127);
	assert_int_equal(forward_exec_code(&hakim, EACCES), 126);
	assert_int_equal(forward_exec_code(&hakim, ELOOP), 126);
	assert_int_equal(forward_exec_code(&tini, ENOENT), 127);
	assert_int_equal(forward_exec_code(&tini, EACCES), 126);
	assert_int_equal(forward_exec_code(&tini, ENOTDIR), 1);
	assert_int_equal(forward_exec_code(&dumb, ENOENT), 2);
	assert_int_equal(forward_exec_code(&dumb, EACCES), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_but_the_signals_of_a_terminal_in_the_background_go_on),
		cmocka_unit_test(dumb_init_rewrites_and_stops_with_its_program),
		cmocka_unit_test(the_status_is_a_shells_and_a_named_one_becomes_0),
		cmocka_unit_test(a_program_that_cannot_be_run_has_the_code_of_whom_we_stand_for),
	};

	return cmocka_run_group_tests_name("forward", tests, NULL, NULL);
}
