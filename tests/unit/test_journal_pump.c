/* The journal as a whole: what goes into the pipe is in the file, also after a death at each single
 * step. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "common/cleanup.h"
#include "supervisor/journal.h"
#include "supervisor/journal_pump.h"
#include "tests/unit/journal_help.h"

struct fixture {
	char dir[PATH_MAX];
	struct journal_cursor *cursors;
	struct journal *journal;
	int pipe[2];
	uint64_t max_bytes;
};

static int fixture_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->max_bytes = 1 << 20;
	dir_make(f->dir, sizeof(f->dir));
	f->cursors = shared_memory(JOURNAL_STREAMS * sizeof(*f->cursors));
	assert_return_code(pipe2(f->pipe, O_CLOEXEC), errno);
	*state = f;
	return 0;
}

static int fixture_down(void **state)
{
	struct fixture *f = *state;

	if (f->journal)
		journal_stop(f->journal, 5000);
	dir_remove(f->dir);
	munmap(f->cursors, JOURNAL_STREAMS * sizeof(*f->cursors));
	close(f->pipe[0]);
	if (f->pipe[1] >= 0)
		close(f->pipe[1]);
	free(f);
	return 0;
}

static void start(struct fixture *f, int wake_fd)
{
	struct journal_config config = {
		.dir = f->dir, .cursors = f->cursors, .wake_fd = wake_fd, .group = (gid_t)-1};
	struct err err;

	if (journal_start(&f->journal, &config, &err) < 0)
		fail_msg("%s", err.text);
}

static void add(struct fixture *f, bool taken_over)
{
	struct journal_stream stream = {
		.name = "x.service",
		.index = 5,
		.fd = f->pipe[0],
		.max_bytes = f->max_bytes,
		.keep = 3,
		.watched = true,
		.taken_over = taken_over,
	};
	struct err err;

	if (journal_add(f->journal, &stream, &err) < 0)
		fail_msg("%s", err.text);
}

static void stop(struct fixture *f)
{
	journal_stop(f->journal, 5000);
	f->journal = NULL;
}

static void say(const struct fixture *f, const char *text)
{
	assert_int_equal(write(f->pipe[1], text, strlen(text)), strlen(text));
}

static struct journal_counters counters(const struct fixture *f)
{
	struct journal_counters c;

	journal_counters(f->journal, 5, &c);
	return c;
}

static int filled(const struct fixture *f)
{
	int n = -1;

	assert_return_code(ioctl(f->pipe[0], FIONREAD, &n), errno);
	return n;
}

static void assert_log(const struct fixture *f, const char *want)
{
	struct text lines = {0};

	log_read(f->dir, "x", &lines);
	assert_string_equal(lines.data ? lines.data : "", want);
	text_free(&lines);
}

static void lines_go_to_the_file_and_the_tail(void **state)
{
	struct fixture *f = *state;
	char buf[200];
	int fd;

	start(f, -1);
	add(f, false);
	say(f, "one\ntwo\nthr");
	wait_for(counters(f).lines == 2);
	wait_for(counters(f).bytes == 3 * STAMP_LEN + 11);
	assert_log(f, "one\ntwo\nthr");
	assert_int_equal(journal_tail(f->journal, 5, buf, sizeof(buf)), 2 * STAMP_LEN + 7);
	assert_string_equal(buf + STAMP_LEN + 4 + STAMP_LEN, "two");
	fd = journal_open(f->journal, 5, 0);
	assert_return_code(fd, errno);
	assert_int_equal(read(fd, buf, sizeof(buf)), 3 * STAMP_LEN + 11);
	close(fd);
	assert_int_equal(journal_open(f->journal, 5, 1), -ENOENT);
	assert_int_equal(journal_open(f->journal, 6, 0), -ENOENT);
	assert_int_equal(journal_tail(f->journal, JOURNAL_STREAMS, buf, sizeof(buf)), 0);
}

static void a_restart_goes_on_in_the_middle_of_a_line(void **state)
{
	struct fixture *f = *state;
	char buf[200];

	start(f, -1);
	add(f, false);
	say(f, "one\ntw");
	stop(f);
	assert_log(f, "one\ntw");
	say(f, "o\n");
	start(f, -1);
	add(f, true);
	wait_for(counters(f).lines == 1);
	assert_log(f, "one\ntwo\n");
	assert_true(journal_tail(f->journal, 5, buf, sizeof(buf)) > 0);
	assert_memory_equal(buf + STAMP_LEN, "one\n", 4);
	assert_string_equal(buf + STAMP_LEN + 4 + STAMP_LEN, "two");
}

static void a_removed_stream_is_drained_first(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 50; i++) {
		struct text lines = {0};

		start(f, -1);
		add(f, false);
		say(f, "last words\n");
		journal_remove(f->journal, 5);
		/* The number is free at once. */
		add(f, false);
		say(f, "more\n");
		stop(f);
		log_read(f->dir, "x", &lines);
		assert_string_equal(lines.data, "last words\nmore\n");
		text_free(&lines);
		dir_empty(f->dir);
	}
}

