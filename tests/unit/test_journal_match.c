/* A line that is waited for: told once, only of what counts, and never by a part of a line. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "common/cleanup.h"
#include "supervisor/journal.h"
#include "supervisor/journal_match.h"
#include "supervisor/pattern.h"

#define DEADLINE_MS 5000
#define QUIET_MS    100

static struct pattern *pattern(const char *text)
{
	struct pattern *p = NULL;
	struct err err = {0};

	if (pattern_parse(text, &p, &err) < 0)
		fail_msg("%s: %s", text, err.text);
	return p;
}

static bool matches(const char *text, const char *bytes)
{
	struct pattern *p = pattern(text);
	bool found = pattern_match(p, bytes, strlen(bytes));

	pattern_free(p);
	return found;
}

static void a_pattern_is_a_text_or_between_slashes_an_expression(void **state)
{
	static const char *const bad[] = {"", "//", "/(/", "/(a)\\1/", "/[/"};
	struct pattern *p = NULL;
	char text[PATTERN_MAX + 2];

	assert_true(matches("ready", "is ready now"));
	assert_true(matches("a.*(b", "a.*(b"));
	assert_false(matches("a.b", "axb"));
	assert_true(matches("/a.b/", "axb"));
	assert_true(matches("/^on port [0-9]+$/", "on port 80"));
	assert_false(matches("/^on port [0-9]+$/", "on port 80x"));
	assert_true(matches("/", "a/b"));
	assert_true(matches("/run", "in /run/x"));
	assert_true(matches("/a|b/", "b"));
	assert_true(matches("/^b$/", "a\nb\nc"));
	p = pattern("/b$/");
	assert_true(pattern_match(p, "a\0b", 3));
	assert_false(pattern_match(p, "ab", 1));
	pattern_free(p);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (pattern_parse(bad[i], &p, NULL) == 0)
			fail_msg("\"%s\" is taken", bad[i]);
	memset(text, 'x', sizeof(text));
	text[PATTERN_MAX + 1] = '\0';
	assert_true(pattern_parse(text, &p, NULL) < 0);
}

/* glibc writes "a+" as "aa*" and "a{3}" as "aaa": nested, that is more than there is memory. */
static void a_pattern_that_would_fill_the_memory_is_refused(void **state)
{
	static const char *const large[] = {
		"/o+++++++++++++++++++++++++++++++++/",
		"/((((((((((((a+)+)+)+)+)+)+)+)+)+)+)+/",
		"/(a{100}){100}/",
		"/a{30000}/",
		"/a{,30000}/",
		"/(a{30,}){50}/",
		"/((x|y){20,40}z){50}/",
		"/(([[:alpha:]]{1,30}-){30}){30}/",
	};
	static const char *const good[] = {
		"/[0-9]{1,3}(\\.[0-9]{1,3}){3}/",
		"/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/",
		"/^((ready|up)+ )+[]+{9}({99}]+$/",
		"/a\\{9999}/",
		"/(x{10}){10}/",
	};
	struct pattern *p;

	for (size_t i = 0; i < ARRAY_LEN(large); i++)
		if (pattern_parse(large[i], &p, NULL) != -E2BIG)
			fail_msg("%s is taken", large[i]);
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		pattern_free(pattern(good[i]));
}

static void a_line_counts_when_it_is_whole(void **state)
{
	struct log_match *m = log_match_new(pattern("/^up$/"), NULL);

	log_match_bytes(m, 0, "u", 1, 0);
	log_match_bytes(m, 0, "p", 1, 1);
	assert_false(m->matched);
	log_match_bytes(m, 0, "per\nup", 6, 2);
	assert_false(m->matched);
	log_match_bytes(m, 0, "\r\n", 2, 8);
	assert_true(m->matched);
	log_match_free(m);
}

