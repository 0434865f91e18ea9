/* The command lines: hakim-init's own, tini's and dumb-init's. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <fcntl.h>
#include <cmocka.h>

#include "init/options.h"
#include "init/options_drop_in.h"

#define MAX_WORDS 16

static struct options got;
static char *words[MAX_WORDS + 1];

/* Parses a line, and says nothing while doing so. */
static int parse(const char *line)
{
	static char text[256];
	char *rest = NULL;
	int n = 0, r, out = dup(1), err = dup(2), null = open("/dev/null", O_WRONLY);

	memset(words, 0, sizeof(words));
	memcpy(text, line, strlen(line) + 1);
	for (char *at = strtok_r(text, " ", &rest); at; at = strtok_r(NULL, " ", &rest)) {
		assert_true(n < MAX_WORDS);
		words[n++] = at;
	}
	dup2(null, 1);
	dup2(null, 2);
	r = options_parse(n, words, &got);
	dup2(out, 1);
	dup2(err, 2);
	close(out);
	close(err);
	close(null);
	return r;
}

/* Whether the command is these words. */
static bool runs(const char *line)
{
	char text[256] = "";
	size_t len = 0;

	for (char **at = got.command; at && *at; at++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s", len ? " " : "",
					*at);
	return strcmp(text, line) == 0;
}

static void its_name_says_whose_line_it_is(void **state)
{
	assert_int_equal(options_like("/usr/bin/tini"), LIKE_TINI);
	assert_int_equal(options_like("tini-static"), LIKE_TINI);
	assert_int_equal(options_like("/sbin/docker-init"), LIKE_TINI);
	assert_int_equal(options_like("./dumb-init"), LIKE_DUMB_INIT);
	assert_int_equal(options_like("/tini/hakim-init"), LIKE_HAKIM);
	assert_int_equal(options_like("tini2"), LIKE_HAKIM);
	assert_int_equal(options_like(""), LIKE_HAKIM);
}

static void plain_takes_the_options_of_tini(void **state)
{
	assert_int_equal(parse("hakim-init --plain -gsw -vv -p SIGUSR1 -e 3 -e143 -- sh -c x"), 0);
	assert_true(got.plain && got.how.group && got.how.subreaper && got.how.warn_reaped);
	assert_int_equal(got.how.like, LIKE_HAKIM);
	assert_int_equal(got.how.verbosity, 3);
	assert_int_equal(got.how.death_signal, SIGUSR1);
	assert_int_equal(got.how.zero[0], 1u << 3);
	assert_int_equal(got.how.zero[143 / 32], 1u << 143 % 32);
	assert_true(runs("sh -c x"));
}

static void without_plain_they_are_refused(void **state)
{
	assert_int_equal(parse("hakim-init -g sh"), 2);
	assert_int_equal(parse("hakim-init --plain"), 2);
	assert_int_equal(parse("hakim-init --plain -e 256 sh"), 2);
	assert_int_equal(parse("hakim-init --plain -z sh"), 2);
	assert_int_equal(parse("hakim-init --pla sh"), 2);
	assert_int_equal(parse("hakim-init --fix"), 2);
	assert_int_equal(parse("hakim-init --quirks sh"), 2);
}

static void the_own_line_stays_what_it_was(void **state)
{
	assert_int_equal(parse("hakim-init"), 0);
	assert_false(got.plain);
	assert_null(got.command);
	assert_int_equal(parse("hakim-init sh --plain -g"), 0);
	assert_false(got.plain);
	assert_true(runs("sh --plain -g"));
	assert_int_equal(parse("hakim-init -- -x"), 0);
	assert_true(runs("-x"));
	assert_int_equal(parse("hakim-init --quirks --fix"), 0);
	assert_true(got.quirks && got.fix);
	assert_int_equal(parse("hakim-init --help"), -1);
	assert_int_equal(parse("hakim-init --version"), -1);
}

static void tini_stops_at_what_it_does_not_know(void **state)
{
	assert_int_equal(parse("tini -z sh"), 1);
	assert_int_equal(parse("tini"), 1);
	assert_int_equal(parse("tini --"), 1);
	assert_int_equal(parse("tini -p SIGNONE sh"), 1);
	assert_int_equal(parse("tini -p"), 1);
	assert_int_equal(parse("tini -e x sh"), 1);
	assert_int_equal(parse("tini -e -1 sh"), 1);
	assert_int_equal(parse("tini --version sh"), 1);
	assert_int_equal(parse("tini --version"), -1);
	assert_int_equal(parse("tini -s -h"), -1);
	assert_int_equal(parse("tini -l"), -1);
}

static void the_options_of_tini_end_at_the_program(void **state)
{
	assert_int_equal(parse("tini sh -c x"), 0);
	assert_true(runs("sh -c x"));
	assert_false(got.how.group);
	assert_int_equal(parse("tini -g -- -- sh"), 0);
	assert_true(runs("-- sh"));
	assert_int_equal(parse("tini - sh"), 0);
	assert_true(runs("- sh"));
}

static void the_line_that_the_help_of_tini_shows_works(void **state)
{
	assert_int_equal(parse("tini -g sh -- -c x"), 0);
	assert_true(got.how.group);
	assert_true(runs("sh -c x"));
	assert_int_equal(parse("tini -- sh -- x"), 0);
	assert_true(runs("sh -- x"));
	assert_int_equal(parse("tini git add -- x"), 0);
	assert_true(runs("git add -- x"));
	setenv("POSIXLY_CORRECT", "1", 1);
	assert_int_equal(parse("tini sh -- x"), 0);
	assert_true(runs("sh -- x"));
	unsetenv("POSIXLY_CORRECT");
}

