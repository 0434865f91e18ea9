/* What `hakimctl logs` is made of: records, patterns, the lines of a log forward and backward, and
 * several logs as one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <locale.h>
#include <sys/mman.h>

#include "common/cleanup.h"
#include "supervisor/ctl/logmerge.h"
#include "tests/unit/journal_help.h"

#define STAMP "2026-11-24T03:07:08.123456Z"
#define US    1795489628123456ll

static int file_of(const char *text, size_t len)
{
	int fd = memfd_create("log", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, len), len);
	return fd;
}

/* ---- records ---- */

static void a_record_is_read_from_its_line(void **state)
{
	static const struct {
		const char *line, *text;
		int64_t us;
		bool err, goes_on;
		int level;
	} cases[] = {
		{STAMP " hello", "hello", US, false, false, -1},
		{STAMP "! hello", "hello", US, true, false, -1},
		{STAMP "3 hello", "hello", US, false, false, 3},
		{STAMP "!0+ hello", "hello", US, true, true, 0},
		{STAMP "+  two", " two", US, false, true, -1},
		{STAMP " ", "", US, false, false, -1},
		/* No records: all is text. */
		{STAMP, STAMP, -1, false, false, -1},
		{STAMP "!", STAMP "!", -1, false, false, -1},
		{STAMP "8 x", STAMP "8 x", -1, false, false, -1},
		{STAMP "3! x", STAMP "3! x", -1, false, false, -1},
		{"2026-13-24T03:07:08.123456Z x", "2026-13-24T03:07:08.123456Z x", -1, false, false,
		 -1},
		{"hello", "hello", -1, false, false, -1},
		{"", "", -1, false, false, -1},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct log_record r = record_parse(cases[i].line, strlen(cases[i].line));

		assert_string_equal(r.line + r.text, cases[i].text);
		assert_int_equal(r.us, cases[i].us);
		assert_int_equal(r.err, cases[i].err);
		assert_int_equal(r.goes_on, cases[i].goes_on);
		assert_int_equal(r.level, cases[i].level);
	}
}

static void assert_shown(const struct log_style *style, const char *line, size_t len,
			 const char *want)
{
	struct log_record r = record_parse(line, len);
	struct log_text out = {0};

	record_show(&out, style, &r, "web.service");
	log_text_add(&out, "", 1);
	assert_false(out.failed);
	assert_string_equal(out.data, want);
	log_text_free(&out);
}

static void each_format_is_as_it_says(void **state)
{
	static const char line[] = STAMP "!3 hello", odd[] = "no record";
	static const struct {
		struct log_style style;
		const char *record, *odd;
	} cases[] = {
		{{.format = LOG_AS_IT_IS}, STAMP "!3 hello\n", "no record\n"},
		{{.format = LOG_AS_IT_IS, .named = true},
		 STAMP "!3 web: hello\n",
		 "web: no record\n"},
		{{.format = LOG_SHORT}, "Nov 24 04:07:08 web: hello\n", "- web: no record\n"},
		{{.format = LOG_SHORT_ISO},
		 "2026-11-24T04:07:08+01:00 web: hello\n",
		 "- web: no record\n"},
		{{.format = LOG_CAT, .named = true}, "hello\n", "no record\n"},
	};

	setenv("TZ", "CET-1", 1);
	tzset();
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_shown(&cases[i].style, line, sizeof(line) - 1, cases[i].record);
		assert_shown(&cases[i].style, odd, sizeof(odd) - 1, cases[i].odd);
	}
}

#define JSON_HEAD                                                                        \
	"{\"time\":\"" STAMP "\",\"time_us\":1795489628123456,\"unit\":\"web.service\"," \
	"\"stream\":\"stdout\",\"level\":null,\"continued\":false,\"message\":"

static void json_has_text_or_bytes(void **state)
{
	static const struct {
		const char *text;
		size_t len;
		const char *want;
	} cases[] = {
		{"a\"\\\t", 4, "\"a\\\"\\\\\\u0009\""},
		{"", 0, "\"\""},
		{"\303\244\342\202\254\360\237\230\200", 9,
		 "\"\303\244\342\202\254\360\237\230\200\""},
		{"a\377", 2, "[97,255]"},
		{"\303", 1, "[195]"},
		/* Too long, a surrogate, above U+10FFFF */
		{"\300\200", 2, "[192,128]"},
		{"\340\200\200", 3, "[224,128,128]"},
		{"\355\240\200", 3, "[237,160,128]"},
		{"\364\220\200\200", 4, "[244,144,128,128]"},
		{"a\0b", 3, "\"a\\u0000b\""},
	};
	const struct log_style json = {.format = LOG_JSON};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char line[128] = STAMP " ", want[512];

		memcpy(line + 28, cases[i].text, cases[i].len);
		snprintf(want, sizeof(want), JSON_HEAD "%s}\n", cases[i].want);
		assert_shown(&json, line, 28 + cases[i].len, want);
	}
}

