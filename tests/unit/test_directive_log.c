/* The directives about standard input and output and about the log. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "supervisor/unit.h"
#include "tests/unit/unit_help.h"

/* The log part of a service with these lines. */
static const struct unit_log *log_of(const char *lines)
{
	load_service(lines);
	return &unit->log;
}

static void without_a_word_everything_is_logged_and_stderr_told_apart(void **state)
{
	const struct unit_log *log = log_of("");

	assert_int_equal(log->in.kind, STDIO_DEFAULT);
	assert_true(log->level_prefix);
	assert_int_equal(log->level_max, 7);
	assert_false(log->rate_set);
	assert_true(unit_log_splits(log));
	assert_int_equal(problems.n, 0);
}

static void stderr_has_a_pipe_only_where_it_goes_to_the_log_by_itself(void **state)
{
	assert_false(unit_log_splits(log_of("StandardError=inherit")));
	assert_false(unit_log_splits(log_of("StandardOutput=null")));
	assert_false(unit_log_splits(log_of("StandardOutput=append:/x")));
	assert_true(unit_log_splits(log_of("StandardOutput=null\nStandardError=journal")));
	assert_true(unit_log_splits(log_of("StandardOutput=journal")));
}

static void files_have_an_absolute_path(void **state)
{
	const struct unit_log *log =
		log_of("StandardInput=file:/in\nStandardOutput=truncate:/var/log/%N\n"
		       "StandardError=append:/b\nStandardError=file:/c");

	assert_int_equal(log->in.kind, STDIO_FILE);
	assert_string_equal(log->in.path, "/in");
	assert_int_equal(log->out.kind, STDIO_TRUNCATE);
	assert_string_equal(log->out.path, "/var/log/x");
	assert_int_equal(log->error.kind, STDIO_FILE);
	assert_string_equal(log->error.path, "/c");
	refuse_service("StandardOutput=file:x", "StandardOutput: ");
	refuse_service("StandardOutput=append:", "StandardOutput: ");
	refuse_service("StandardInput=append:/x", "StandardInput: ");
	refuse_service("StandardOutput=elsewhere", "none of journal");
}

static void a_terminal_is_noted(void **state)
{
	const struct unit_log *log = log_of("StandardInput=tty-force\nStandardOutput=tty");

	assert_int_equal(log->in.kind, STDIO_NULL);
	assert_int_equal(log->out.kind, STDIO_LOG);
	assert_said("StandardInput: there is no terminal", false);
	assert_said("StandardOutput: there is no terminal", false);
}

static void input_is_text_and_base64(void **state)
{
	const struct unit_log *log = log_of("StandardInputText=gone\nStandardInputText=\n"
					    "StandardInputText=a\\tb %n\\x41\\101\n"
					    "StandardInputData=aGkA IQ==");

	assert_int_equal(log->data_len, 20);
	assert_memory_equal(log->data, "a\tb x.serviceAA\nhi\0!", 20);
	refuse_service("StandardInputText=\\q", "escape");
	refuse_service("StandardInputText=\\x4", "escape");
	refuse_service("StandardInputData=aGk", "base64");
	refuse_service("StandardInputData=a=k=", "base64");
}

static void levels_have_names_and_numbers(void **state)
{
	assert_int_equal(log_of("LogLevelMax=warning")->level_max, 4);
	assert_int_equal(log_of("LogLevelMax=0")->level_max, 0);
	assert_int_equal(log_of("SyslogLevel=debug")->level, 7);
	refuse_service("LogLevelMax=8", "LogLevelMax: ");
	refuse_service("LogLevelMax=loud", "LogLevelMax: ");
	assert_false(log_of("SyslogLevelPrefix=no")->level_prefix);
}

static void one_half_of_a_rate_limit_brings_the_other(void **state)
{
	const struct unit_log *log = log_of("LogRateLimitBurst=5");

	assert_true(log->rate_set);
	assert_int_equal(log->rate_burst, 5);
	assert_int_equal(log->rate_interval_usec, 30 * USEC_PER_SEC);
	log = log_of("LogRateLimitIntervalSec=2");
	assert_int_equal(log->rate_burst, 10000);
	assert_int_equal(log->rate_interval_usec, 2 * USEC_PER_SEC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(without_a_word_everything_is_logged_and_stderr_told_apart),
		TEST(stderr_has_a_pipe_only_where_it_goes_to_the_log_by_itself),
		TEST(files_have_an_absolute_path),
		TEST(a_terminal_is_noted),
		TEST(input_is_text_and_base64),
		TEST(levels_have_names_and_numbers),
		TEST(one_half_of_a_rate_limit_brings_the_other),
	};

	return cmocka_run_group_tests_name("directive_log", tests, NULL, NULL);
}