static void bytes_from_before_do_not_count(void **state)
{
	struct log_match *m = log_match_new(pattern("up"), NULL);

	m->part[0].from = 6;
	log_match_bytes(m, 0, "up\n", 3, 0);
	log_match_bytes(m, 0, "up\nu", 4, 3);
	assert_false(m->matched);
	log_match_bytes(m, 0, "p\n", 2, 7);
	assert_true(m->matched);
	log_match_free(m);
}

static void a_very_long_line_is_looked_at_as_far_as_it_goes(void **state)
{
	struct log_match *m = log_match_new(pattern("end"), NULL);
	static char line[MATCH_LINE * 3 + 1];

	memset(line, 'x', sizeof(line) - 5);
	snprintf(line + sizeof(line) - 5, 5, "end\n");
	log_match_bytes(m, 0, line, sizeof(line) - 1, 0);
	assert_false(m->matched);
	log_match_bytes(m, 0, "end\n", 4, sizeof(line) - 1);
	assert_true(m->matched);
	log_match_free(m);
}

static int log_file(const char *text)
{
	char path[] = "/tmp/hakim-test-match-XXXXXX";
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	unlink(path);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	return fd;
}

static void after_a_takeover_the_file_counts_from_the_start_of_the_run(void **state)
{
	static const char old_one[] = "2026-11-24T03:07:08.000001Z up\n"
				      "2026-11-24T03:07:08.000003Z down\n";
	static const char new_one[] = "2026-11-24T03:07:08.000002Z up\n";
	const struct timespec since = {.tv_sec = 1795489628, .tv_nsec = 2000};
	struct log_match *m = log_match_new(pattern("up"), &since);
	int fd = log_file(old_one);

	assert_string_equal(m->since, "2026-11-24T03:07:08.000002Z");
	log_match_file(m, fd, sizeof(old_one) - 1);
	assert_false(m->matched);
	close(fd);
	fd = log_file(new_one);
	/* Half of it is in the file, the rest comes by the pipe. */
	log_match_file(m, fd, sizeof(new_one) - 3);
	assert_false(m->matched);
	log_match_bytes(m, 0, "p\n", 2, 0);
	assert_true(m->matched);
	log_match_free(m);
	m = log_match_new(pattern("up"), &since);
	log_match_file(m, fd, sizeof(new_one) - 1);
	assert_true(m->matched);
	log_match_free(m);
	m = log_match_new(pattern("up"), NULL);
	log_match_file(m, fd, sizeof(new_one) - 1);
	assert_false(m->matched);
	log_match_free(m);
	close(fd);
}

/* ---- through the journal ---- */

static char dir[64];
static struct journal *journal;
static struct journal_cursor cursors[JOURNAL_STREAMS];
static int wake_fd, fds[2];

static int journal_begin(void **state)
{
	struct journal_config config = {.dir = dir, .cursors = cursors, .group = (gid_t)-1};
	struct journal_stream stream = {.name = "x.service", .index = 3};
	struct err err = {0};

	snprintf(dir, sizeof(dir), "/tmp/hakim-test-journal-XXXXXX");
	assert_non_null(mkdtemp(dir));
	memset(cursors, 0, sizeof(cursors));
	wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	config.wake_fd = wake_fd;
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	stream.fd = fds[0];
	assert_int_equal(journal_start(&journal, &config, &err), 0);
	assert_int_equal(journal_add(journal, &stream, &err), 0);
	return 0;
}

static int journal_end(void **state)
{
	char path[128];

	journal_stop(journal, 5000);
	snprintf(path, sizeof(path), "%s/x.log", dir);
	unlink(path);
	rmdir(dir);
	close(wake_fd);
	close(fds[0]);
	close(fds[1]);
	return 0;
}

static void service_says(const char *text)
{
	assert_int_equal(write(fds[1], text, strlen(text)), strlen(text));
}

/* Whether the journal has woken us within the time. */
static bool woken(int timeout_ms)
{
	struct pollfd p = {.fd = wake_fd, .events = POLLIN};
	uint64_t count;

	if (poll(&p, 1, timeout_ms) != 1)
		return false;
	return read(wake_fd, &count, sizeof(count)) == sizeof(count);
}

