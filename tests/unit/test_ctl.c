/* hakimctl: its command line, its numbers and texts, its table. Pure rooms, so all of it is said
 * exactly. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "common/cleanup.h"
#include "supervisor/ctl/logread.h"
#include "supervisor/ctl/show.h"
#include "supervisor/ctl/table.h"
#include "supervisor/ctl/view.h"

static const struct look utf8 = {.utf8 = true};
static const struct look ascii = {0};

/* ---- numbers ---- */

static void spans_are_as_exact_as_they_are_of_use(void **state)
{
	static const struct {
		int64_t us;
		const char *span, *age;
	} cases[] = {
		{-1, "-", "-"},
		{INT64_MIN, "-", "-"},
		{0, "0.0 ms", "0s"},
		{99, "0.0 ms", "0s"},
		{1850, "1.8 ms", "0s"},
		{9999, "9.9 ms", "0s"},
		{10000, "10 ms", "0s"},
		{48000, "48 ms", "0s"},
		{999999, "999 ms", "0s"},
		{1000000, "1.00 s", "1s"},
		{3249999, "3.24 s", "3s"},
		{12345678, "12.3 s", "12s"},
		{59999999, "59.9 s", "59s"},
		{60000000, "1m 0s", "1m 0s"},
		{192000000, "3m 12s", "3m 12s"},
		{3599999999, "59m 59s", "59m 59s"},
		{3600000000, "1h 0m", "1h 0m"},
		{86399999999, "23h 59m", "23h 59m"},
		{86400000000, "1d 0h", "1d 0h"},
		{INT64_MAX, "106751991d 4h", "106751991d 4h"},
	};
	char buf[SHOW_SPAN];

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_string_equal(show_span(buf, cases[i].us), cases[i].span);
		assert_string_equal(show_age(buf, cases[i].us), cases[i].age);
	}
}

static void sizes_have_three_digits_at_most(void **state)
{
	static const struct {
		int64_t bytes;
		const char *text;
	} cases[] = {
		{-1, "-"},           {0, "0B"},         {1023, "1023B"},     {1024, "1.0K"},
		{12595, "12.2K"},    {102399, "99.9K"}, {102400, "100K"},    {1023999, "999K"},
		{1024000, "0.9M"},   {1048576, "1.0M"}, {12900000, "12.3M"}, {1073741824, "1.0G"},
		{INT64_MAX, "7.9E"},
	};
	char buf[SHOW_SPAN];

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_string_equal(show_size(buf, cases[i].bytes), cases[i].text);
}

static void times_are_of_the_time_zone_and_odd_ones_are_none(void **state)
{
	char buf[SHOW_TIME];

	setenv("TZ", "UTC", 1);
	tzset();
	assert_string_equal(show_time(buf, 1764000000000000), "2025-11-24 16:00:00 UTC");
	setenv("TZ", "CET-1", 1);
	tzset();
	assert_string_equal(show_time(buf, 1764000000000000), "2025-11-24 17:00:00 CET");
	assert_string_equal(show_time(buf, -1), "-");
	assert_true(strlen(show_time(buf, INT64_MAX)) < SHOW_TIME);
}

/* ---- texts ---- */

static void what_would_control_a_terminal_becomes_a_question_mark(void **state)
{
	static const struct {
		const char *text, *utf8, *ascii;
	} cases[] = {
		{"", "", ""},
		{"plain ~ text", "plain ~ text", "plain ~ text"},
		{"a\x1b[2Jb\x07\x7f\r\x01", "a?[2Jb????", "a?[2Jb????"},
		{"a\nb\tc", "a b c", "a b c"},
		{"gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f", "gr??"},
		{"\xe6\xbc\xa2\xf0\x9f\x98\x80", "\xe6\xbc\xa2\xf0\x9f\x98\x80", "??"},
		{"\xc2\x9b"
		 "31m",
		 "?31m", "?31m"}, /* CSI as one character of C1 */
		/* NOLINTNEXTLINE(misc-misleading-bidirectional): that is the test */
		{"\xe2\x80\xae"
		 "x\xe2\x81\xa6\xd8\x9c",
		 "?x??", "?x??"},           /* directions */
		{"\xe2\x80\xa8", "?", "?"}, /* LINE SEPARATOR */
		{"\xff\xfe", "??", "??"},
		{"\xc3", "?", "?"},
		{"\xe6\xbc", "??", "??"},
		{"\xc0\x9b\xc1\xbf", "????", "????"}, /* overlong */
		{"\xe0\x80\x9b", "???", "???"},       /* overlong */
		{"\xed\xa0\x80", "???", "???"},       /* a surrogate */
		{"\xf4\x90\x80\x80", "????", "????"}, /* above U+10FFFF */
		{"\xf8\x88\x80\x80\x80", "?????", "?????"},
		{"\x9b"
		 "2J",
		 "?2J", "?2J"},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_cleanup_free_ char *u = show_clean(cases[i].text, &utf8, false);
		_cleanup_free_ char *a = show_clean(cases[i].text, &ascii, false);

		assert_string_equal(u, cases[i].utf8);
		assert_string_equal(a, cases[i].ascii);
	}
}

