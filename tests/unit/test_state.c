/* The state that survives: two copies, never torn. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "supervisor/state.h"

static int memfd(void)
{
	int fd = memfd_create("state", 0);

	assert_int_equal(ftruncate(fd, 8 << 20), 0);
	return fd;
}

static void map(struct state *s, int fd)
{
	struct err err = {0};

	*s = (struct state){0};
	assert_int_equal(state_map(s, fd, &err), 0);
}

static void what_was_written_is_read_by_the_next_life(void **state)
{
	int fd = memfd();
	struct state a;
	struct state b;
	size_t len = 0;

	map(&a, fd);
	assert_null(state_read(&a, &len));
	for (unsigned i = 0; i < 5; i++) {
		char text[32];
		int n = snprintf(text, sizeof(text), "round %u", i);

		assert_int_equal(state_write(&a, text, (size_t)n), 0);
		map(&b, fd);
		assert_memory_equal(state_read(&b, &len), text, (size_t)n);
		assert_int_equal(len, n);
		state_unmap(&b);
	}
	state_unmap(&a);
	close(fd);
}

static void a_broken_newest_copy_leaves_the_older_one(void **state)
{
	int fd = memfd();
	struct state a;
	struct state b;
	size_t len = 0;
	char *text;

	map(&a, fd);
	state_write(&a, "old", 3);
	state_write(&a, "new", 3);
	text = (char *)state_read(&a, &len);
	assert_memory_equal(text, "new", 3);
	text[1] ^= 1;
	map(&b, fd);
	assert_memory_equal(state_read(&b, &len), "old", 3);
	/* And the next write is newer than the broken one. */
	state_write(&b, "next", 4);
	assert_memory_equal(state_read(&b, &len), "next", 4);
	state_unmap(&a);
	state_unmap(&b);
	close(fd);
}

static void too_long_a_text_keeps_the_last_one(void **state)
{
	int fd = memfd();
	struct state a;
	size_t len = 0;
	char *big = calloc(1, STATE_TEXT_MAX + 1);

	map(&a, fd);
	state_write(&a, "x", 1);
	assert_int_equal(state_write(&a, big, STATE_TEXT_MAX + 1), -EFBIG);
	assert_memory_equal(state_read(&a, &len), "x", 1);
	free(big);
	state_unmap(&a);
	close(fd);
}

static void a_small_memfd_is_refused(void **state)
{
	int fd = memfd_create("small", 0);
	struct state a = {0};
	struct err err = {0};

	assert_int_equal(ftruncate(fd, 4096), 0);
	assert_int_equal(state_map(&a, fd, &err), -EINVAL);
	close(fd);
}

static void a_log_keeps_its_cursor(void **state)
{
	int fd = memfd();
	struct state a;
	int x;
	int y;

	map(&a, fd);
	x = state_log_index(&a, "x.service");
	y = state_log_index(&a, "y.service");
	assert_int_not_equal(x, y);
	state_unmap(&a);
	map(&a, fd);
	assert_int_equal(state_log_index(&a, "y.service"), y);
	state_log_release(&a, x);
	assert_int_equal(state_log_index(&a, "z.service"), x);
	assert_int_equal(state_log_index(&a, "x.service"), y + 1);
	state_unmap(&a);
	close(fd);
}

/* A child writes texts of one repeated letter as fast as it can and is killed at a random moment.
 */
static void a_kill_at_any_moment_never_tears_it(void **state)
{
	int fd = memfd();
	struct state a;
	unsigned whole = 0;

	for (unsigned round = 0; round < 300; round++) {
		struct timespec pause = {.tv_nsec = (long)(round * 7919 % 1500) * 1000};
		const char *text;
		size_t len = 0;
		pid_t pid = fork();

		if (pid == 0) {
			static char buf[65536];

			map(&a, fd);
			state_read(&a, &len);
			for (unsigned i = 0;; i++) {
				size_t n = 1 + i * 7919 % sizeof(buf);

				memset(buf, 'a' + (int)(i % 26), n);
				state_write(&a, buf, n);
			}
		}
		nanosleep(&pause, NULL);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		map(&a, fd);
		text = state_read(&a, &len);
		for (size_t i = 1; text && i < len; i++)
			assert_int_equal(text[i], text[0]);
		if (text)
			whole++;
		/* Once there is one whole copy, there always is. */
		assert_true(text || whole == 0);
		state_unmap(&a);
	}
	assert_true(whole > 100);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_written_is_read_by_the_next_life),
		cmocka_unit_test(a_broken_newest_copy_leaves_the_older_one),
		cmocka_unit_test(too_long_a_text_keeps_the_last_one),
		cmocka_unit_test(a_small_memfd_is_refused),
		cmocka_unit_test(a_log_keeps_its_cursor),
		cmocka_unit_test(a_kill_at_any_moment_never_tears_it),
	};

	return cmocka_run_group_tests_name("state", tests, NULL, NULL);
}
