/* What becomes of a log with time: when it is due, and what is done then. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "supervisor/journal_age.h"
#include "tests/unit/journal_help.h"

#define RECORD "2026-11-24T03:07:08.123456Z hello\n"
#define BEGUN  ((time_t)1795489628) /* of RECORD */

struct fixture {
	char dir[PATH_MAX];
	struct stream s;
};

static int fixture_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	dir_make(f->dir, sizeof(f->dir));
	f->s.file = (struct log_file){.dir = f->dir, .group = (gid_t)-1, .keep = 3, .fd = -EBADF};
	assert_int_equal(log_file_name(&f->s.file, "x.service"), 0);
	f->s.cursor = shared_memory(sizeof(*f->s.cursor));
	cursor_reset(f->s.cursor);
	*state = f;
	return 0;
}

static int fixture_down(void **state)
{
	struct fixture *f = *state;

	log_file_close(&f->s.file);
	dir_remove(f->dir);
	munmap(f->s.cursor, sizeof(*f->s.cursor));
	free(f);
	return 0;
}

static void open_with(struct fixture *f, const char *text)
{
	file_write(f->dir, "x.log", text);
	assert_int_equal(log_file_open(&f->s.file, f->s.cursor), 0);
}

static void old_file(const struct fixture *f, const char *name, time_t changed)
{
	const struct timespec times[] = {{.tv_sec = changed}, {.tv_sec = changed}};
	char path[PATH_MAX + NAME_MAX];

	file_write(f->dir, name, RECORD);
	snprintf(path, sizeof(path), "%s/%s", f->dir, name);
	assert_return_code(utimensat(AT_FDCWD, path, times, 0), errno);
}

static bool is_there(const struct fixture *f, const char *name)
{
	char path[PATH_MAX + NAME_MAX];

	snprintf(path, sizeof(path), "%s/%s", f->dir, name);
	return access(path, F_OK) == 0;
}

static void without_an_age_nothing_is_ever_due(void **state)
{
	struct fixture *f = *state;

	open_with(f, RECORD);
	old_file(f, "x.log.1", 1);
	assert_int_equal(age_due(&f->s), 0);
	assert_false(age_run(&f->s, BEGUN * 2));
	assert_true(is_there(f, "x.log.1"));
	assert_false(is_there(f, "x.log.2"));
}

static void the_first_record_tells_when_the_file_is_rotated(void **state)
{
	struct fixture *f = *state;

	f->s.rotate_s = 60;
	open_with(f, RECORD "2026-11-24T04:00:00.000000Z later\n");
	assert_int_equal(age_due(&f->s), BEGUN + 60);
	assert_false(age_run(&f->s, BEGUN + 59));
	assert_false(is_there(f, "x.log.1"));
	assert_true(age_run(&f->s, BEGUN + 60));
	assert_true(is_there(f, "x.log.1"));
	/* The new file is empty: nothing is due until there is a record in it. */
	assert_int_equal(age_due(&f->s), 0);
}

static void a_file_without_a_stamp_is_never_too_old(void **state)
{
	struct fixture *f = *state;

	f->s.rotate_s = 60;
	open_with(f, "a person wrote this, which is long enough for a stamp\n");
	assert_int_equal(age_due(&f->s), 0);
}

static void what_cannot_be_rotated_waits_as_long_again(void **state)
{
	struct fixture *f = *state;
	char gone[PATH_MAX + 8];

	f->s.rotate_s = 60;
	open_with(f, RECORD);
	age_due(&f->s);
	snprintf(gone, sizeof(gone), "%s/none", f->dir);
	f->s.file.dir = gone;
	assert_false(age_run(&f->s, BEGUN + 100));
	assert_int_equal(age_due(&f->s), BEGUN + 160);
	f->s.file.dir = f->dir;
}

static void old_files_go_when_their_last_line_is_too_old(void **state)
{
	struct fixture *f = *state;

	f->s.max_age_s = 100;
	open_with(f, RECORD);
	old_file(f, "x.log.1", 2000);
	old_file(f, "x.log.2", 1000);
	assert_int_equal(age_due(&f->s), 1101);
	age_run(&f->s, 1100);
	assert_true(is_there(f, "x.log.2"));
	age_run(&f->s, 1101);
	assert_false(is_there(f, "x.log.2"));
	assert_true(is_there(f, "x.log.1"));
	assert_int_equal(age_due(&f->s), 2101);
	age_run(&f->s, 2101);
	assert_false(is_there(f, "x.log.1"));
	assert_true(is_there(f, "x.log"));
	assert_int_equal(age_due(&f->s), 0);
}

static void the_earlier_of_both_is_due(void **state)
{
	struct fixture *f = *state;

	f->s.rotate_s = 60;
	f->s.max_age_s = 10;
	open_with(f, RECORD);
	old_file(f, "x.log.1", BEGUN);
	assert_int_equal(age_due(&f->s), BEGUN + 11);
	f->s.max_age_s = 1000;
	assert_int_equal(age_due(&f->s), BEGUN + 60);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(without_an_age_nothing_is_ever_due, fixture_up,
						fixture_down),
		cmocka_unit_test_setup_teardown(the_first_record_tells_when_the_file_is_rotated,
						fixture_up, fixture_down),
		cmocka_unit_test_setup_teardown(a_file_without_a_stamp_is_never_too_old, fixture_up,
						fixture_down),
		cmocka_unit_test_setup_teardown(what_cannot_be_rotated_waits_as_long_again,
						fixture_up, fixture_down),
		cmocka_unit_test_setup_teardown(old_files_go_when_their_last_line_is_too_old,
						fixture_up, fixture_down),
		cmocka_unit_test_setup_teardown(the_earlier_of_both_is_due, fixture_up,
						fixture_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
