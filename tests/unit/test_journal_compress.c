/* Old files of a log are compressed: which one, by whom, and what a rotation, a failure or a death
 * meanwhile does to it. The program is a script here, so that it can be told when to end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <poll.h>

#include "supervisor/journal_compress.h"
#include "tests/unit/journal_help.h"

struct fixture {
	char dir[PATH_MAX], tools[PATH_MAX];
	char program[PATH_MAX + 16];
	struct log_file file;
	struct compress compress;
};

static void program_is(struct fixture *f, const char *script)
{
	char text[PATH_MAX + 512];

	snprintf(text, sizeof(text), "#!/bin/sh\n%s\n", script);
	file_write(f->tools, "pack", text);
	snprintf(f->program, sizeof(f->program), "%s/pack", f->tools);
	assert_return_code(chmod(f->program, 0755), errno);
	f->compress.program = f->program;
}

static int fixture_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	dir_make(f->dir, sizeof(f->dir));
	dir_make(f->tools, sizeof(f->tools));
	f->file = (struct log_file){.dir = f->dir, .group = (gid_t)-1, .keep = 3, .fd = -EBADF};
	assert_int_equal(log_file_name(&f->file, "x.service"), 0);
	f->compress.pidfd = -1;
	program_is(f, "echo packed; exec /bin/cat");
	*state = f;
	return 0;
}

static int fixture_down(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(f->compress.pidfd, -1);
	dir_remove(f->dir);
	dir_remove(f->tools);
	free(f);
	return 0;
}

static void path_of(const struct fixture *f, const char *name, char path[static PATH_MAX * 2])
{
	snprintf(path, PATH_MAX * 2, "%s/%s", f->dir, name);
}

static void file_rename(const struct fixture *f, const char *from, const char *to)
{
	char a[PATH_MAX * 2], b[PATH_MAX * 2];

	path_of(f, from, a);
	path_of(f, to, b);
	assert_return_code(rename(a, b), errno);
}

static bool ended(const struct fixture *f)
{
	struct pollfd p = {.fd = f->compress.pidfd, .events = POLLIN};

	return poll(&p, 1, 0) == 1;
}

/* Waits for the process, and does what the journal does then. */
static int end(struct fixture *f)
{
	wait_for(ended(f));
	return compress_end(&f->compress, f->dir);
}

static void the_oldest_plain_file_is_next(void **state)
{
	struct fixture *f = *state;

	file_write(f->dir, "x.log", "now\n");
	file_write(f->dir, "x.log.1", "one\n");
	file_write(f->dir, "x.log.2", "two\n");
	file_write(f->dir, "x.log.3.zst", "three\n");
	assert_int_equal(compress_start(&f->compress, &f->file), 1);
	assert_int_equal(end(f), 0);
	assert_file(f->dir, "x.log.2", NULL);
	assert_file(f->dir, "x.log.2.zst", "packed\ntwo\n");
	assert_file(f->dir, "x.log.3.zst", "three\n");
	assert_int_equal(compress_start(&f->compress, &f->file), 1);
	assert_int_equal(end(f), 0);
	assert_file(f->dir, "x.log.1.zst", "packed\none\n");
	/* The current file never is. */
	assert_int_equal(compress_start(&f->compress, &f->file), 0);
	assert_file(f->dir, "x.log", "now\n");
	assert_file(f->dir, "x.log.zst.tmp", NULL);
}

static void it_is_as_old_and_as_secret_as_the_plain_one(void **state)
{
	struct fixture *f = *state;
	const struct timespec times[] = {{.tv_sec = 1000}, {.tv_sec = 2000}};
	char path[PATH_MAX * 2];
	struct stat st;

	file_write(f->dir, "x.log.1", "one\n");
	path_of(f, "x.log.1", path);
	assert_return_code(chmod(path, 0600), errno);
	assert_return_code(utimensat(AT_FDCWD, path, times, 0), errno);
	assert_int_equal(compress_start(&f->compress, &f->file), 1);
	assert_int_equal(end(f), 0);
	path_of(f, "x.log.1.zst", path);
	assert_return_code(stat(path, &st), errno);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(st.st_mtime, 2000);
}

static void one_at_a_time_and_none_without_a_program(void **state)
{
	struct fixture *f = *state;

	file_write(f->dir, "x.log.1", "one\n");
	assert_int_equal(compress_start(&f->compress, &f->file), 1);
	assert_int_equal(compress_start(&f->compress, &f->file), -EBUSY);
	assert_int_equal(end(f), 0);
	f->compress.program = NULL;
	file_write(f->dir, "x.log.1", "one\n");
	assert_int_equal(compress_start(&f->compress, &f->file), -EBUSY);
	assert_int_equal(f->compress.pidfd, -1);
}