static void what_cannot_be_added_is_refused(void **state)
{
	struct fixture *f = *state;
	struct journal_stream stream = {.name = "x.service", .index = 5, .fd = f->pipe[0]};
	struct err err;
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	start(f, -1);
	add(f, false);
	assert_int_equal(journal_add(f->journal, &stream, &err), -EEXIST);
	stream.index = JOURNAL_STREAMS;
	assert_int_equal(journal_add(f->journal, &stream, &err), -EINVAL);
	stream.index = 6;
	stream.name = "../x.service";
	assert_int_equal(journal_add(f->journal, &stream, &err), -EINVAL);
	stream.name = "y.service";
	stream.fd = null;
	assert_int_equal(journal_add(f->journal, &stream, &err), -EINVAL);
	assert_string_equal(err.text, "The log of y.service is not a pipe");
	close(null);
	journal_remove(f->journal, 6);
	journal_remove(f->journal, JOURNAL_STREAMS);
}

static void a_line_longer_than_everything_is_whole(void **state)
{
	struct fixture *f = *state;
	struct text line = {0}, lines = {0};
	char *piece = test_malloc(300000);

	memset(piece, 'x', 300000);
	piece[100000] = '\0';
	text_add(&line, piece, 300000);
	text_add(&line, "\n", 1);
	start(f, -1);
	add(f, false);
	assert_int_equal(write(f->pipe[1], line.data, line.len), line.len);
	wait_for(counters(f).lines == 1);
	log_read(f->dir, "x", &lines);
	assert_int_equal(lines.len, line.len);
	assert_memory_equal(lines.data, line.data, line.len);
	text_free(&line);
	text_free(&lines);
	test_free(piece);
}

/* What a service gets that sets O_DIRECT on its output. */
static void say_packets(const struct fixture *f, const char *const *packets, size_t n)
{
	if (fcntl(f->pipe[1], F_SETFL, O_DIRECT) < 0)
		skip();
	for (size_t i = 0; i < n; i++)
		say(f, packets[i]);
}

static void packets_are_taken_one_at_a_time(void **state)
{
	static const char *const packets[] = {"one\n", "two, which is longer\n2b\n", "3\n3b\n3c\n",
					      "4\n"};
	struct fixture *f = *state;

	/* Each of these sizes rotates in another place. */
	for (f->max_bytes = 30; f->max_bytes < 300; f->max_bytes += 10) {
		say_packets(f, packets, ARRAY_LEN(packets));
		start(f, -1);
		add(f, false);
		wait_for(counters(f).lines == 7);
		stop(f);
		assert_int_equal(filled(f), 0);
		if (f->max_bytes > 100)
			assert_log(f, "one\ntwo, which is longer\n2b\n3\n3b\n3c\n4\n");
		dir_empty(f->dir);
	}
}

