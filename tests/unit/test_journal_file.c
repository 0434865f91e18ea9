/* The file of a log: opened by its cursor, rotated, and what people do to it meanwhile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/wait.h>

#include "supervisor/journal_file.h"
#include "tests/unit/journal_help.h"

#define STAMP "2026-11-24T03:07:08.123456Z "

struct fixture {
	char dir[PATH_MAX];
	struct log_file file;
	struct cursor *cursor;
};

static int fixture_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	dir_make(f->dir, sizeof(f->dir));
	f->file = (struct log_file){.dir = f->dir, .group = (gid_t)-1, .keep = 3, .fd = -EBADF};
	assert_int_equal(log_file_name(&f->file, "x.service"), 0);
	f->cursor = shared_memory(sizeof(*f->cursor));
	cursor_reset(f->cursor);
	*state = f;
	return 0;
}

static int fixture_down(void **state)
{
	struct fixture *f = *state;

	log_file_close(&f->file);
	dir_remove(f->dir);
	munmap(f->cursor, sizeof(*f->cursor));
	free(f);
	return 0;
}

static void only_a_file_name_is_a_name(void **state)
{
	struct log_file f = {.fd = -EBADF};
	char longest[300];

	assert_int_equal(log_file_name(&f, "coder-agent.service"), 0);
	assert_string_equal(f.name, "coder-agent.log");
	assert_int_equal(log_file_name(&f, "a"), 0);
	assert_string_equal(f.name, "a.log");
	memset(longest, 'x', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	assert_int_equal(log_file_name(&f, longest), -EINVAL);
	assert_int_equal(log_file_name(&f, ""), -EINVAL);
	assert_int_equal(log_file_name(&f, "."), -EINVAL);
	assert_int_equal(log_file_name(&f, "../x.service"), -EINVAL);
	assert_int_equal(log_file_name(&f, "a/b.service"), -EINVAL);
}

static void a_new_file_is_0640_and_at_its_beginning(void **state)
{
	struct fixture *f = *state;
	mode_t before = umask(077);
	struct stat st;

	assert_int_equal(log_file_open(&f->file, f->cursor), 0);
	umask(before);
	assert_return_code(fstat(f->file.fd, &st), errno);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(f->cursor->off, 0);
	assert_int_equal(f->cursor->ino, st.st_ino);
}

static void a_missing_directory_is_made(void **state)
{
	struct fixture *f = *state;
	char dir[PATH_MAX + 8];

	snprintf(dir, sizeof(dir), "%s/a/b", f->dir);
	f->file.dir = dir;
	assert_int_equal(log_file_open(&f->file, f->cursor), 0);
	assert_int_equal(log_file_write(&f->file, 0, "x\n", 2), 0);
	dir_remove(dir);
	*strrchr(dir, '/') = '\0';
	rmdir(dir);
}

static void an_older_log_is_appended_to(void **state)
{
	struct fixture *f = *state;

	file_write(f->dir, "x.log", "old\n");
	assert_int_equal(log_file_open(&f->file, f->cursor), 0);
	assert_int_equal(f->cursor->off, 4);
	log_file_close(&f->file);
	file_write(f->dir, "x.log", "no end");
	cursor_reset(f->cursor);
	assert_int_equal(log_file_open(&f->file, f->cursor), 0);
	assert_int_equal(f->cursor->off, 7);
	assert_true(f->cursor->bol);
	assert_file(f->dir, "x.log", "no end\n");
}

static void what_is_behind_the_cursor_is_cut_off(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(log_file_open(&f->file, f->cursor), 0);
	assert_int_equal(log_file_write(&f->file, 0, "kept, not kept", 14), 0);
	f->cursor->off = 4;
	f->cursor->bol = 0;
	log_file_close(&f->file);
	assert_int_equal(log_file_open(&f->file, f->cursor), 0);
	assert_file(f->dir, "x.log", "kept");
	assert_int_equal(f->cursor->off, 4);
	assert_false(f->cursor->bol);
}

static void a_file_cut_by_a_person_is_appended_to(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(log_file_open(&f->file, f->cursor), 0);
	assert_int_equal(log_file_write(&f->file, 0, "0123456789", 10), 0);
	f->cursor->off = 10;
	f->cursor->bol = 0;
	log_file_close(&f->file);
	file_write(f->dir, "x.log", "0123");
	assert_int_equal(log_file_open(&f->file, f->cursor), 0);
	assert_file(f->dir, "x.log", "0123\n");
	assert_int_equal(f->cursor->off, 5);
	assert_true(f->cursor->bol);
	/* The same while it is open. */
	assert_return_code(ftruncate(f->file.fd, 0), errno);
	log_file_check(&f->file, f->cursor);
	assert_true(f->file.fd >= 0);
	assert_int_equal(f->cursor->off, 0);
	file_write(f->dir, "x.log", "hello\n");
	log_file_check(&f->file, f->cursor);
	assert_int_equal(f->cursor->off, 6);
}

static void another_file_in_its_place_is_never_cut(void **state)
{
	struct fixture *f = *state;
	char path[PATH_MAX + 8], moved[PATH_MAX + 8];

	snprintf(path, sizeof(path), "%s/x.log", f->dir);
	snprintf(moved, sizeof(moved), "%s/moved", f->dir);
	assert_int_equal(log_file_open(&f->file, f->cursor), 0);
	f->cursor->off = 3;
	assert_return_code(rename(path, moved), errno);
	file_write(f->dir, "x.log", "a longer one\n");
	log_file_check(&f->file, f->cursor);
	assert_int_equal(f->file.fd, -EBADF);
	assert_int_equal(log_file_open(&f->file, f->cursor), 0);
	assert_file(f->dir, "x.log", "a longer one\n");
	assert_int_equal(f->cursor->off, 13);
	/* Removed, and its inode number perhaps used again at once. */
	log_file_close(&f->file);
	f->cursor->off = 3;
	assert_return_code(unlink(path), errno);
	file_write(f->dir, "x.log", "a new one\n");
	assert_int_equal(log_file_open(&f->file, f->cursor), 0);
	assert_file(f->dir, "x.log", "a new one\n");
}