static void a_rotation_meanwhile_changes_the_number(void **state)
{
	struct fixture *f = *state;

	file_write(f->dir, "x.log.1", "one\n");
	assert_int_equal(compress_start(&f->compress, &f->file), 1);
	file_rename(f, "x.log.1", "x.log.2");
	file_write(f->dir, "x.log.1", "newer\n");
	assert_int_equal(end(f), 0);
	assert_file(f->dir, "x.log.2.zst", "packed\none\n");
	assert_file(f->dir, "x.log.2", NULL);
	assert_file(f->dir, "x.log.1", "newer\n");
	assert_file(f->dir, "x.log.1.zst", NULL);
}

static void a_file_that_is_gone_meanwhile_does_not_come_back(void **state)
{
	struct fixture *f = *state;
	char path[PATH_MAX * 2];

	file_write(f->dir, "x.log.1", "one\n");
	assert_int_equal(compress_start(&f->compress, &f->file), 1);
	path_of(f, "x.log.1", path);
	assert_return_code(unlink(path), errno);
	end(f);
	assert_file(f->dir, "x.log.1.zst", NULL);
	assert_file(f->dir, "x.log.zst.tmp", NULL);
}

static void after_a_failure_the_plain_file_is_as_it_was(void **state)
{
	static const char *const scripts[] = {"echo half; exit 1", "echo half; kill -9 $$"};
	struct fixture *f = *state;

	file_write(f->dir, "x.log.1", "one\n");
	for (size_t i = 0; i < sizeof(scripts) / sizeof(*scripts); i++) {
		program_is(f, scripts[i]);
		assert_int_equal(compress_start(&f->compress, &f->file), 1);
		assert_int_equal(end(f), -EIO);
		assert_file(f->dir, "x.log.1", "one\n");
		assert_file(f->dir, "x.log.1.zst", NULL);
		assert_file(f->dir, "x.log.zst.tmp", NULL);
	}
	f->compress.program = "/nowhere/to/be/found";
	assert_int_equal(compress_start(&f->compress, &f->file), 1);
	assert_int_equal(end(f), -EIO);
	assert_file(f->dir, "x.log.1", "one\n");
}

static void what_a_dead_life_has_left_is_removed(void **state)
{
	struct fixture *f = *state;

	file_write(f->dir, "x.log.zst.tmp", "half");
	file_write(f->dir, "y.log.zst.tmp", "another's");
	compress_clean(&f->file);
	assert_file(f->dir, "x.log.zst.tmp", NULL);
	assert_file(f->dir, "y.log.zst.tmp", "another's");
	/* Also where it was not. */
	file_write(f->dir, "x.log.zst.tmp", "a longer one than the text of what comes");
	file_write(f->dir, "x.log.1", "one\n");
	assert_int_equal(compress_start(&f->compress, &f->file), 1);
	assert_int_equal(end(f), 0);
	assert_file(f->dir, "x.log.1.zst", "packed\none\n");
}

static void nothing_is_written_through_a_link(void **state)
{
	struct fixture *f = *state;
	char path[PATH_MAX * 2];

	file_write(f->dir, "target", "untouched");
	path_of(f, "x.log.zst.tmp", path);
	assert_return_code(symlink("target", path), errno);
	path_of(f, "x.log.2", path);
	assert_return_code(symlink("target", path), errno);
	file_write(f->dir, "x.log.1", "one\n");
	assert_int_equal(compress_start(&f->compress, &f->file), 1);
	assert_int_equal(end(f), 0);
	assert_file(f->dir, "x.log.1.zst", "packed\none\n");
	assert_file(f->dir, "target", "untouched");
}

static void a_directory_that_is_gone_is_an_error(void **state)
{
	struct fixture *f = *state;
	char gone[PATH_MAX + 8];

	file_write(f->dir, "x.log.1", "one\n");
	assert_int_equal(compress_start(&f->compress, &f->file), 1);
	snprintf(gone, sizeof(gone), "%s/none", f->dir);
	wait_for(ended(f));
	assert_int_equal(compress_end(&f->compress, gone), -ENOENT);
	f->file.dir = gone;
	assert_int_equal(compress_start(&f->compress, &f->file), -ENOENT);
	compress_clean(&f->file);
	assert_file(f->dir, "x.log.1", "one\n");
}

#define compress_test(name) cmocka_unit_test_setup_teardown(name, fixture_up, fixture_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		compress_test(the_oldest_plain_file_is_next),
		compress_test(it_is_as_old_and_as_secret_as_the_plain_one),
		compress_test(one_at_a_time_and_none_without_a_program),
		compress_test(a_rotation_meanwhile_changes_the_number),
		compress_test(a_file_that_is_gone_meanwhile_does_not_come_back),
		compress_test(after_a_failure_the_plain_file_is_as_it_was),
		compress_test(what_a_dead_life_has_left_is_removed),
		compress_test(nothing_is_written_through_a_link),
		compress_test(a_directory_that_is_gone_is_an_error),
	};

	return cmocka_run_group_tests_name("journal_compress", tests, NULL, NULL);
}