/* ---- patterns ---- */

static void the_case_counts_where_there_is_a_capital(void **state)
{
	static const struct {
		const char *pattern;
		bool ignore;
		const char *text;
		bool found;
	} cases[] = {
		{"full", false, "Disk FULL", true},
		{"Full", false, "disk FULL", false},
		{"Full", true, "disk FULL", true},
		{"FULL", false, "disk FULL", true},
		{"^disk", false, "Disk", true},
		{"^isk", false, "disk", false},
		{"a|b", false, "xbx", true},
		{"a{2}", false, "aa", true},
		{"[[:digit:]]+$", false, "x1", true},
		{"\303\244", false, "\303\204", true},
		{"\303\204", false, "\303\244", false},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct log_grep g = {0};

		assert_int_equal(log_grep_begin(&g, cases[i].pattern, cases[i].ignore, NULL), 0);
		if (log_grep_has(&g, cases[i].text, strlen(cases[i].text)) != cases[i].found)
			fail_msg("%s in %s", cases[i].pattern, cases[i].text);
		log_grep_free(&g);
	}
}

static void only_its_own_bytes_are_searched_also_behind_nul(void **state)
{
	struct log_grep g = {0};

	assert_true(log_grep_has(&g, "all", 3));
	assert_int_equal(log_grep_begin(&g, "tail$", false, NULL), 0);
	assert_true(log_grep_has(&g, "a\0tail more", 6));
	assert_false(log_grep_has(&g, "a tail", 5));
	log_grep_free(&g);
}

/* ---- lines ---- */

/* Three files, the newest first; lines of all lengths around those of a block. */
static size_t lines_of(int fds[static 3], char ***lines)
{
	enum {
		LINES = 60
	};
	static const size_t lengths[] = {0, 1, 70, 65535, 65536, 65537, 131072, 7, 200000, 3};
	size_t per = LINES / 3;

	*lines = calloc(LINES, sizeof(**lines));
	assert_non_null(*lines);
	for (size_t file = 0; file < 3; file++) {
		struct text t = {0};

		for (size_t i = (2 - file) * per; i < (3 - file) * per; i++) {
			size_t len = lengths[(i * 7 + i / 10) % ARRAY_LEN(lengths)];

			(*lines)[i] = calloc(1, len + 1);
			memset((*lines)[i], 'a' + (int)(i % 26), len);
			text_add(&t, (*lines)[i], len);
			/* The last of a file has no end. */
			if (i + 1 < (3 - file) * per || file == 1)
				text_add(&t, "\n", 1);
		}
		fds[file] = file_of(t.data, t.len);
		text_free(&t);
	}
	return LINES;
}

static void the_same_lines_come_forward_and_backward(void **state)
{
	struct log_walk w;
	const char *line;
	char **lines;
	size_t n, len;
	int fds[3];

	n = lines_of(fds, &lines);
	assert_int_equal(log_walk_begin(&w, fds, 3, false, NULL), 0);
	for (int turn = 0; turn < 2; turn++) {
		for (size_t i = 0; i < n; i++) {
			assert_int_equal(log_walk_next(&w, &line, &len, NULL), 1);
			assert_int_equal(len, strlen(lines[i]));
			assert_memory_equal(line, lines[i], len);
		}
		assert_int_equal(log_walk_next(&w, &line, &len, NULL), 0);
		for (size_t i = n; i-- > 0;) {
			assert_int_equal(log_walk_prev(&w, &line, &len, NULL), 1);
			assert_int_equal(len, strlen(lines[i]));
			assert_memory_equal(line, lines[i], len);
		}
		assert_int_equal(log_walk_prev(&w, &line, &len, NULL), 0);
	}
	log_walk_free(&w);
	for (size_t i = 0; i < n; i++)
		free(lines[i]);
	free(lines);
	for (int i = 0; i < 3; i++)
		close(fds[i]);
}

static void a_step_forward_and_one_back_are_the_same_line(void **state)
{
	int fd = file_of("one\n\nthree\nno end", 17);
	const char *line;
	struct log_walk w;
	size_t len;

	assert_int_equal(log_walk_begin(&w, &fd, 1, false, NULL), 0);
	for (size_t i = 0; i < 4; i++) {
		size_t first;

		assert_int_equal(log_walk_next(&w, &line, &first, NULL), 1);
		assert_int_equal(log_walk_prev(&w, &line, &len, NULL), 1);
		assert_int_equal(len, first);
		assert_int_equal(log_walk_next(&w, &line, &len, NULL), 1);
	}
	assert_memory_equal(line, "no end", 6);
	log_walk_free(&w);
	/* A follower leaves the last one to later. */
	assert_int_equal(log_walk_begin(&w, &fd, 1, true, NULL), 0);
	w.at = w.end;
	assert_int_equal(log_walk_prev(&w, &line, &len, NULL), 1);
	assert_int_equal(len, 5);
	log_walk_free(&w);
	close(fd);
}

