/* What hakim-agent-fetch asks: URLs, extra headers, and where secrets come from. */
#include <errno.h>
#include <fcntl.h>
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
#include "modules/coder-agent/headers.h"
#include "modules/coder-agent/secret.h"
#include "modules/coder-agent/url.h"

static struct err err;

static void assert_builds(const char *base, const char *want)
{
	_cleanup_free_ char *full = NULL;

	assert_int_equal(url_build(base, "bin/coder-linux-amd64", &full, &err), 0);
	assert_string_equal(full, want);
}

static void no_slash_is_doubled_and_none_is_lost(void **state)
{
	assert_builds("https://c.example", "https://c.example/bin/coder-linux-amd64");
	assert_builds("https://c.example/", "https://c.example/bin/coder-linux-amd64");
	assert_builds("http://c.example:3000//", "http://c.example:3000/bin/coder-linux-amd64");
	assert_builds("https://c.example/some/where",
		      "https://c.example/some/where/bin/coder-linux-amd64");
	assert_builds("https://c.example/some/where/",
		      "https://c.example/some/where/bin/coder-linux-amd64");
	assert_builds("HTTP://[::1]:80/?a=b#c", "http://[::1]:80/bin/coder-linux-amd64");
}

static void other_schemes_are_refused_without_being_quoted(void **state)
{
	static const char *const bad[] = {"",
					  "c.example",
					  "ftp://SECRET@c.example",
					  "file:///etc/SECRET",
					  "https://",
					  "http://SECRET:x@bad host/",
					  "https:/c.example",
					  "http://c.example:SECRET"};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		char *full = (char *)"untouched";

		err = (struct err){0};
		assert_int_equal(url_build(bad[i], "bin/x", &full, &err), -EINVAL);
		assert_null(full);
		assert_non_null(strstr(err.text, "CODER_AGENT_URL"));
		assert_null(strstr(err.text, "SECRET"));
	}
}

static void a_password_is_used_and_not_shown(void **state)
{
	_cleanup_free_ char *full = NULL;
	_cleanup_free_ char *shown = NULL;

	assert_int_equal(url_build("https://me:SECRET@c.example/p", "x", &full, &err), 0);
	assert_string_equal(full, "https://me:SECRET@c.example/p/x");
	shown = url_shown(full);
	assert_string_equal(shown, "https://c.example/p/x");
}

static void an_origin_is_scheme_host_and_port(void **state)
{
	assert_true(url_same_origin("https://a.example/x", "https://A.example:443/y?z"));
	assert_true(url_same_origin("http://a.example:80", "http://u:p@a.example/"));
	assert_false(url_same_origin("https://a.example", "http://a.example"));
	assert_false(url_same_origin("https://a.example", "https://b.a.example"));
	assert_false(url_same_origin("https://a.example", "https://a.example:444"));
	assert_false(url_same_origin("https://a.example", "not a url"));
}

static void redirects_stay_with_http_and_never_lose_tls(void **state)
{
	assert_int_equal(url_check_redirect("http://a", "https://b", &err), 0);
	assert_int_equal(url_check_redirect("http://a", "http://b", &err), 0);
	assert_int_equal(url_check_redirect("https://a", "https://b", &err), 0);
	assert_int_equal(url_check_redirect("https://a", "http://a", &err), -EPROTO);
	assert_int_equal(url_check_redirect("http://a", "file:///etc/passwd", &err), -EPROTO);
	assert_int_equal(url_check_redirect("http://a", "ftp://a/x", &err), -EPROTO);
}

static void headers_are_one_record_of_csv(void **state)
{
	_cleanup_(strv_free) struct strv h = {0};

	assert_int_equal(headers_add_csv(&h, "X-A=1,\"X-B=x,\"\"y\"\"=z\",X-Empty=", &err), 0);
	assert_int_equal(h.n, 3);
	assert_string_equal(h.v[0], "X-A: 1");
	assert_string_equal(h.v[1], "X-B: x,\"y\"=z");
	assert_string_equal(h.v[2], "X-Empty;");
}

static void an_empty_list_has_no_headers(void **state)
{
	_cleanup_(strv_free) struct strv h = {0};

	assert_int_equal(headers_add_csv(&h, "", &err), 0);
	assert_int_equal(headers_add_lines(&h, "\n\r\n", &err), 0);
	assert_int_equal(h.n, 0);
}