static void the_variables_of_tini_are_heard(void **state)
{
	setenv("TINI_SUBREAPER", "", 1);
	setenv("TINI_KILL_PROCESS_GROUP", "0", 1);
	setenv("TINI_VERBOSITY", "2", 1);
	assert_int_equal(parse("tini -vvvv sh"), 0);
	assert_true(got.how.subreaper && got.how.group);
	assert_int_equal(got.how.verbosity, 2);
	assert_int_equal(parse("dumb-init sh"), 0);
	assert_false(got.how.subreaper);
	assert_int_equal(got.how.verbosity, 0);
	unsetenv("TINI_SUBREAPER");
	unsetenv("TINI_KILL_PROCESS_GROUP");
	unsetenv("TINI_VERBOSITY");
}

static void dumb_init_has_long_options_that_may_be_cut(void **state)
{
	assert_int_equal(parse("dumb-init --single --rew=15:2 --rewrite 1:0 --verb sh -c x"), 0);
	assert_false(got.how.session || got.how.group);
	assert_int_equal(got.how.rewrite[15], 2);
	assert_int_equal(got.how.rewrite[1], -1);
	assert_int_equal(got.how.rewrite[SIGTSTP], 0);
	assert_int_equal(got.how.verbosity, 1);
	assert_true(runs("sh -c x"));
	assert_int_equal(parse("dumb-init --ver sh"), 1);
	assert_int_equal(parse("dumb-init --help=x sh"), 1);
	assert_int_equal(parse("dumb-init --yolo sh"), 1);
	assert_int_equal(parse("dumb-init --rewrite"), 1);
	assert_int_equal(parse("dumb-init"), 1);
	assert_int_equal(parse("dumb-init --version"), -1);
	assert_int_equal(parse("dumb-init -ch"), -1);
}

static void a_stop_of_the_terminal_stops_the_session_unless_it_is_rewritten(void **state)
{
	assert_int_equal(parse("dumb-init -r 20:15 sh"), 0);
	assert_true(got.how.session && got.how.group);
	assert_int_equal(got.how.rewrite[SIGTSTP], SIGTERM);
	assert_int_equal(got.how.rewrite[SIGTTIN], SIGSTOP);
	assert_int_equal(got.how.rewrite[SIGTTOU], SIGSTOP);
}

static void a_rewriting_is_two_numbers_of_signals(void **state)
{
	const char *const bad[] = {"x",
				   "15",
				   "15:",
				   ":15",
				   "15::2",
				   "15:x",
				   "0:1",
				   "32:1",
				   "1:32",
				   "-1:2",
				   "1:-2",
				   "15:2x",
				   "99999999999999999999:1"};
	char line[64];

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(line, sizeof(line), "dumb-init -r %s sh", bad[i]);
		assert_int_equal(parse(line), 1);
	}
	assert_int_equal(parse("dumb-init -r31:1 -r 1:31 sh"), 0);
	assert_int_equal(got.how.rewrite[31], 1);
	assert_int_equal(got.how.rewrite[1], 31);
}

static void the_variables_of_dumb_init_are_heard(void **state)
{
	setenv("DUMB_INIT_SETSID", "0", 1);
	setenv("DUMB_INIT_DEBUG", "1", 1);
	assert_int_equal(parse("dumb-init sh"), 0);
	assert_false(got.how.session);
	assert_int_equal(got.how.verbosity, 1);
	setenv("DUMB_INIT_SETSID", "", 1);
	setenv("DUMB_INIT_DEBUG", "yes", 1);
	assert_int_equal(parse("dumb-init sh"), 0);
	assert_true(got.how.session);
	assert_int_equal(got.how.verbosity, 0);
	unsetenv("DUMB_INIT_SETSID");
	unsetenv("DUMB_INIT_DEBUG");
}

static void signals_are_known_by_their_names(void **state)
{
	assert_int_equal(options_signal("SIGHUP"), SIGHUP);
	assert_int_equal(options_signal("SIGKILL"), SIGKILL);
	assert_int_equal(options_signal("TERM"), SIGTERM);
	assert_int_equal(options_signal("SIGCHLD"), SIGCHLD);
	assert_int_equal(options_signal("SIGVTALRM"), SIGVTALRM);
	assert_int_equal(options_signal("SIGWINCH"), SIGWINCH);
	assert_int_equal(options_signal("SIGSYS"), SIGSYS);
	assert_int_equal(options_signal("SIG"), 0);
	assert_int_equal(options_signal(""), 0);
	assert_int_equal(options_signal("SIGTER"), 0);
	assert_int_equal(options_signal("HUP  INT"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(its_name_says_whose_line_it_is),
		cmocka_unit_test(plain_takes_the_options_of_tini),
		cmocka_unit_test(without_plain_they_are_refused),
		cmocka_unit_test(the_own_line_stays_what_it_was),
		cmocka_unit_test(tini_stops_at_what_it_does_not_know),
		cmocka_unit_test(the_options_of_tini_end_at_the_program),
		cmocka_unit_test(the_line_that_the_help_of_tini_shows_works),
		cmocka_unit_test(the_variables_of_tini_are_heard),
		cmocka_unit_test(dumb_init_has_long_options_that_may_be_cut),
		cmocka_unit_test(a_stop_of_the_terminal_stops_the_session_unless_it_is_rewritten),
		cmocka_unit_test(a_rewriting_is_two_numbers_of_signals),
		cmocka_unit_test(the_variables_of_dumb_init_are_heard),
		cmocka_unit_test(signals_are_known_by_their_names),
	};

	return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