static void tabs_stay_where_they_may(void **state)
{
	_cleanup_free_ char *kept = show_clean("a\tb\nc", &utf8, true);

	assert_string_equal(kept, "a\tb c");
}

static void a_cut_text_has_exactly_the_width(void **state)
{
	static const struct {
		const char *text;
		size_t width;
		const char *utf8, *ascii;
	} cases[] = {
		{"abcdef", 6, "abcdef", "abcdef"},
		{"abcdef", 5, "abcd\xe2\x80\xa6", "ab..."},
		{"abcdef", 3, "ab\xe2\x80\xa6", "..."},
		{"abcdef", 2, "a\xe2\x80\xa6", "ab"},
		{"abcdef", 1, "\xe2\x80\xa6", "a"},
		{"abcdef", 0, "", ""},
		{"", 0, "", ""},
	};
	/* Two columns each: where three fit, one is half and must not be. */
	_cleanup_free_ char *wide = show_cut("\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc\xa2", 4, &utf8);
	_cleanup_free_ char *two = show_cut("\xe6\xbc\xa2\xe6\xbc\xa2", 4, &utf8);

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_cleanup_free_ char *u = show_cut(cases[i].text, cases[i].width, &utf8);
		_cleanup_free_ char *a = show_cut(cases[i].text, cases[i].width, &ascii);

		assert_string_equal(u, cases[i].utf8);
		assert_string_equal(a, cases[i].ascii);
		assert_true(show_width(u, &utf8) <= cases[i].width);
	}
	assert_string_equal(wide, "\xe6\xbc\xa2\xe2\x80\xa6");
	assert_string_equal(two, "\xe6\xbc\xa2\xe6\xbc\xa2");
}

/* ---- the table ---- */

static const struct table_column columns[] = {
	{"NAME", false, 0},
	{"PID", true, 2},
	{"MEMORY", true, 1},
	{"STATUS", false, 0},
};

static char *table_text(const struct look *look)
{
	_cleanup_(table_free) struct table t = {.columns = columns, .n_columns = 4};
	static const char *const cells[] = {
		"a",
		"1",
		"512B",
		"short",
		"a-longer-name",
		"12345",
		NULL,
		"a status that goes on and on",
	};
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	for (size_t i = 0; i < ARRAY_LEN(cells); i++)
		table_add(&t, look, i == 0 ? STYLE_GOOD : STYLE_PLAIN, cells[i]);
	assert_int_equal(table_print(&t, look, out), 0);
	fclose(out);
	return text;
}

static void a_table_is_in_columns(void **state)
{
	_cleanup_free_ char *text = table_text(&ascii);

	assert_string_equal(text, "  NAME             PID  MEMORY  STATUS\n"
				  "  a                  1    512B  short\n"
				  "  a-longer-name  12345       -  a status that goes on and on\n");
}

static void a_narrow_table_cuts_its_last_column(void **state)
{
	_cleanup_free_ char *text = table_text(&(struct look){.width = 50});

	assert_string_equal(text, "  NAME             PID  MEMORY  STATUS\n"
				  "  a                  1    512B  short\n"
				  "  a-longer-name  12345       -  a status that g...\n");
}