static void what_is_left_of_a_torn_packet_tears_no_other(void **state)
{
	static const char *const packets[] = {"half ", "a line\nfor the next file\n", "3\n", "4\n"};
	struct fixture *f = *state;

	f->max_bytes = 70;
	say_packets(f, packets, ARRAY_LEN(packets));
	start(f, -1);
	add(f, false);
	wait_for(counters(f).lines == 3);
	say(f, "5\n");
	stop(f);
	assert_log(f, "half a line\n3\n4\n5\n");
}

static void a_removed_file_is_made_again(void **state)
{
	struct fixture *f = *state;
	struct text t = {0};
	char path[PATH_MAX + 8];
	uint64_t lines = 0;

	start(f, -1);
	add(f, false);
	say(f, "before\n");
	wait_for(counters(f).lines == 1);
	snprintf(path, sizeof(path), "%s/x.log", f->dir);
	assert_return_code(unlink(path), errno);
	/* Noticed after some chunks at the latest. */
	while (!file_read(f->dir, "x.log", &t) && lines < 200) {
		lines = counters(f).lines;
		say(f, "after\n");
		wait_for(counters(f).lines > lines);
	}
	text_free(&t);
	assert_log(f, "after\n");
	assert_int_equal(counters(f).lost_bytes, 0);
}

static void a_watched_stream_wakes(void **state)
{
	struct fixture *f = *state;
	_cleanup_close_ int wake = eventfd(0, EFD_CLOEXEC);
	struct pollfd p = {.fd = wake, .events = POLLIN};

	start(f, wake);
	add(f, false);
	say(f, "line\n");
	assert_int_equal(poll(&p, 1, 10000), 1);
	assert_int_equal(counters(f).lines, 1);
	stop(f); /* it uses the eventfd */
}

/* The time that this process has used. */
static uint64_t cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static void a_pipe_without_a_writer_costs_nothing(void **state)
{
	struct fixture *f = *state;
	uint64_t before;

	start(f, -1);
	add(f, false);
	say(f, "last words");
	close(f->pipe[1]);
	f->pipe[1] = -1;
	wait_for(counters(f).bytes == STAMP_LEN + 10);
	usleep(20000);
	before = cpu_ns();
	usleep(100000);
	assert_true(cpu_ns() - before < 20000000);
	assert_log(f, "last words");
}

/* ---- what cannot be written ---- */

static void a_directory_that_cannot_be_made_costs_only_the_file(void **state)
{
	struct fixture *f = *state;
	struct fixture none = *f;
	char buf[200];

	file_write(f->dir, "file", "");
	assert_true(strlen(f->dir) + 6 < sizeof(none.dir));
	strncat(none.dir, "/file", sizeof(none.dir) - strlen(none.dir) - 1);
	start(&none, -1);
	f->journal = none.journal;
	add(f, false);
	say(f, "one\ntw");
	wait_for(counters(f).lost_bytes == 6);
	say(f, "o\n");
	wait_for(counters(f).lost_bytes == 8);
	assert_int_equal(counters(f).last_errno, ENOTDIR);
	assert_int_equal(counters(f).lines, 0);
	assert_true(journal_tail(f->journal, 5, buf, sizeof(buf)) > 0);
	assert_string_equal(buf + STAMP_LEN + 4 + STAMP_LEN, "two");
}

/* Each line is one of ours, or tells of bytes that were lost. Returns how many these are. */
static uint64_t told_lost(const struct text *lines, const char *why, uint64_t *ours)
{
	const char *at = lines->data;
	uint64_t lost = 0;
	char want[100];

	for (const char *nl = strchr(at, '\n'); nl; at = nl + 1, nl = strchr(at, '\n')) {
		uint64_t n = strncmp(at, "hakim: ", 7) != 0 ? 0 : strtoull(at + 7, NULL, 10);

		if (n) {
			snprintf(want, sizeof(want), "hakim: %llu bytes of log were lost: %s\n",
				 (unsigned long long)n, why);
			assert_memory_equal(at, want, strlen(want));
			lost += n;
		} else {
			*ours += (uint64_t)(nl + 1 - at);
		}
	}
	assert_string_equal(at, "");
	return lost;
}

