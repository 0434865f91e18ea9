/* The parts of the journal that know no file: records, tail, cursor. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/uio.h>

#include "supervisor/journal_cursor.h"
#include "supervisor/journal_record.h"
#include "supervisor/journal_tail.h"
#include "tests/unit/journal_help.h"

#define STAMP "2026-11-24T03:07:08.123456Z "

/* ---- records ---- */

static void a_stamp_is_utc_with_microseconds(void **state)
{
	struct stamp stamp = {0};

	stamp_set(&stamp, &(struct timespec){.tv_sec = 1795489628, .tv_nsec = 123456789});
	assert_string_equal(stamp.text, STAMP);
	stamp_set(&stamp, &(struct timespec){.tv_sec = 1795489628, .tv_nsec = 1000});
	assert_string_equal(stamp.text, "2026-11-24T03:07:08.000001Z ");
	stamp_set(&stamp, &(struct timespec){.tv_sec = 1795489629, .tv_nsec = 999999999});
	assert_string_equal(stamp.text, "2026-11-24T03:07:09.999999Z ");
}

static void a_date_that_has_no_stamp_keeps_its_length(void **state)
{
	struct stamp stamp = {0};

	stamp_set(&stamp, &(struct timespec){.tv_sec = 0x7fffffffffff});
	assert_true(is_stamp(stamp.text, strlen(stamp.text)));
	stamp_set(&stamp, &(struct timespec){.tv_sec = -1});
	assert_true(is_stamp(stamp.text, strlen(stamp.text)));
}

static struct records records_in(char *out, size_t cap)
{
	static const struct record_rules rules;

	return (struct records){.stamp = STAMP, .rules = &rules, .out = out, .cap = cap};
}

static void assert_records(const struct records *r, const char *want, size_t len)
{
	assert_int_equal(r->len, len);
	assert_memory_equal(r->out, want, len);
}

static void each_line_gets_a_stamp(void **state)
{
	static const char want[] = STAMP "one\n" STAMP "\n" STAMP "two\n";
	char out[400];
	struct records r = records_in(out, sizeof(out));

	assert_int_equal(record_format(&r, "one\n\ntwo\n", 9), 9);
	assert_int_equal(r.stop, RECORD_END);
	assert_records(&r, want, strlen(want));
	assert_int_equal(r.at.open, 0);
	assert_int_equal(r.lines, 3);
}

static void a_line_in_pieces_gets_one_stamp(void **state)
{
	static const char want[] = STAMP "one piece\n" STAMP "x";
	char out[400];
	struct records r = records_in(out, sizeof(out));

	assert_int_equal(record_format(&r, "one", 3), 3);
	assert_int_equal(r.at.open, 1);
	assert_int_equal(record_format(&r, " piece", 6), 6);
	assert_int_equal(record_format(&r, "\nx", 2), 2);
	assert_records(&r, want, strlen(want));
	assert_int_equal(r.lines, 1);
}

static void bytes_of_any_kind_pass_unchanged(void **state)
{
	static const char raw[] = "\0\xff\r\x1b[1m\0\n\0\n";
	static const char want[] = STAMP "\0\xff\r\x1b[1m\0\n" STAMP "\0\n";
	char out[400];
	struct records r = records_in(out, sizeof(out));

	assert_int_equal(record_format(&r, raw, sizeof(raw) - 1), sizeof(raw) - 1);
	assert_records(&r, want, sizeof(want) - 1);
}

static void a_full_buffer_is_gone_on_with(void **state)
{
	static const char raw[] = "a\nlonger line than any buffer "
				  "....................................................."
				  "................................................................"
				  "....................."
				  "................................................................"
				  "....................."
				  "\n\n\nz\n1\n2\n3\n";
	size_t len = strlen(raw);

	for (size_t cap = RECORD_ROOM; cap < RECORD_ROOM + 80; cap++) {
		struct text all = {0}, lines = {0};
		char out[RECORD_ROOM + 80];
		struct records r = records_in(out, cap);
		size_t used = 0;

		while (used < len) {
			used += record_format(&r, raw + used, len - used);
			assert_true(r.len > 0 && r.len <= cap);
			text_add(&all, out, r.len);
			r.len = 0;
		}
		text_strip(&all, &lines);
		assert_string_equal(lines.data, raw);
		text_free(&all);
		text_free(&lines);
	}
}

static void in_a_line(struct records *r)
{
	r->at.of[0].state = LINE_IN;
	r->at.open = 1;
}