static void a_narrower_table_leaves_columns_out_in_their_order(void **state)
{
	_cleanup_free_ char *one = table_text(&(struct look){.width = 42});
	_cleanup_free_ char *two = table_text(&(struct look){.width = 34});
	_cleanup_free_ char *none = table_text(&(struct look){.width = 5});

	assert_string_equal(one, "  NAME             PID  STATUS\n"
				 "  a                  1  short\n"
				 "  a-longer-name  12345  a status that g...\n");
	assert_string_equal(two, "  NAME           STATUS\n"
				 "  a              short\n"
				 "  a-longer-name  a status that ...\n");
	assert_non_null(strstr(none, "a-longer-name  a\n"));
}

static void colours_take_no_room(void **state)
{
	_cleanup_free_ char *text = table_text(&(struct look){.color = true});

	assert_non_null(strstr(text, "  \033[32ma\033[0m                  1    512B  short\n"));
}

static void a_table_without_rows_has_a_head(void **state)
{
	struct table t = {.columns = columns, .n_columns = 4};
	_cleanup_free_ char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_int_equal(table_print(&t, &ascii, out), 0);
	fclose(out);
	assert_string_equal(text, "  NAME  PID  MEMORY  STATUS\n");
}

/* ---- units ---- */

static void the_state_is_one_word(void **state)
{
	static const struct {
		struct unit_view unit;
		const char *word;
		enum style style;
	} cases[] = {
		{{.active = "active", .sub = "running"}, "ready", STYLE_GOOD},
		{{.active = "activating", .sub = "ready-wait"}, "starting", STYLE_BUSY},
		{{.active = "activating", .sub = "auto-restart"}, "restarting", STYLE_BAD},
		{{.active = "failed", .sub = "failed"}, "failed", STYLE_BAD},
		{{.active = "inactive", .sub = "skipped"}, "skipped", STYLE_DIM},
		{{.active = "inactive", .sub = "dead"}, "inactive", STYLE_DIM},
		{{.active = "active", .sub = "of-later"}, "of-later", STYLE_PLAIN},
		{{.active = "active"}, "active", STYLE_PLAIN},
		{{.active = "", .sub = ""}, "?", STYLE_PLAIN},
		{{0}, "?", STYLE_PLAIN},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct view_state is = view_state(&cases[i].unit);

		assert_string_equal(is.word, cases[i].word);
		assert_int_equal(is.style, cases[i].style);
	}
}

static void ready_after_counts_from_the_start_that_it_belongs_to(void **state)
{
	struct unit_view unit = {.queued_us = 1000, .started_us = 2000, .ready_us = 50000};

	assert_int_equal(view_ready_after_us(&unit), 48000);
	unit.started_us = -1;
	assert_int_equal(view_ready_after_us(&unit), 49000);
	unit.queued_us = -1;
	assert_int_equal(view_ready_after_us(&unit), -1);
	/* Ready in an earlier life, started anew since. */
	unit = (struct unit_view){.queued_us = 1, .started_us = 60000, .ready_us = 50000};
	assert_int_equal(view_ready_after_us(&unit), -1);
	unit.ready_us = -1;
	assert_int_equal(view_ready_after_us(&unit), -1);
}

static void the_remark_is_what_matters_now(void **state)
{
	struct unit_view unit = {.sub = "failed", .status = "fine", .last_error = "bad"};

	assert_string_equal(view_remark(&unit), "bad");
	unit.last_error = NULL;
	assert_string_equal(view_remark(&unit), "fine");
	unit = (struct unit_view){.sub = "running", .ready = true, .last_error = "long ago"};
	assert_null(view_remark(&unit));
	unit.status = "fine";
	assert_string_equal(view_remark(&unit), "fine");
	unit = (struct unit_view){.sub = "start", .last_error = "bad"};
	assert_string_equal(view_remark(&unit), "bad");
}

static void a_short_name_lacks_only_the_suffix(void **state)
{
	char buf[VIEW_NAME], name[400];

	assert_string_equal(view_short_name(buf, "a.service"), "a");
	assert_string_equal(view_short_name(buf, "a.socket"), "a.socket");
	assert_string_equal(view_short_name(buf, ".service"), ".service");
	assert_string_equal(view_short_name(buf, ""), "");
	assert_string_equal(view_short_name(buf, NULL), "");
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(strlen(view_short_name(buf, name)), VIEW_NAME - 1);
}