static void it_wakes_once_when_the_line_has_come(void **state)
{
	service_says("up\n");
	assert_int_equal(journal_match(journal, 3, "up", NULL, NULL), 0);
	service_says("not yet\n");
	assert_false(woken(QUIET_MS));
	assert_false(journal_matched(journal, 3));
	service_says("up");
	assert_false(woken(QUIET_MS));
	service_says("\n");
	assert_true(woken(DEADLINE_MS));
	assert_true(journal_matched(journal, 3));
	service_says("up\n");
	assert_false(woken(QUIET_MS));
	/* The next run. */
	assert_int_equal(journal_match(journal, 3, "up", NULL, NULL), 0);
	assert_false(journal_matched(journal, 3));
	assert_false(woken(QUIET_MS));
	service_says("up\n");
	assert_true(woken(DEADLINE_MS));
	assert_true(journal_matched(journal, 3));
}

static void nobody_waits_any_more(void **state)
{
	assert_int_equal(journal_match(journal, 3, "up", NULL, NULL), 0);
	assert_int_equal(journal_match(journal, 3, NULL, NULL, NULL), 0);
	service_says("up\n");
	assert_false(woken(QUIET_MS));
	assert_false(journal_matched(journal, 3));
	assert_true(journal_match(journal, 4, "up", NULL, NULL) < 0);
	assert_true(journal_match(journal, 3, "/(/", NULL, NULL) < 0);
}

static void what_was_missed_is_found_in_the_file(void **state)
{
	struct timespec since;

	clock_gettime(CLOCK_REALTIME, &since);
	since.tv_sec -= 60;
	service_says("up\n");
	/* It has left the pipe. */
	for (unsigned i = 0; i < 500; i++) {
		struct journal_counters counters;

		journal_counters(journal, 3, &counters);
		if (counters.lines)
			break;
		poll(NULL, 0, 10);
	}
	assert_int_equal(journal_match(journal, 3, "up", NULL, NULL), 0);
	assert_false(woken(QUIET_MS));
	assert_int_equal(journal_match(journal, 3, "up", &since, NULL), 0);
	assert_true(woken(DEADLINE_MS));
	assert_true(journal_matched(journal, 3));
}

/* However the thread and the caller meet: what came before never counts, what comes after always
 * does. */
static void no_line_is_missed_or_counted_twice_at_the_border(void **state)
{
	for (unsigned i = 0; i < 2000; i++) {
		service_says("run\n");
		assert_int_equal(journal_match(journal, 3, "run", NULL, NULL), 0);
		if (i % 3 == 0)
			assert_false(journal_matched(journal, 3));
		if (i % 7 == 0)
			assert_false(woken(1));
		service_says("run\n");
		while (!journal_matched(journal, 3))
			if (!woken(DEADLINE_MS))
				fail_msg("round %u: the line was missed", i);
		woken(0);
	}
}

#define WITH(name) cmocka_unit_test_setup_teardown(name, journal_begin, journal_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pattern_is_a_text_or_between_slashes_an_expression),
		cmocka_unit_test(a_pattern_that_would_fill_the_memory_is_refused),
		cmocka_unit_test(a_line_counts_when_it_is_whole),
		cmocka_unit_test(bytes_from_before_do_not_count),
		cmocka_unit_test(a_very_long_line_is_looked_at_as_far_as_it_goes),
		cmocka_unit_test(after_a_takeover_the_file_counts_from_the_start_of_the_run),
		WITH(it_wakes_once_when_the_line_has_come),
		WITH(nobody_waits_any_more),
		WITH(what_was_missed_is_found_in_the_file),
		WITH(no_line_is_missed_or_counted_twice_at_the_border),
	};

	return cmocka_run_group_tests_name("journal match", tests, NULL, NULL);
}