static void a_line_that_does_not_fit_the_file_stops_before_it(void **state)
{
	char out[400];
	struct records r = records_in(out, sizeof(out));

	r.max = 2 * (STAMP_LEN + 2);
	assert_int_equal(record_format(&r, "1\n2\n3\n", 6), 4);
	assert_int_equal(r.stop, RECORD_ROTATE);
	/* In an empty file, or when told so, a line that is too long for any file is taken. */
	r = records_in(out, sizeof(out));
	r.max = 10;
	assert_int_equal(record_format(&r, "1\n2\n", 4), 2);
	r.pos = 100;
	assert_int_equal(record_format(&r, "2\n", 2), 0);
	r.greedy = true;
	assert_int_equal(record_format(&r, "2\n3\n", 4), 2);
	/* A line that has begun goes on, up to twice the size. */
	r = records_in(out, sizeof(out));
	in_a_line(&r);
	r.max = 100;
	r.pos = 150;
	assert_int_equal(record_format(&r, "x\n", 2), 2);
	in_a_line(&r);
	r.pos = 200;
	assert_int_equal(record_format(&r, "x\n", 2), 0);
	assert_int_equal(r.stop, RECORD_ROTATE);
}

/* Formats what the streams have written, in this order. */
struct piece {
	unsigned stream;
	const char *text;
};

static void format_pieces(struct records *r, const struct piece *pieces)
{
	for (; pieces->text; pieces++) {
		size_t len = strlen(pieces->text);

		r->stream = pieces->stream;
		assert_int_equal(record_format(r, pieces->text, len), len);
	}
}

static void assert_pieces(const struct record_rules *rules, const struct piece *pieces,
			  const char *want)
{
	char out[2000];
	struct rate rate = {0};
	struct records r = records_in(out, sizeof(out));

	r.rules = rules;
	r.rate = &rate;
	format_pieces(&r, pieces);
	assert_int_equal(r.len, strlen(want));
	assert_memory_equal(out, want, r.len);
}

#define Z "2026-11-24T03:07:08.123456Z"

static void stderr_is_marked_and_a_record_is_never_mixed(void **state)
{
	const struct record_rules rules = {0};
	const struct piece pieces[] = {
		{0, "out\n"},        {1, "err\n"},  {0, "half"}, {1, "other\nand "},
		{0, " done\nnew\n"}, {1, "more\n"}, {0, "x"},    {1, "y\n"},
		{0, "\n"},           {0, "z\n"},    {0, NULL},
	};

	assert_pieces(&rules, pieces,
		      Z " out\n" Z "! err\n" Z " half\n" Z "! other\n" Z "! and \n" Z "+  done\n" Z
			" new\n" Z "!+ more\n" Z " x\n" Z "! y\n" Z " z\n");
}

static void a_level_is_read_off_the_line_however_it_comes(void **state)
{
	const struct record_rules rules = {.prefix = true, .level = 6};
	const struct piece whole[] = {
		{0, "<3>bad\n<8>no\n<\n<3\n<3x\n<3>\n"}, {1, "<0>e\n"}, {0, NULL}};
	const struct piece parts[] = {
		{0, "<"},  {0, "3"},      {0, ">bad\n<"}, {0, "8>no\n<"}, {0, "\n<3"}, {0, "\n"},
		{0, "<3"}, {0, "x\n<3>"}, {1, "<"},       {1, "0>e\n"},   {0, NULL},
	};
	const struct piece off[] = {{0, "<3>bad\n"}, {0, NULL}};

	assert_pieces(&rules, whole,
		      Z "3 bad\n" Z " <8>no\n" Z " <\n" Z " <3\n" Z " <3x\n" Z "3 \n" Z "!0 e\n");
	assert_pieces(&rules, parts,
		      Z "3 bad\n" Z " <8>no\n" Z " <\n" Z " <3\n" Z " <3x\n" Z "3 \n" Z "!0 e\n");
	assert_pieces(&(const struct record_rules){.level = 6}, off, Z " <3>bad\n");
}

static void what_is_below_the_level_is_not_logged(void **state)
{
	const struct record_rules rules = {.prefix = true, .level = 6, .drop_from = 5};
	const struct piece pieces[] = {
		{0, "plain\n<4>warn"},      {0, "ing\n<7>de"}, {0, "bug\n<5"},
		{0, ">notice\n<0>emerg\n"}, {0, NULL},
	};

	assert_pieces(&rules, pieces, Z "4 warning\n" Z "0 emerg\n");
}

