/* The lines of a log on the console: as they look, and what happens where it does not take them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "supervisor/journal_forward.h"
#include "tests/unit/journal_help.h"

#define STAMP "2026-11-24T03:07:08.123456Z"

struct fixture {
	int pipe[2];
	struct forward_console console;
	struct forward *forward;
};

static int fixture_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	assert_return_code(pipe2(f->pipe, O_CLOEXEC | O_NONBLOCK), errno);
	f->console.fd = f->pipe[1];
	f->forward = forward_new("web");
	assert_non_null(f->forward);
	*state = f;
	return 0;
}

static int fixture_down(void **state)
{
	struct fixture *f = *state;

	close(f->pipe[0]);
	close(f->pipe[1]);
	free(f->forward);
	free(f);
	return 0;
}

static uint64_t forward(struct fixture *f, const char *records)
{
	return forward_records(f->forward, &f->console, records, strlen(records));
}

static void assert_shown(struct fixture *f, const char *want)
{
	char buf[65536];
	ssize_t n = read(f->pipe[0], buf, sizeof(buf) - 1);

	buf[n < 0 ? 0 : n] = '\0';
	assert_string_equal(buf, want);
}

static void a_line_has_its_name_and_not_its_header(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(forward(f, STAMP " one\n" STAMP "! two\n" STAMP "!3 three  four\n" STAMP
					  "+ five\n" STAMP " \n"),
			 0);
	assert_shown(f, "web: one\nweb: two\nweb: three  four\nweb: five\nweb: \n");
}

static void records_may_come_in_any_pieces(void **state)
{
	static const char records[] = STAMP "!3 one two\n" STAMP " three\n";
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(records) - 1; i++)
		assert_int_equal(forward_records(f->forward, &f->console, records + i, 1), 0);
	assert_shown(f, "web: one two\nweb: three\n");
}

static void a_terminal_gets_a_colour_and_no_control(void **state)
{
	struct fixture *f = *state;
	char buf[256];
	ssize_t n;

	f->console.terminal = true;
	assert_int_equal(forward(f, STAMP " a\033[2Jb\r\tc\302\2332J \303\244\n"), 0);
	n = read(f->pipe[0], buf, sizeof(buf) - 1);
	assert_true(n > 0);
	buf[n] = '\0';
	assert_memory_equal(buf, "\033[3", 3);
	assert_string_equal(buf + 4, "mweb:\033[0m a?[2Jb?\tc??2J \303\244\n");
}

static void bytes_are_kept_where_there_is_no_terminal(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(forward(f, STAMP " a\033[2J\377\r\n"), 0);
	assert_shown(f, "web: a\033[2J\377\r\n");
}

static void a_raw_terminal_gets_the_carriage_return_too(void **state)
{
	struct fixture *f = *state;

	f->console.raw = true;
	assert_int_equal(forward(f, STAMP " one\n"), 0);
	assert_shown(f, "web: one\r\n");
}

static void a_long_line_is_divided(void **state)
{
	struct fixture *f = *state;
	char record[FORWARD_LINE + 64], want[FORWARD_LINE + 64], text[FORWARD_LINE + 2];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	snprintf(record, sizeof(record), STAMP " %s\n", text);
	assert_int_equal(forward(f, record), 0);
	snprintf(want, sizeof(want), "web: %.*s\nweb: x\n", FORWARD_LINE, text);
	assert_shown(f, want);
}

static void what_a_full_console_does_not_take_is_counted(void **state)
{
	struct fixture *f = *state;
	char byte = 'x';

	while (write(f->pipe[1], &byte, 1) == 1)
		;
	assert_int_equal(forward(f, STAMP " one\n"), strlen("web: one\n"));
	assert_false(f->console.cut);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_line_has_its_name_and_not_its_header, fixture_up,
						fixture_down),
		cmocka_unit_test_setup_teardown(records_may_come_in_any_pieces, fixture_up,
						fixture_down),
		cmocka_unit_test_setup_teardown(a_terminal_gets_a_colour_and_no_control, fixture_up,
						fixture_down),
		cmocka_unit_test_setup_teardown(bytes_are_kept_where_there_is_no_terminal,
						fixture_up, fixture_down),
		cmocka_unit_test_setup_teardown(a_raw_terminal_gets_the_carriage_return_too,
						fixture_up, fixture_down),
		cmocka_unit_test_setup_teardown(a_long_line_is_divided, fixture_up, fixture_down),
		cmocka_unit_test_setup_teardown(what_a_full_console_does_not_take_is_counted,
						fixture_up, fixture_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
