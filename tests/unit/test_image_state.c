/* The digests of what was pulled: lines of the old script, nodes, and writers at once. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/cleanup.h"
#include <sys/stat.h>
#include <sys/wait.h>

#include "image/state.h"

#define A "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define V "local:vztmpl/hakim-js_latest.tar"

static struct err err;

static void expect(const char *text, const char *node, const char *want)
{
	struct digest digest;

	state_find(text, V, node, &digest);
	assert_string_equal(digest.text, want);
}

static void lines_of_the_script_are_read_and_the_last_counts(void **state)
{
	expect("", NULL, "");
	expect(V " " A "\n", NULL, A);
	expect(V " " A "\n" V " " B, NULL, B);
	expect(V ".tar " A "\n", NULL, "");
	expect("x" V " " A "\n", NULL, "");
	expect(V "\t" A "\r\n", NULL, A);
	expect(V " not-a-digest\n", NULL, "");
	expect(V "\n", NULL, "");
	expect("\n\n" V " " A, "n1", A);
}

static void a_line_of_a_node_takes_the_place_of_the_plain_one(void **state)
{
	expect(V " " A "\nn1/" V " " B "\n", "n1", B);
	expect("n1/" V " " B "\n" V " " A "\n", "n1", B);
	expect(V " " A "\nn1/" V " " B "\n", "n2", "");
	expect(V " " A "\nn1/" V " " B "\n", NULL, A);
}

static void an_edit_keeps_what_it_does_not_know(void **state)
{
	_cleanup_free_ char *a = state_edit("# c\n" V " " A "\nother " B, V, NULL, B);
	_cleanup_free_ char *b = state_edit(a, V, "n1", A);
	_cleanup_free_ char *c = state_edit(b, V, "n1", NULL);

	assert_string_equal(a, "# c\nother " B "\n" V " " B "\n");
	assert_string_equal(b, "# c\nother " B "\n" V " " A "\nn1/" V " " A "\n");
	assert_string_equal(c, "# c\nother " B "\n");
}

static void many_writers_lose_nothing(void **state)
{
	char dir[] = "/tmp/hakim-state-XXXXXX", path[64], command[64];
	_cleanup_free_ char *text = NULL;
	struct stat st;

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/sub/state", dir);
	for (int i = 0; i < 8; i++)
		if (fork() == 0) {
			char volid[32];
			int r = 0;

			for (int k = 0; k < 10 && r == 0; k++) {
				snprintf(volid, sizeof(volid), "s:vztmpl/%d-%d.tar", i, k);
				r = state_write(path, volid, NULL, A, NULL);
			}
			_exit(r < 0);
		}
	for (int i = 0; i < 8; i++) {
		int status = 1;

		wait(&status);
		assert_int_equal(status, 0);
	}
	assert_int_equal(state_read(path, &text, &err), 0);
	assert_int_equal(strlen(text), 80 * strlen("s:vztmpl/0-0.tar " A "\n"));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0644);
	snprintf(command, sizeof(command), "rm -r %s", dir);
	assert_int_equal(system(command), 0); // NOLINT(bugprone-command-processor)
}

static void a_file_that_is_not_there_is_empty(void **state)
{
	_cleanup_free_ char *text = NULL;

	assert_int_equal(state_read("/nonexistent/x", &text, &err), 0);
	assert_string_equal(text, "");
	assert_int_equal(err.code, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_of_the_script_are_read_and_the_last_counts),
		cmocka_unit_test(a_line_of_a_node_takes_the_place_of_the_plain_one),
		cmocka_unit_test(an_edit_keeps_what_it_does_not_know),
		cmocka_unit_test(many_writers_lose_nothing),
		cmocka_unit_test(a_file_that_is_not_there_is_empty),
	};

	return cmocka_run_group_tests_name("image_state", tests, NULL, NULL);
}
