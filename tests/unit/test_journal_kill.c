/*
 * The journal is killed with SIGKILL at any moment, again and again, while ten writers write
 * numbered lines as fast as they can; a new one takes over each time. This process plays PID 1: it
 * keeps the read ends and the cursors. In the end each line must be there once, in order and whole.
 *
 * HAKIM_KILLS is the number of kills for each of the pipe sizes (300).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "supervisor/journal.h"
#include "tests/unit/journal_help.h"

#define WRITERS 10
#define KEEP    200

struct writer {
	uint64_t max_bytes;
	uint64_t next; /* sequence number of the next line to come */
	char name[16];
	int fds[2];
	pid_t pid;
	bool ended;
	struct text line; /* its records so far: one may go on with "+" */
};

/* ---- the writers ---- */

/* Line `seq` of `name`: its length and its bytes follow from its number, so that a torn one is
 * seen. */
static size_t line_make(const char *name, uint64_t seq, bool end, char *buf)
{
	uint64_t mix = (seq + 1) * 0x9e3779b97f4a7c15u;
	size_t pad = (mix >> 40) % 120;
	int n;

	/* Now and then longer than PIPE_BUF, and than a tiny pipe. */
	if ((mix >> 20) % 500 == 0)
		pad = 4000 + (mix >> 40) % 20000;
	n = sprintf(buf, "%s %s%llu ", name, end ? "END " : "", (unsigned long long)seq);
	memset(buf + n, 'a' + (int)(seq % 26), pad);
	buf[(size_t)n + pad] = '\n';
	return (size_t)n + pad + 1;
}

static volatile sig_atomic_t writer_stop;

static void on_term(int signal)
{
	writer_stop = 1;
}

static void write_all(int fd, const char *buf, size_t len)
{
	while (len) {
		ssize_t n = write(fd, buf, len);

		if (n < 0 && errno != EINTR)
			_exit(1);
		if (n > 0) {
			buf += n;
			len -= (size_t)n;
		}
	}
}

static _Noreturn void writer_main(const struct writer *w, unsigned seed)
{
	static char buf[32768 + 30000];
	struct sigaction action = {.sa_handler = on_term};
	size_t len = 0;
	uint64_t seq = 0;

	prctl(PR_SET_PDEATHSIG, SIGKILL); /* of a test that failed */
	sigaction(SIGTERM, &action, NULL);
	while (!writer_stop) {
		size_t n;

		while (len < 32768)
			len += line_make(w->name, seq++, false, buf + len);
		/* Pieces of any size, so that most end in the middle of a line. */
		n = seed % 3 ? (size_t)rand_r(&seed) % 32768 + 1 : (size_t)rand_r(&seed) % 300 + 1;
		write_all(w->fds[1], buf, n);
		memmove(buf, buf + n, len - n);
		len -= n;
	}
	write_all(w->fds[1], buf, len);
	write_all(w->fds[1], buf, line_make(w->name, seq, true, buf));
	_exit(0);
}

/* The first WRITERS are stdout, the others stderr of the same logs. */
static void writers_start(struct writer *writers, int n, int pipe_size)
{
	for (int i = 0; i < n; i++) {
		struct writer *w = &writers[i];

		*w = (struct writer){.max_bytes = i % 3 ? 1 << 20 : 64 << 10};
		snprintf(w->name, sizeof(w->name), "w%d", i);
		assert_return_code(pipe2(w->fds, O_CLOEXEC), errno);
		if (pipe_size)
			assert_true(fcntl(w->fds[0], F_SETPIPE_SZ, pipe_size) == pipe_size);
	}
	for (int i = 0; i < n; i++) {
		struct writer *w = &writers[i];

		w->pid = fork();
		if (w->pid == 0) {
			for (int k = 0; k < n; k++) {
				close(writers[k].fds[0]);
				if (k != i)
					close(writers[k].fds[1]);
			}
			writer_main(w, (unsigned)i);
		}
		assert_return_code(w->pid, errno);
	}
	for (int i = 0; i < n; i++)
		close(writers[i].fds[1]);
}

/* ---- the judge ---- */

static void judge_line(struct writer *w, const char *line, size_t len)
{
	static char want[32768];

	assert_false(w->ended);
	if (line_make(w->name, w->next, false, want) != len || memcmp(want, line, len) != 0) {
		w->ended = line_make(w->name, w->next, true, want) == len &&
			   memcmp(want, line, len) == 0;
		if (!w->ended)
			fail_msg("%s: line %llu should be next, there is: %.*s", w->name,
				 (unsigned long long)w->next, (int)(len < 80 ? len : 80), line);
	}
	w->next++;
}

static void judge_pending(struct writer *w)
{
	if (w->line.len)
		judge_line(w, w->line.data, w->line.len);
	w->line.len = 0;
}

static bool is_stamp_before_marks(const char *s)
{
	char plain[STAMP_LEN];

	memcpy(plain, s, STAMP_LEN - 1);
	plain[STAMP_LEN - 1] = ' ';
	return is_stamp(plain, STAMP_LEN);
}

