/* What goes into the pipe is in the log once, though the journal dies at any of its steps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/ioctl.h>
#include <sys/wait.h>

#include "common/cleanup.h"
#include "supervisor/journal_pump.h"
#include "tests/unit/journal_help.h"

struct fixture {
	char dir[PATH_MAX];
	int pipe[2];
};

static int fixture_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	dir_make(f->dir, sizeof(f->dir));
	assert_return_code(pipe2(f->pipe, O_CLOEXEC | O_NONBLOCK), errno);
	*state = f;
	return 0;
}

static int fixture_down(void **state)
{
	struct fixture *f = *state;

	dir_remove(f->dir);
	close(f->pipe[0]);
	close(f->pipe[1]);
	free(f);
	return 0;
}

/* What the processes of one try share. */
struct
try {
	struct journal_cursor cursor;
	int left;   /* steps until death; negative: none */
	int second; /* … and for the process after that */
	int deaths;
};

static void maybe_die(void *arg)
{
	struct try *t = arg;

	if (t->left < 0 || t->left-- > 0)
		return;
	t->left = t->second;
	t->second = -1;
	t->deaths++;
	_exit(42);
}

/* A journal that takes over, empties the pipe, and ends. */
static _Noreturn void pump_process(const struct fixture *f, struct try *t, bool taken_over)
{
	struct journal_seam seam = {maybe_die, t};
	struct stream s = {
		.cursor = (struct cursor *)&t->cursor,
		.file = {.dir = f->dir,
			 .name = "x.log",
			 .group = (gid_t)-1,
			 .keep = 20,
			 .fd = -EBADF,
			 .seam = &seam},
		.fds = {f->pipe[0], -EBADF},
		.max_bytes = 3000,
	};
	struct pump p;

	if (pump_open(&p, NULL) < 0)
		_exit(1);
	p.seam = &seam;
	pump_start(&p, &s, taken_over);
	while (pump_turn(&p, &s, 0) > 0)
		;
	_exit(0);
}

/* Returns how many died, after comparing the log with what was said. */
static int try_deaths(const struct fixture *f, struct try *t, int first, int second)
{
	static const char *const said[] = {"half a line", ", its end\nand\n", NULL, "\n\n",
					   "x",           "y\nlast\n"};
	struct text all = {0}, lines = {0};
	bool taken_over = false;
	char line[80];
	int status, left;

	memset(t, 0, sizeof(*t));
	t->left = first;
	t->second = second;
	for (size_t i = 0; i < ARRAY_LEN(said); i++) {
		size_t begin = all.len;

		if (said[i])
			text_add(&all, said[i], strlen(said[i]));
		/* Enough to rotate more than once inside of one chunk. */
		for (int k = 0; !said[i] && k < 80; k++) {
			snprintf(line, sizeof(line), "%0*d\n", 1 + k % 50, k);
			text_add(&all, line, strlen(line));
		}
		assert_int_equal(write(f->pipe[1], all.data + begin, all.len - begin),
				 all.len - begin);
		do {
			pid_t pid = fork();

			if (pid == 0)
				pump_process(f, t, taken_over);
			assert_int_equal(waitpid(pid, &status, 0), pid);
			assert_true(WIFEXITED(status));
			taken_over = true;
		} while (WEXITSTATUS(status) == 42);
		assert_int_equal(status, 0);
		assert_return_code(ioctl(f->pipe[0], FIONREAD, &left), errno);
		assert_int_equal(left, 0);
	}
	log_read(f->dir, "x", &lines);
	if (lines.len != all.len || memcmp(lines.data, all.data, all.len) != 0)
		fail_msg("died at %d, then at %d: there is\n%s", first, second, lines.data);
	text_free(&lines);
	text_free(&all);
	dir_empty(f->dir);
	return t->deaths;
}

static void a_death_at_any_step_changes_nothing_in_the_log(void **state)
{
	struct fixture *f = *state;
	struct try *t = shared_memory(sizeof(*t));
	int first = 0;

	while (try_deaths(f, t, first, -1) == 1)
		first++;
	assert_true(first > 40);
	munmap(t, sizeof(*t));
}

static void nor_do_two_in_a_row(void **state)
{
	struct fixture *f = *state;
	struct try *t = shared_memory(sizeof(*t));

	for (int first = 0; first < 40; first += 3)
		for (int second = 0; second < 10; second++)
			assert_int_equal(try_deaths(f, t, first, second), 2);
	munmap(t, sizeof(*t));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_death_at_any_step_changes_nothing_in_the_log,
						fixture_up, fixture_down),
		cmocka_unit_test_setup_teardown(nor_do_two_in_a_row, fixture_up, fixture_down),
	};

	return cmocka_run_group_tests_name("journal_steps", tests, NULL, NULL);
}