/* ---- logs ---- */

static int file_of(const char *text, size_t len)
{
	FILE *f = tmpfile();
	int fd;

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, len, f), len);
	fflush(f);
	fd = dup(fileno(f));
	fclose(f);
	return fd;
}

/* The end of line that a search for lines meets lies at each place around the block's border once.
 */
static void lines_are_found_around_the_border_of_a_block(void **state)
{
	enum {
		BLOCK = 64 * 1024
	};
	_cleanup_free_ char *text = malloc(3 * BLOCK);

	assert_non_null(text);
	for (size_t tail = BLOCK - 3; tail <= BLOCK + 3; tail++) {
		struct log_spot spot;
		size_t size = tail + BLOCK + 100;
		int fd;

		memset(text, 'x', size);
		text[size - tail - 1] = '\n';
		fd = file_of(text, size);
		assert_int_equal(log_find(&fd, 1, 1, &spot, NULL), 0);
		assert_int_equal(spot.at, size - tail);
		assert_int_equal(log_find(&fd, 1, 2, &spot, NULL), 0);
		assert_int_equal(spot.at, 0);
		close(fd);
	}
}

/* However the bytes come: in one piece or in single ones, the same goes out. */
static void a_terminal_gets_the_same_however_the_bytes_are_divided(void **state)
{
	static const char text[] = "\033[1;32mok\033[0m\r\n\033]0;t\007\302\233x\303\274\r\rz\033[3"
				   "8;5;1mq\033[1\033[2K\033\033[m\302";
	char got[2][256];

	for (int single = 0; single < 2; single++) {
		int pipe_fds[2];
		struct log_out out = {.terminal = true};
		ssize_t n;

		assert_int_equal(pipe(pipe_fds), 0);
		out.fd = pipe_fds[1];
		for (size_t i = 0; i < sizeof(text) - 1; i += single ? 1 : sizeof(text) - 1)
			assert_int_equal(
				log_out_write(&out, text + i, single ? 1 : sizeof(text) - 1, NULL),
				0);
		assert_int_equal(log_out_end(&out, NULL), 0);
		close(pipe_fds[1]);
		n = read(pipe_fds[0], got[single], sizeof(got[single]) - 1);
		assert_true(n > 0);
		got[single][n] = '\0';
		close(pipe_fds[0]);
	}
	assert_string_equal(got[0],
			    "\033[1;32mok\033[0m\n?]0;t??x\303\274??z\033[38;5;1mq?[1?[2K?\033[m?"
			    "\033[0m");
	assert_string_equal(got[1], got[0]);
}

static int set_locale(void **state)
{
	/* wcwidth(3) knows no character without it; Debian's libc always has this one. */
	return setlocale(LC_CTYPE, "C.UTF-8") ? 0 : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(spans_are_as_exact_as_they_are_of_use),
		cmocka_unit_test(sizes_have_three_digits_at_most),
		cmocka_unit_test(times_are_of_the_time_zone_and_odd_ones_are_none),
		cmocka_unit_test(what_would_control_a_terminal_becomes_a_question_mark),
		cmocka_unit_test(tabs_stay_where_they_may),
		cmocka_unit_test(a_cut_text_has_exactly_the_width),
		cmocka_unit_test(a_table_is_in_columns),
		cmocka_unit_test(a_narrow_table_cuts_its_last_column),
		cmocka_unit_test(a_narrower_table_leaves_columns_out_in_their_order),
		cmocka_unit_test(colours_take_no_room),
		cmocka_unit_test(a_table_without_rows_has_a_head),
		cmocka_unit_test(the_state_is_one_word),
		cmocka_unit_test(ready_after_counts_from_the_start_that_it_belongs_to),
		cmocka_unit_test(the_remark_is_what_matters_now),
		cmocka_unit_test(a_short_name_lacks_only_the_suffix),
		cmocka_unit_test(lines_are_found_around_the_border_of_a_block),
		cmocka_unit_test(a_terminal_gets_the_same_however_the_bytes_are_divided),
	};

	return cmocka_run_group_tests(tests, set_locale, NULL);
}