static void the_commands_output_is_a_header_a_line(void **state)
{
	_cleanup_(strv_free) struct strv h = {0};

	assert_int_equal(headers_add_lines(&h, "A=1\r\nB=a=b, c\n", &err), 0);
	assert_int_equal(h.n, 2);
	assert_string_equal(h.v[0], "A: 1");
	assert_string_equal(h.v[1], "B: a=b, c");
}

static void a_header_cannot_smuggle_in_another_and_is_not_quoted(void **state)
{
	static const char *const bad[] = {"SECRET",       "=SECRET",          "X A=SECRET",
					  "X:=SECRET",    "X=SECRET\r\nY: z", "A=1,SECRET",
					  "X=SECRET\x01", "X\n=SECRET"};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		_cleanup_(strv_free) struct strv h = {0};

		err = (struct err){0};
		assert_int_equal(headers_add_csv(&h, bad[i], &err), -EINVAL);
		assert_non_null(strstr(err.text, "CODER_AGENT_HEADER: entry"));
		assert_null(strstr(err.text, "SECRET"));
	}
}

/* Gives these bytes by a pipe, whose writing end stays open if `open_end`. */
static void pipe_with(const char *bytes, size_t len, int *kept)
{
	char number[16];
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	assert_int_equal(write(fds[1], bytes, len), len);
	if (kept)
		*kept = fds[1];
	else
		close(fds[1]);
	snprintf(number, sizeof(number), "%d", fds[0]);
	setenv("HAKIM_SECRET_FD", number, 1);
}

static void secrets_come_by_the_pipe_first(void **state)
{
	_cleanup_(secrets_free) struct secrets s = {0};
	static const char text[] = "A=from the pipe\0AB=x=y\0EMPTY=\0LAST=z";

	setenv("A", "from the environment", 1);
	setenv("B", "from the environment", 1);
	setenv("EMPTY", "from the environment", 1);
	setenv("NONE", "", 1);
	pipe_with(text, sizeof(text) - 1, NULL);
	assert_int_equal(secrets_read(&s, &err), 0);
	assert_string_equal(secrets_get(&s, "A"), "from the pipe");
	assert_string_equal(secrets_get(&s, "AB"), "x=y");
	assert_string_equal(secrets_get(&s, "LAST"), "z");
	assert_string_equal(secrets_get(&s, "B"), "from the environment");
	assert_string_equal(secrets_get(&s, "EMPTY"), "from the environment");
	assert_null(secrets_get(&s, "NONE"));
	assert_null(secrets_get(&s, "LAS"));
	assert_null(getenv("HAKIM_SECRET_FD"));
}

static void no_pipe_is_no_error_and_a_wrong_one_is(void **state)
{
	static const char *const bad[] = {"x", "-1", "0", "999", "3x", "99999999999"};
	_cleanup_(secrets_free) struct secrets s = {0};

	unsetenv("HAKIM_SECRET_FD");
	assert_int_equal(secrets_read(&s, &err), 0);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		setenv("HAKIM_SECRET_FD", bad[i], 1);
		assert_int_equal(secrets_read(&s, &err), -EBADF);
	}
	unsetenv("HAKIM_SECRET_FD");
}

static void a_pipe_that_does_not_end_is_given_up(void **state)
{
	_cleanup_(secrets_free) struct secrets s = {0};
	_cleanup_close_ int kept = -EBADF;

	pipe_with("A=1", 3, &kept);
	assert_int_equal(secrets_read(&s, &err), -ETIMEDOUT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_slash_is_doubled_and_none_is_lost),
		cmocka_unit_test(other_schemes_are_refused_without_being_quoted),
		cmocka_unit_test(a_password_is_used_and_not_shown),
		cmocka_unit_test(an_origin_is_scheme_host_and_port),
		cmocka_unit_test(redirects_stay_with_http_and_never_lose_tls),
		cmocka_unit_test(headers_are_one_record_of_csv),
		cmocka_unit_test(an_empty_list_has_no_headers),
		cmocka_unit_test(the_commands_output_is_a_header_a_line),
		cmocka_unit_test(a_header_cannot_smuggle_in_another_and_is_not_quoted),
		cmocka_unit_test(secrets_come_by_the_pipe_first),
		cmocka_unit_test(no_pipe_is_no_error_and_a_wrong_one_is),
		cmocka_unit_test(a_pipe_that_does_not_end_is_given_up),
	};

	return cmocka_run_group_tests_name("fetch: request", tests, NULL, NULL);
}