static void lines_over_the_rate_are_counted_and_told(void **state)
{
	const struct record_rules rules = {.rate_interval_us = 1000, .rate_burst = 2};
	const struct piece pieces[] = {{0, "1\n2\n3\n4"}, {1, "5\n"}, {0, "4\n"}, {0, NULL}};
	const struct piece later[] = {{0, "6\n"}, {0, NULL}};
	static const char want[] = Z " 1\n" Z " 2\n" Z " hakim: 3 messages suppressed\n" Z " 6\n";
	char out[1000];
	struct rate rate = {0};
	struct records r = records_in(out, sizeof(out));

	r.rules = &rules;
	r.rate = &rate;
	r.now_us = 5000;
	format_pieces(&r, pieces);
	assert_int_equal(r.suppressed, 3);
	assert_int_equal(r.at.suppressed, 3);
	r.now_us = 6000;
	format_pieces(&r, later);
	assert_records(&r, want, strlen(want));
	assert_int_equal(r.at.suppressed, 0);
}

static void a_long_line_is_cut_and_goes_on_with_a_mark(void **state)
{
	size_t cap = 4 * RECORD_LINE_MAX, at = STAMP_LEN + RECORD_LINE_MAX;
	char *raw = test_malloc(cap), *out = test_malloc(cap);
	struct records r = records_in(out, cap);

	memset(raw, 'x', cap);
	raw[RECORD_LINE_MAX] = '\n'; /* not too long */
	raw[2 * RECORD_LINE_MAX + 2] = '\n';
	for (size_t piece = 0, used = 0; used < 2 * RECORD_LINE_MAX + 3; used += piece) {
		piece = 2 * RECORD_LINE_MAX + 3 - used;
		piece = piece > 1000 ? 1000 : piece;
		assert_int_equal(record_format(&r, raw + used, piece), piece);
	}
	assert_memory_equal(out + at, "\n" Z " xx", STAMP_LEN + 3);
	at += 1 + STAMP_LEN + RECORD_LINE_MAX;
	assert_int_equal(r.len, at + strlen("\n" Z "+ x\n"));
	assert_memory_equal(out + at, "\n" Z "+ x\n", r.len - at);
	assert_int_equal(r.lines, 2);
	test_free(raw);
	test_free(out);
}

/* ---- tail ---- */

static void the_tail_gives_whole_last_lines(void **state)
{
	struct tail tail = {0};
	char buf[100];

	assert_int_equal(tail_lines(&tail, buf, sizeof(buf)), 0);
	tail_push(&tail, "one\ntwo\nthr", 11);
	assert_int_equal(tail_lines(&tail, buf, sizeof(buf)), 7);
	assert_string_equal(buf, "one\ntwo");
	tail_push(&tail, "ee\n", 3);
	assert_int_equal(tail_lines(&tail, buf, sizeof(buf)), 13);
	assert_string_equal(buf, "one\ntwo\nthree");
	assert_int_equal(tail_lines(&tail, buf, 13), 9);
	assert_string_equal(buf, "two\nthree");
	assert_int_equal(tail_lines(&tail, buf, 9), 5);
	assert_string_equal(buf, "three");
	assert_int_equal(tail_lines(&tail, buf, 5), 0);
	assert_string_equal(buf, "");
	assert_int_equal(tail_lines(&tail, buf, 0), 0);
}

static void the_tail_does_not_show_half_a_line(void **state)
{
	struct tail *tail = test_calloc(1, sizeof(*tail));
	char line[101], buf[2 * TAIL_SIZE], big[2 * TAIL_SIZE];

	for (int i = 0; i < 100; i++) {
		snprintf(line, sizeof(line), "%0*d\n", 1 + i % 90, i);
		tail_push(tail, line, strlen(line));
		assert_true(tail_lines(tail, buf, sizeof(buf)) > 0);
		assert_int_equal(atoi(strrchr(buf, '\n') ? strrchr(buf, '\n') + 1 : buf), i);
	}
	assert_int_equal(strcspn(buf, "\n"), 1 + atoi(buf) % 90);
	memset(big, 'x', sizeof(big));
	tail_push(tail, big, sizeof(big));
	assert_int_equal(tail_lines(tail, buf, sizeof(buf)), 0);
	tail_push(tail, "\nend\n", 5);
	assert_int_equal(tail_lines(tail, buf, sizeof(buf)), 3);
	assert_string_equal(buf, "end");
	tail_push(tail, "a\0b\n", 4);
	assert_int_equal(tail_lines(tail, buf, 4), 3);
	assert_string_equal(buf, "a?b");
	test_free(tail);
}

/* ---- cursor ---- */