static void what_is_no_regular_file_is_refused(void **state)
{
	struct fixture *f = *state;
	char path[PATH_MAX + 8];

	snprintf(path, sizeof(path), "%s/x.log", f->dir);
	file_write(f->dir, "target", "untouched");
	assert_return_code(symlink("target", path), errno);
	assert_int_equal(log_file_open(&f->file, f->cursor), -ELOOP);
	assert_int_equal(log_file_reader(f->dir, "x.log", 0), -ELOOP);
	assert_return_code(unlink(path), errno);
	assert_file(f->dir, "target", "untouched");
	assert_return_code(mkfifo(path, 0600), errno);
	assert_int_equal(log_file_open(&f->file, f->cursor), -EINVAL);
	assert_int_equal(log_file_reader(f->dir, "x.log", 0), -EINVAL);
}

static void write_and_rotate(struct fixture *f, const char *text)
{
	assert_int_equal(log_file_write(&f->file, f->cursor->off, text, strlen(text)), 0);
	f->cursor->off += strlen(text);
	assert_int_equal(log_file_rotate(&f->file, f->cursor), 0);
	assert_int_equal(f->cursor->off, 0);
}

static void rotation_keeps_as_many_as_it_should(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(log_file_open(&f->file, f->cursor), 0);
	write_and_rotate(f, "1\n");
	write_and_rotate(f, "2\n");
	write_and_rotate(f, "3\n");
	write_and_rotate(f, "4\n");
	assert_file(f->dir, "x.log", "");
	assert_file(f->dir, "x.log.1", "4\n");
	assert_file(f->dir, "x.log.2", "3\n");
	assert_file(f->dir, "x.log.3", "2\n");
	assert_file(f->dir, "x.log.4", NULL);
	f->file.keep = 1;
	write_and_rotate(f, "5\n");
	assert_file(f->dir, "x.log.1", "5\n");
	assert_file(f->dir, "x.log.2", NULL);
	assert_file(f->dir, "x.log.3", NULL);
	f->file.keep = 0;
	write_and_rotate(f, "6\n");
	assert_file(f->dir, "x.log", "");
	assert_file(f->dir, "x.log.1", NULL);
}

static void rotation_fills_a_gap_first(void **state)
{
	struct fixture *f = *state;

	file_write(f->dir, "x.log.1", "b\n");
	file_write(f->dir, "x.log.3", "a\n");
	assert_int_equal(log_file_open(&f->file, f->cursor), 0);
	write_and_rotate(f, "c\n");
	assert_file(f->dir, "x.log.1", "c\n");
	assert_file(f->dir, "x.log.2", "b\n");
	assert_file(f->dir, "x.log.3", "a\n");
}

static void die_at_zero(void *left)
{
	if ((*(int *)left)-- == 0)
		_exit(42);
}

/* The journal is killed at each step of a rotation; afterwards each line is there once, whatever
 * comes next. */
static void a_rotation_cut_short_loses_nothing(void **state)
{
	struct fixture *f = *state;
	int status = 0, deaths = 0;

	for (int k = 0; !k || status; k++) {
		struct text lines = {0};
		pid_t pid;

		dir_empty(f->dir);
		cursor_reset(f->cursor);
		assert_int_equal(log_file_open(&f->file, f->cursor), 0);
		write_and_rotate(f, STAMP "1\n");
		write_and_rotate(f, STAMP "2\n");
		assert_int_equal(log_file_write(&f->file, 0, STAMP "3\n", STAMP_LEN + 2), 0);
		f->cursor->off = STAMP_LEN + 2;
		pid = fork();
		if (pid == 0) {
			struct journal_seam seam = {die_at_zero, &k};

			f->file.seam = &seam;
			_exit(log_file_rotate(&f->file, f->cursor) < 0);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(status == 0 || (WIFEXITED(status) && WEXITSTATUS(status) == 42));
		deaths += status != 0;
		log_file_close(&f->file);
		cursor_recover(f->cursor);
		assert_int_equal(log_file_open(&f->file, f->cursor), 0);
		assert_int_equal(
			log_file_write(&f->file, f->cursor->off, STAMP "4\n", STAMP_LEN + 2), 0);
		log_read(f->dir, "x", &lines);
		assert_string_equal(lines.data, "1\n2\n3\n4\n");
		text_free(&lines);
		log_file_close(&f->file);
	}
	assert_true(deaths >= 5);
}

#define file_test(name) cmocka_unit_test_setup_teardown(name, fixture_up, fixture_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_a_file_name_is_a_name),
		file_test(a_new_file_is_0640_and_at_its_beginning),
		file_test(a_missing_directory_is_made),
		file_test(an_older_log_is_appended_to),
		file_test(what_is_behind_the_cursor_is_cut_off),
		file_test(a_file_cut_by_a_person_is_appended_to),
		file_test(another_file_in_its_place_is_never_cut),
		file_test(what_is_no_regular_file_is_refused),
		file_test(rotation_keeps_as_many_as_it_should),
		file_test(rotation_fills_a_gap_first),
		file_test(a_rotation_cut_short_loses_nothing),
	};

	return cmocka_run_group_tests_name("journal_file", tests, NULL, NULL);
}