static void judge_records(struct writer *w, const char *data, size_t len)
{
	const char *end = data + len;

	while (data < end) {
		const char *nl = memchr(data, '\n', (size_t)(end - data));
		const char *text = nl ? memchr(data, ' ', (size_t)(nl - data)) : NULL;
		const char *marks = data + STAMP_LEN - 1;
		struct writer *of = w;

		if (!text || text < marks || !is_stamp_before_marks(data)) {
			fail_msg("%s: line %llu: not a record: %.80s", w->name,
				 (unsigned long long)w->next, data);
			return;
		}
		if (*marks == '!') {
			of += WRITERS;
			marks++;
		}
		if (*marks != '+')
			judge_pending(of);
		else if (!of->line.len)
			fail_msg("%s: nothing to go on with: %.80s", of->name, data);
		/* Its end of line is the record's until the next one says "+". */
		if (of->line.len)
			of->line.len--;
		text_add(&of->line, text + 1, (size_t)(nl - text));
		data = nl + 1;
	}
}

static void judge_file(struct writer *w, const char *dir, int older)
{
	char path[PATH_MAX + 64];
	struct text t = {0};

	snprintf(path, sizeof(path), older ? "%s.log.%d" : "%s.log", w->name, older);
	if (!file_read(dir, path, &t))
		return;
	if (t.data)
		judge_records(w, t.data, t.len);
	text_free(&t);
	snprintf(path, sizeof(path), "%s/%s.log.%d", dir, w->name, older);
	if (older)
		assert_return_code(unlink(path), errno);
}

/* Reads and removes what is rotated, while no journal is there: the disk would be full otherwise.
 */
static void judge_rotated(struct writer *writers, const char *dir)
{
	for (int i = 0; i < WRITERS; i++)
		for (int older = KEEP; older > 0; older--)
			judge_file(&writers[i], dir, older);
}

/* ---- the journal ---- */

static _Noreturn void journal_process(struct writer *writers, int n, const char *dir,
				      struct journal_cursor *cursors, bool taken_over)
{
	struct journal_config config = {
		.dir = dir, .cursors = cursors, .wake_fd = -1, .group = (gid_t)-1};
	struct journal *journal;
	struct err err;
	sigset_t term;
	int signal;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, NULL);
	if (journal_start(&journal, &config, &err) < 0)
		_exit(2);
	for (unsigned i = 0; i < WRITERS; i++) {
		struct journal_stream stream = {
			.name = writers[i].name,
			.index = i,
			.fd = writers[i].fds[0],
			.err_fd = n > WRITERS ? writers[i + WRITERS].fds[0] : -1,
			.max_bytes = writers[i].max_bytes,
			.keep = KEEP,
			.taken_over = taken_over,
		};

		if (journal_add(journal, &stream, &err) < 0)
			_exit(3);
	}
	sigwait(&term, &signal);
	journal_stop(journal, 20000);
	_exit(0);
}

static pid_t journal_fork(struct writer *writers, int n, const char *dir,
			  struct journal_cursor *cursors, bool taken_over)
{
	pid_t pid = fork();

	if (pid == 0)
		journal_process(writers, n, dir, cursors, taken_over);
	assert_return_code(pid, errno);
	return pid;
}

static void kill_often(int n, int pipe_size)
{
	size_t size = JOURNAL_STREAMS * sizeof(struct journal_cursor);
	struct journal_cursor *cursors = shared_memory(size);
	const char *wanted = getenv("HAKIM_KILLS");
	int kills = wanted ? atoi(wanted) : 300;
	struct writer writers[2 * WRITERS];
	unsigned seed = (unsigned)getpid();
	uint64_t lines = 0;
	char dir[PATH_MAX];
	int status;
	pid_t pid;

	dir_make(dir, sizeof(dir));
	writers_start(writers, n, pipe_size);
	for (int i = 0; i < kills; i++) {
		pid = journal_fork(writers, n, dir, cursors, i > 0);
		/* Not a wait for something: the moment of the kill is what is tried. */
		usleep((useconds_t)rand_r(&seed) % 6000);
		kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status));
		if (i % 20 == 19)
			judge_rotated(writers, dir);
	}
	pid = journal_fork(writers, n, dir, cursors, true);
	for (int i = 0; i < n; i++)
		kill(writers[i].pid, SIGTERM);
	for (int i = 0; i < n; i++) {
		assert_int_equal(waitpid(writers[i].pid, &status, 0), writers[i].pid);
		assert_int_equal(status, 0);
	}
	kill(pid, SIGTERM);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	judge_rotated(writers, dir);
	for (int i = 0; i < WRITERS; i++)
		judge_file(&writers[i], dir, 0);
	for (int i = 0; i < n; i++) {
		judge_pending(&writers[i]);
		text_free(&writers[i].line);
		assert_true(writers[i].ended);
		assert_true(writers[i].next > 100);
		lines += writers[i].next;
		close(writers[i].fds[0]);
	}
	print_message("%d kills, %llu lines\n", kills, (unsigned long long)lines);
	munmap(cursors, size);
	dir_remove(dir);
}

static void no_line_is_lost_torn_or_doubled_by_a_kill(void **state)
{
	kill_often(WRITERS, 0);
}

static void nor_with_a_pipe_of_one_page(void **state)
{
	kill_often(WRITERS, 4096);
}

static void nor_with_stdout_and_stderr_in_one_file(void **state)
{
	kill_often(2 * WRITERS, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_line_is_lost_torn_or_doubled_by_a_kill),
		cmocka_unit_test(nor_with_a_pipe_of_one_page),
		cmocka_unit_test(nor_with_stdout_and_stderr_in_one_file),
	};

	return cmocka_run_group_tests_name("journal_kill", tests, NULL, NULL);
}