/* Writes more than there is room for, then has `mend` make room, and looks for the lines that tell.
 */
static void lose_some(struct fixture *f, const char *why, void (*mend)(void *arg), void *arg)
{
	static char block[4096];
	struct text lines = {0};
	uint64_t lost, ours = 0;

	memset(block, 'x', sizeof(block));
	block[sizeof(block) - 1] = '\n';
	start(f, -1);
	add(f, false);
	for (int i = 0; i < 200; i++)
		assert_int_equal(write(f->pipe[1], block, sizeof(block)), sizeof(block));
	wait_for(counters(f).lost_bytes + counters(f).lines * sizeof(block) == 200 * sizeof(block));
	lost = counters(f).lost_bytes;
	assert_true(lost > 0 && lost < 200 * sizeof(block));
	mend(arg);
	/* Told also by the next process. */
	stop(f);
	start(f, -1);
	add(f, true);
	say(f, "again\n");
	wait_for(counters(f).lines == 1);
	assert_int_equal(counters(f).last_errno, 0);
	say(f, "more\n");
	wait_for(counters(f).lines == 2);
	log_read(f->dir, "x", &lines);
	assert_int_equal(told_lost(&lines, why, &ours), lost);
	assert_int_equal(ours, 200 * sizeof(block) - lost + strlen("again\nmore\n"));
	text_free(&lines);
}

static void lift_limit(void *arg)
{
	assert_return_code(setrlimit(RLIMIT_FSIZE, arg), errno);
}

static void what_a_limit_does_not_allow_is_counted_and_told(void **state)
{
	struct fixture *f = *state;
	struct rlimit before, limit;

	assert_return_code(getrlimit(RLIMIT_FSIZE, &before), errno);
	limit = (struct rlimit){.rlim_cur = 300001, .rlim_max = before.rlim_max};
	assert_return_code(setrlimit(RLIMIT_FSIZE, &limit), errno);
	lose_some(f, "File too large", lift_limit, &before);
}

static void remount(void *arg)
{
	assert_return_code(mount("none", arg, "tmpfs", MS_REMOUNT, "size=4m"), errno);
}

static void a_full_disk_is_counted_and_told(void **state)
{
	struct fixture *f = *state;
	int status;
	pid_t pid;

	pid = fork();
	if (pid == 0) {
		/* In a child: a mount namespace is left only by ending. */
		if (unshare(CLONE_NEWNS) < 0 ||
		    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
		    mount("none", f->dir, "tmpfs", 0, "size=256k") < 0)
			_exit(77);
		lose_some(f, "No space left on device", remount, f->dir);
		stop(f);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(status, 0);
}

#define journal_test(name) cmocka_unit_test_setup_teardown(name, fixture_up, fixture_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		journal_test(lines_go_to_the_file_and_the_tail),
		journal_test(a_restart_goes_on_in_the_middle_of_a_line),
		journal_test(a_removed_stream_is_drained_first),
		journal_test(what_cannot_be_added_is_refused),
		journal_test(a_line_longer_than_everything_is_whole),
		journal_test(packets_are_taken_one_at_a_time),
		journal_test(what_is_left_of_a_torn_packet_tears_no_other),
		journal_test(a_removed_file_is_made_again),
		journal_test(a_watched_stream_wakes),
		journal_test(a_pipe_without_a_writer_costs_nothing),
		journal_test(a_directory_that_cannot_be_made_costs_only_the_file),
		journal_test(what_a_limit_does_not_allow_is_counted_and_told),
		journal_test(a_full_disk_is_counted_and_told),
	};

	return cmocka_run_group_tests_name("journal_pump", tests, NULL, NULL);
}
