/* Which PID 1 is a hakim-init that supervises, so that a second one must not. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "init/second.h"

#define IS(text, same) second_is_init((text), sizeof(text) - 1, (same))

static void it_is_known_by_its_name_in_any_directory(void **state)
{
	assert_true(IS("/usr/sbin/hakim-init\0", false));
	assert_true(IS("hakim-init\0bash\0", false));
	assert_true(IS("/opt/x/hakim-init\0--\0--plain\0", false));
	assert_false(IS("/bin/sh\0-c\0hakim-init\0", false));
	assert_false(IS("/usr/sbin/hakim-init2\0", false));
}

static void under_another_name_it_is_known_by_its_file(void **state)
{
	assert_true(IS("/sbin/init\0", true));
	assert_false(IS("/sbin/init\0", false));
}

static void one_that_is_only_an_init_keeps_nobody_away(void **state)
{
	assert_false(IS("/usr/sbin/hakim-init\0--plain\0sh\0", true));
	assert_false(IS("/usr/bin/tini\0--\0sh\0", true));
	assert_false(IS("dumb-init\0sh\0", true));
}

static void an_empty_or_cut_line_is_read_within_its_bounds(void **state)
{
	assert_false(second_is_init("", 0, true));
	assert_true(IS("hakim-init", false));
	assert_true(IS("hakim-init\0", false));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_known_by_its_name_in_any_directory),
		cmocka_unit_test(under_another_name_it_is_known_by_its_file),
		cmocka_unit_test(one_that_is_only_an_init_keeps_nobody_away),
		cmocka_unit_test(an_empty_or_cut_line_is_read_within_its_bounds),
	};

	return cmocka_run_group_tests_name("second", tests, NULL, NULL);
}
