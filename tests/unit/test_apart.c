/* test_apart.c - what lies apart is zero, is used again, and is not there in a child. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "supervisor/apart.h"

static void objects_are_zero_aligned_and_do_not_overlap(void **state)
{
	struct apart apart;
	unsigned char *objects[1000];

	apart_init(&apart, 1001);
	for (unsigned i = 0; i < 1000; i++) {
		objects[i] = apart_new(&apart);
		assert_non_null(objects[i]);
		assert_int_equal((uintptr_t)objects[i] % _Alignof(max_align_t), 0);
		for (unsigned k = 0; k < 1001; k++)
			assert_int_equal(objects[i][k], 0);
		memset(objects[i], (int)(i % 251) + 1, 1001);
	}
	for (unsigned i = 0; i < 1000; i++)
		for (unsigned k = 0; k < 1001; k++)
			assert_int_equal(objects[i][k], i % 251 + 1);
	apart_close(&apart);
}

static void what_was_given_back_is_the_next_one_and_zero(void **state)
{
	struct apart apart;
	char *first, *again;

	apart_init(&apart, 100);
	first = apart_new(&apart);
	memset(first, 'x', 100);
	apart_free(&apart, first);
	again = apart_new(&apart);
	assert_ptr_equal(again, first);
	for (unsigned k = 0; k < 100; k++)
		assert_int_equal(again[k], 0);
	apart_free(&apart, NULL);
	apart_close(&apart);
}

static void a_child_has_none_of_it(void **state)
{
	const struct rlimit none = {0};
	struct apart apart;
	volatile char *object;
	int status;
	pid_t pid;

	apart_init(&apart, 100);
	object = apart_new(&apart);
	pid = fork();
	if (pid == 0) {
		setrlimit(RLIMIT_CORE, &none);
		signal(SIGSEGV, SIG_DFL);
		_exit(*object);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) != 0);
	apart_close(&apart);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(objects_are_zero_aligned_and_do_not_overlap),
		cmocka_unit_test(what_was_given_back_is_the_next_one_and_zero),
		cmocka_unit_test(a_child_has_none_of_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