static void a_line_without_an_end_is_divided(void **state)
{
	size_t size = 5u << 20, got = 0, len;
	int fd = memfd_create("log", MFD_CLOEXEC);
	const char *line;
	struct log_walk w;

	assert_return_code(ftruncate(fd, (off_t)size), errno);
	assert_int_equal(log_walk_begin(&w, &fd, 1, false, NULL), 0);
	while (log_walk_next(&w, &line, &len, NULL) == 1)
		got += len;
	assert_int_equal(got, size);
	while (log_walk_prev(&w, &line, &len, NULL) == 1)
		got -= len;
	assert_int_equal(got, 0);
	assert_true(w.size <= 2u << 20);
	log_walk_free(&w);
	close(fd);
}

static void a_file_that_is_cut_meanwhile_ends(void **state)
{
	int fd = file_of("one\ntwo\nthree\n", 14);
	const char *line;
	struct log_walk w;
	size_t len;

	assert_int_equal(log_walk_begin(&w, &fd, 1, false, NULL), 0);
	assert_return_code(ftruncate(fd, 4), errno);
	assert_int_equal(log_walk_next(&w, &line, &len, NULL), 1);
	assert_int_equal(len, 3);
	assert_int_equal(log_walk_next(&w, &line, &len, NULL), 0);
	w.at = w.end;
	w.file = SIZE_MAX;
	assert_int_equal(log_walk_prev(&w, &line, &len, NULL), 1);
	assert_memory_equal(line, "one", 3);
	assert_int_equal(log_walk_prev(&w, &line, &len, NULL), 0);
	log_walk_free(&w);
	close(fd);
}

/* ---- several ---- */

static void assert_merged(const char *const logs[static 2], const struct log_range *range,
			  const char *want)
{
	struct log log[2] = {0};
	struct log_set set = {.v = log, .n = 2, .style = {.format = LOG_CAT}};
	struct text got = {0};
	char buf[512];
	ssize_t n;
	int out = memfd_create("out", MFD_CLOEXEC);

	set.out.fd = out;
	for (size_t i = 0; i < 2; i++) {
		log[i].files.fds[0] = file_of(logs[i], strlen(logs[i]));
		log[i].files.n = 1;
	}
	assert_int_equal(log_merge_print(&set, range, NULL), 0);
	n = pread(out, buf, sizeof(buf), 0);
	text_add(&got, buf, n < 0 ? 0 : (size_t)n);
	assert_string_equal(got.data, want);
	text_free(&got);
	log_text_free(&set.text);
	for (size_t i = 0; i < 2; i++)
		log_files_free(&log[i].files);
	close(out);
}

#define AT(second) "2026-11-24T03:00:0" #second ".000000Z "

static void the_order_is_that_of_time_and_within_a_log_its_own(void **state)
{
	static const char *const logs[2] = {
		AT(1) "a1\n" AT(3) "a3\n" AT(2) "a2, the clock was set back\n" AT(5) "a5\n",
		AT(1) "b1\nb1, no stamp\n" AT(4) "b4\n" AT(5) "b5\n",
	};
	const struct log_range all = {.lines = UINT64_MAX},
			       back = {.lines = UINT64_MAX, .reverse = true}, three = {.lines = 3};

	assert_merged(logs, &all,
		      "a1\nb1\nb1, no stamp\na3\na2, the clock was set back\nb4\na5\nb5\n");
	assert_merged(logs, &three, "b4\na5\nb5\n");
	assert_merged(logs, &back,
		      "b5\na5\nb4\nb1, no stamp\na2, the clock was set back\na3\nb1\na1\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_record_is_read_from_its_line),
		cmocka_unit_test(each_format_is_as_it_says),
		cmocka_unit_test(json_has_text_or_bytes),
		cmocka_unit_test(the_case_counts_where_there_is_a_capital),
		cmocka_unit_test(only_its_own_bytes_are_searched_also_behind_nul),
		cmocka_unit_test(the_same_lines_come_forward_and_backward),
		cmocka_unit_test(a_step_forward_and_one_back_are_the_same_line),
		cmocka_unit_test(a_line_without_an_end_is_divided),
		cmocka_unit_test(a_file_that_is_cut_meanwhile_ends),
		cmocka_unit_test(the_order_is_that_of_time_and_within_a_log_its_own),
	};

	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests_name("ctl_logs", tests, NULL, NULL);
}