static void an_armed_cursor_tells_whether_the_bytes_are_gone(void **state)
{
	const struct lines open = {.of = {{.state = LINE_IN, .column = 3}}, .open = 1};
	struct cursor c = {0};
	char scratch[16];
	int fds[2];

	cursor_recover(&c);
	assert_int_equal(c.version, CURSOR_VERSION);
	assert_true(c.bol);
	assert_int_equal(c.ino, 0);
	assert_return_code(pipe2(fds, O_NONBLOCK | O_CLOEXEC), errno);
	for (int consumed = 0; consumed < 2; consumed++) {
		for (int last = 0; last < 256; last++) {
			char bytes[3] = {'a', 'b', (char)last};

			cursor_rebase(&c, 1, 0, 100);
			c.lost = 7;
			cursor_arm(&c, 131, &open, (uint8_t)last);
			assert_int_equal(write(fds[1], bytes, 3), 3);
			if (consumed)
				assert_int_equal(cursor_consume(&c, fds[0], scratch, 3), 0);
			else
				assert_int_equal(read(fds[0], scratch, 3), 3);
			cursor_recover(&c);
			assert_int_equal(c.armed, 0);
			assert_int_equal(c.off, consumed ? 131 : 100);
			assert_int_equal(c.bol, !consumed);
			assert_int_equal(c.now.open, consumed);
			assert_int_equal(c.now.of[0].column, consumed ? 3 : 0);
			c.now = (struct lines){0};
			assert_int_equal(c.lost, consumed ? 0 : 7);
			cursor_recover(&c);
			assert_int_equal(c.off, consumed ? 131 : 100);
		}
	}
	/* Nothing there, nobody there. */
	assert_int_equal(cursor_consume(&c, fds[0], scratch, 3), -EAGAIN);
	close(fds[1]);
	assert_int_equal(cursor_consume(&c, fds[0], scratch, 3), -EPIPE);
	close(fds[0]);
}

static void a_commit_cut_short_is_finished(void **state)
{
	struct cursor c;

	cursor_reset(&c);
	cursor_rebase(&c, 1, 0, 100);
	cursor_arm(&c, 131, &(struct lines){0}, 'x');
	c.marker = 'x';
	c.off = 131; /* the first store of the commit, then death */
	cursor_recover(&c);
	assert_int_equal(c.off, 131);
	assert_int_equal(c.armed, 0);
}

/* What the protocol rests on: as much as tee() gave is read away by one call, however many pages it
 * lies in. */
static void one_read_takes_all_that_tee_saw(void **state)
{
	static char raw[65536], line[700];
	int from[2], to[2];

	assert_return_code(pipe2(from, O_NONBLOCK | O_CLOEXEC), errno);
	assert_return_code(pipe2(to, O_NONBLOCK | O_CLOEXEC), errno);
	for (int round = 0; round < 200; round++) {
		struct cursor c = {.marker = 1};
		ssize_t n;

		for (int i = 0; i < 120; i++)
			(void)!write(from[1], line, (size_t)(rand() % 699) + 1);
		n = tee(from[0], to[1], sizeof(raw), SPLICE_F_NONBLOCK);
		assert_true(n > 4096);
		assert_int_equal(read(to[0], raw, sizeof(raw)), n);
		{
			struct iovec iov[2] = {{raw, (size_t)n - 1}, {&c.marker, 1}};

			assert_int_equal(readv(from[0], iov, 2), n);
		}
		assert_int_equal(c.marker, 0);
		while (read(from[0], raw, (size_t)(rand() % 9000) + 1) > 0)
			if (rand() % 8 == 0)
				break;
	}
	for (int i = 0; i < 2; i++) {
		close(from[i]);
		close(to[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_stamp_is_utc_with_microseconds),
		cmocka_unit_test(a_date_that_has_no_stamp_keeps_its_length),
		cmocka_unit_test(each_line_gets_a_stamp),
		cmocka_unit_test(a_line_in_pieces_gets_one_stamp),
		cmocka_unit_test(bytes_of_any_kind_pass_unchanged),
		cmocka_unit_test(a_full_buffer_is_gone_on_with),
		cmocka_unit_test(a_line_that_does_not_fit_the_file_stops_before_it),
		cmocka_unit_test(stderr_is_marked_and_a_record_is_never_mixed),
		cmocka_unit_test(a_level_is_read_off_the_line_however_it_comes),
		cmocka_unit_test(what_is_below_the_level_is_not_logged),
		cmocka_unit_test(lines_over_the_rate_are_counted_and_told),
		cmocka_unit_test(a_long_line_is_cut_and_goes_on_with_a_mark),
		cmocka_unit_test(the_tail_gives_whole_last_lines),
		cmocka_unit_test(the_tail_does_not_show_half_a_line),
		cmocka_unit_test(an_armed_cursor_tells_whether_the_bytes_are_gone),
		cmocka_unit_test(a_commit_cut_short_is_finished),
		cmocka_unit_test(one_read_takes_all_that_tee_saw),
	};

	return cmocka_run_group_tests_name("journal", tests, NULL, NULL);
}
