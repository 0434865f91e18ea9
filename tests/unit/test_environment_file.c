/* EnvironmentFile=: systemd's language of quotes, and no value in any message. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/cleanup.h"
#include "supervisor/command.h"

/* "[a][b c]": brackets show where words begin and end, also empty ones. */
static char *words_show(const struct strv *words)
{
	size_t size;
	char *text = NULL;
	FILE *f = open_memstream(&text, &size);

	assert_non_null(f);
	for (size_t i = 0; i < words->n; i++)
		fprintf(f, "[%s]", words->v[i]);
	fclose(f);
	return text;
}

static void assert_words(const struct strv *words, const char *expected)
{
	_cleanup_free_ char *shown = words_show(words);

	assert_string_equal(shown, expected);
}

/* Writes a file of `len` bytes and reads it as an EnvironmentFile= into env. */
static int read_bytes(const char *bytes, size_t len, struct strv *env, struct err *err)
{
	char path[] = "/tmp/hakim-test-env-XXXXXX";
	_cleanup_close_ int fd = mkstemp(path);
	int r;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), len);
	r = environment_file_read(path, env, err);
	unlink(path);
	return r;
}

static void check_env(const char *text, const char *expected)
{
	_cleanup_(strv_free) struct strv env = {0};
	struct err err = {0};

	if (read_bytes(text, strlen(text), &env, &err) != 0)
		fail_msg("%s: %s", text, err.text);
	assert_words(&env, expected);
}

static void environment_files_are_read_as_systemd_does(void **state)
{
	check_env("", "");
	check_env("A=b", "[A=b]");
	check_env("A=b\nC=d\n", "[A=b][C=d]");
	check_env("A=b\r\nC=d\r\n", "[A=b][C=d]");
	check_env("# x\n ; y\n\n  A = b c  \n", "[A=b c]");
	check_env("A=\nB=\"\"\n", "[A=][B=]");
	check_env("A='b  c' \nB=\"d\\\"e\\$f\\n\\\\\"\n", "[A=b  c][B=d\"e$f\\n\\]");
	check_env("A='b\\'\n", "[A=b\\]");
	check_env("A=\"x\ny\"\nB=z\n", "[A=x\ny][B=z]");
	check_env("A=\"x\\\ny\"\nB=x\\\ny\n", "[A=xy][B=xy]");
	check_env("A='b' \"c\"d\n", "[A=bcd]");
	check_env("A=b'c'\n", "[A=b'c']");
	check_env("A=b # c\n", "[A=b # c]");
	check_env("A=b\\ \n", "[A=b ]");
	check_env("A=b;c=d\n", "[A=b;c=d]");
	check_env("A=1\nA=2\n", "[A=2]");
	check_env("# x\\\nA=b\n", "[A=b]");
	check_env("A=b\\", "[A=b]");
	check_env("A=$X\n", "[A=$X]");
	check_env("A=b \\\n\n", "[A=b ]");
	check_env("=\\\nA=b\n", "[A=b]");
}

static void what_is_no_assignment_is_left_out_and_told(void **state)
{
	_cleanup_(strv_free) struct strv env = {0};
	const char text[] = "A=b\nexport S3CRET=t0ken\nplain\n1X=y\nC=d\n";
	struct err err = {0};

	assert_int_equal(read_bytes(text, strlen(text), &env, &err), 0);
	assert_words(&env, "[A=b][C=d]");
	assert_int_equal(err.code, 0);
	assert_non_null(strstr(err.text, "line 2"));
	assert_null(strstr(err.text, "t0ken"));
}

static void a_bad_environment_file_changes_nothing(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
	} bad[] = {
		{"A=b\nB=\"secret", 13}, {"A=b\nB='secret\n", 14},  {"A=b\0B=c\n", 8},
		{"A=\xff\n", 4},         {"A=b\nB=\x1bsecret", 13},
	};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		_cleanup_(strv_free) struct strv env = {0};
		struct err err = {0};

		assert_int_equal(strv_add(&env, "OLD=1"), 0);
		assert_int_equal(read_bytes(bad[i].bytes, bad[i].len, &env, &err), -EINVAL);
		assert_words(&env, "[OLD=1]");
		assert_null(strstr(err.text, "secret"));
	}
}

static void later_values_replace_what_the_environment_had(void **state)
{
	_cleanup_(strv_free) struct strv env = {0};

	assert_int_equal(strv_add(&env, "A=old"), 0);
	assert_int_equal(strv_add(&env, "B=kept"), 0);
	assert_int_equal(read_bytes("A=new\n", 6, &env, NULL), 0);
	assert_words(&env, "[A=new][B=kept]");
}

static void a_missing_environment_file_is_fine_with_a_dash_only(void **state)
{
	struct strv env = {0};
	struct err err = {0};

	assert_int_equal(environment_file_read("-/nonexistent/x", &env, &err), 0);
	assert_int_equal(environment_file_read("/nonexistent/x", &env, &err), -ENOENT);
	assert_non_null(strstr(err.text, "/nonexistent/x"));
	assert_int_equal(environment_file_read("/dev/null", &env, &err), 0);
	assert_int_equal(environment_file_read("/tmp", &env, &err), -EISDIR);
	assert_int_equal(environment_file_read("/dev/zero", &env, &err), -EINVAL);
}

static void a_fifo_as_environment_file_does_not_block(void **state)
{
	char dir[] = "/tmp/hakim-test-fifo-XXXXXX", path[64];
	struct strv env = {0};

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/f", dir);
	assert_int_equal(mkfifo(path, 0600), 0);
	alarm(10);
	assert_int_equal(environment_file_read(path, &env, NULL), -EINVAL);
	alarm(0);
	unlink(path);
	rmdir(dir);
}

static void a_flood_of_variables_is_refused(void **state)
{
	_cleanup_(strv_free) struct strv env = {0};
	size_t size = 0;
	char *text = NULL;
	FILE *f = open_memstream(&text, &size);

	assert_non_null(f);
	for (int i = 0; i < 50000; i++)
		fprintf(f, "V%d=\n", i);
	fclose(f);
	assert_int_equal(read_bytes(text, size, &env, NULL), -E2BIG);
	assert_int_equal(env.n, 0);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(environment_files_are_read_as_systemd_does),
		cmocka_unit_test(what_is_no_assignment_is_left_out_and_told),
		cmocka_unit_test(a_bad_environment_file_changes_nothing),
		cmocka_unit_test(later_values_replace_what_the_environment_had),
		cmocka_unit_test(a_missing_environment_file_is_fine_with_a_dash_only),
		cmocka_unit_test(a_fifo_as_environment_file_does_not_block),
		cmocka_unit_test(a_flood_of_variables_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
