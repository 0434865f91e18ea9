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

static void a_line_as_long_as_can_be_is_one_line(void **state)
{
	struct fixture *f = *state;
	char record[FORWARD_LINE + 64], want[FORWARD_LINE + 64], text[FORWARD_LINE + 1];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	snprintf(record, sizeof(record), STAMP " %s\n", text);
	assert_int_equal(forward(f, record), 0);
	snprintf(want, sizeof(want), "web: %s\n", text);
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

/* One write of more than a pipe holds takes a part of it (pipe(7), PIPE_BUF). */
static size_t half_a_line(struct fixture *f)
{
	enum {
		LINES = 5,
		TEXT = 900
	};
	char records[LINES * (TEXT + 64)], *at = records;
	int room = fcntl(f->pipe[1], F_SETPIPE_SZ, 4096);

	assert_int_equal(room, 4096);
	for (int i = 0; i < LINES; i++)
		at += sprintf(at, STAMP " %0*d\n", TEXT, i);
	assert_int_equal(forward(f, records), LINES * (TEXT + strlen("web: \n")) - 4096);
	assert_true(f->console.cut);
	return 4096;
}

static void take(struct fixture *f, size_t len)
{
	char buf[65536];

	assert_int_equal(read(f->pipe[0], buf, sizeof(buf)), len);
}

static void a_line_behind_half_a_line_is_on_its_own(void **state)
{
	struct fixture *f = *state;

	take(f, half_a_line(f));
	assert_int_equal(forward(f, STAMP " one\n" STAMP " two\n"), 0);
	assert_shown(f, "\nweb: one\nweb: two\n");
}

static void also_when_the_lines_between_were_dropped(void **state)
{
	struct fixture *f = *state;
	size_t half = half_a_line(f);

	assert_int_equal(forward(f, STAMP " lost\n"), strlen("\nweb: lost\n"));
	assert_true(f->console.cut);
	take(f, half);
	assert_int_equal(forward(f, STAMP " one\n"), 0);
	assert_shown(f, "\nweb: one\n");
	assert_false(f->console.cut);
}

/* What is more than one write. */
static void a_flood_has_each_line_on_its_own(void **state)
{
	enum {
		LINES = 40,
		TEXT = 1000
	};
	struct fixture *f = *state;
	char *records = malloc(LINES * (TEXT + 64)), *want = malloc(LINES * (TEXT + 64));
	char *at = records, *w = want;

	assert_non_null(records);
	assert_non_null(want);
	for (int i = 0; i < LINES; i++) {
		at += sprintf(at, STAMP " %0*d\n", TEXT - i, i);
		w += sprintf(w, "web: %0*d\n", TEXT - i, i);
	}
	assert_int_equal(forward(f, records), 0);
	assert_shown(f, want);
	free(records);
	free(want);
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
		cmocka_unit_test_setup_teardown(a_line_as_long_as_can_be_is_one_line, fixture_up,
						fixture_down),
		cmocka_unit_test_setup_teardown(what_a_full_console_does_not_take_is_counted,
						fixture_up, fixture_down),
		cmocka_unit_test_setup_teardown(a_line_behind_half_a_line_is_on_its_own, fixture_up,
						fixture_down),
		cmocka_unit_test_setup_teardown(also_when_the_lines_between_were_dropped,
						fixture_up, fixture_down),
		cmocka_unit_test_setup_teardown(a_flood_has_each_line_on_its_own, fixture_up,
						fixture_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
