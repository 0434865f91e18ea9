/* Who may get credentials, and what a registry's words about it are worth. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/cleanup.h"
#include "image/challenge.h"
#include "image/credential.h"
#include "image/file.h"
#include "image/http_header.h"
#include "image/retry.h"
#include "image/url.h"

static struct err err;

static void challenges_are_read(void **state)
{
	struct challenge list[CHALLENGES_MAX];
	size_t n;

	n = challenge_read(
		"Bearer realm=\"https://ghcr.io/token\",service=\"ghcr.io\",scope=\"x,y\"", list,
		0);
	assert_int_equal(n, 1);
	assert_string_equal(list[0].scheme, "bearer");
	assert_string_equal(list[0].realm, "https://ghcr.io/token");
	assert_string_equal(list[0].service, "ghcr.io");
	n = challenge_read("Negotiate, Basic realm=\"z\"", list, 1);
	assert_int_equal(n, 3);
	assert_string_equal(list[2].realm, "z");
	n = challenge_read("BASIC realm=\"a \\\"b\\\" \\\\c\", bearer REALM = tok , error=\"e\"",
			   list, 1);
	assert_int_equal(n, 3);
	assert_string_equal(list[1].realm, "a \"b\" \\c");
	assert_ptr_equal(challenge_find(list, n, "basic"), &list[1]);
	assert_string_equal(list[2].realm, "tok");
	assert_string_equal(list[2].error, "e");
	assert_null(challenge_find(list, n, "digest"));
}

static void challenges_that_are_none_do_no_harm(void **state)
{
	static const char *const bad[] = {
		"",
		",,,",
		"=",
		"\"",
		"Bearer realm=\"",
		"Bearer realm=\"x\\",
		"Bearer realm=\"\x01\"",
		"Bearer realm",
		"Basic dG9rZW42OA==",
		"a=b",
		"Bearer realm=x y=z \"",
	};
	struct challenge list[CHALLENGES_MAX];
	char many[400] = "";
	char realm[3000];

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		size_t n = challenge_read(bad[i], list, 0);

		for (size_t k = 0; k < n; k++)
			assert_string_not_equal(list[k].scheme, "");
	}
	for (int i = 0; i < 100; i++)
		memcpy(many + i * 3, "a, ", 4);
	assert_int_equal(challenge_read(many, list, 0), CHALLENGES_MAX);
	assert_int_equal(challenge_read("Basic", list, CHALLENGES_MAX), CHALLENGES_MAX);
	snprintf(realm, sizeof(realm), "Bearer realm=\"%02000d\"", 1);
	assert_true(challenge_read(realm, list, 0) >= 1);
	assert_string_equal(list[0].realm, "");
	/* The first counts. */
	assert_int_equal(challenge_read("Bearer realm=a,realm=b", list, 0), 1);
	assert_string_equal(list[0].realm, "a");
}

static struct url read_url(const char *text)
{
	struct url url;

	err = (struct err){0};
	if (url_read(text, &url, &err) < 0)
		fail_msg("%s: %s", text, err.text);
	return url;
}

static void addresses_are_taken_apart(void **state)
{
	static const char *const bad[] = {
		"",
		"/v2/",
		"//host/",
		"ftp://h/",
		"file:///etc/passwd",
		"https://u:p@h/",
		"https://u@h/",
		"https://h /",
		"https://h\n/",
		"gopher://h/",

		"http://h:0/",
		"http://h:99999/",
	};
	struct url url = read_url("HTTPS://GHCR.io/v2/?a=b");

	assert_true(url.https);
	assert_string_equal(url.host, "ghcr.io");
	assert_int_equal(url.port, 443);
	url = read_url("http://[::1]:5000/");
	assert_string_equal(url.host, "[::1]");
	assert_int_equal(url.port, 5000);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (url_read(bad[i], &url, &err) >= 0)
			fail_msg("%s was taken", bad[i]);
}

static void local_addresses_are_known_in_all_their_forms(void **state)
{
	static const char *const local[] = {
		"http://localhost/",
		"http://LOCALHOST./",
		"http://a.localhost/",
		"http://127.0.0.1/",
		"http://127.1/",
		"http://0x7f000001/",
		"http://2130706433/",
		"http://0/",
		"http://10.1.2.3/",
		"http://172.16.0.1/",
		"http://172.31.0.1/",
		"http://192.168.1.1/",
		"http://169.254.169.254/",
		"http://100.64.0.1/",
		"http://[::1]/",
		"http://[::]/",
		"http://[fe80::1]/",
		"http://[fd00::1]/",
		"http://[::ffff:127.0.0.1]/",
		"http://[::ffff:10.0.0.1]/",
	};
	static const char *const world[] = {
		"http://ghcr.io/",
		"http://1.1.1.1/",
		"http://172.32.0.1/",
		"http://[2606:4700::1]/",
		"http://localhost.example.org/",
		"http://10.example.org/",
	};

	for (size_t i = 0; i < ARRAY_LEN(local); i++) {
		struct url url = read_url(local[i]);

		if (!url_is_local(&url))
			fail_msg("%s", local[i]);
	}
	for (size_t i = 0; i < ARRAY_LEN(world); i++) {
		struct url url = read_url(world[i]);

		if (url_is_local(&url))
			fail_msg("%s", world[i]);
	}
}

static void redirects_lead_neither_to_http_nor_inside(void **state)
{
	static const struct {
		const char *from, *to;
		int error;
	} rows[] = {
		{"https://ghcr.io/", "https://cdn.example.org/x", 0},
		{"https://ghcr.io/", "http://ghcr.io/", -EPROTO},
		{"http://ghcr.io/", "https://ghcr.io/", 0},
		{"https://ghcr.io/", "https://169.254.169.254/", -EPROTO},
		{"https://ghcr.io/", "https://localhost/", -EPROTO},
		{"http://192.168.1.5:5000/", "http://192.168.1.6:9000/", 0},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct url from = read_url(rows[i].from);
		struct url to = read_url(rows[i].to);

		assert_int_equal(url_check_redirect(&from, &to, &err), rows[i].error);
	}
}

static void a_realm_gets_credentials_only_where_it_belongs(void **state)
{
	static const struct {
		const char *registry, *realm;
		int error;
		bool trusted;
	} rows[] = {
		{"https://ghcr.io/", "https://ghcr.io/token", 0, true},
		{"https://registry-1.docker.io/", "https://auth.docker.io/token", 0, true},
		{"https://registry-1.docker.io/", "https://auth.docker.io.evil.org/", 0, false},
		{"https://ghcr.io/", "https://auth.docker.io/token", 0, false},
		{"https://ghcr.io/", "https://evil.org/token", 0, false},
		{"https://ghcr.io/", "http://ghcr.io/token", -EPROTO, false},
		{"http://r.example.org/", "http://r.example.org/token", 0, true},
		{"https://ghcr.io/", "https://127.0.0.1/token", -EPROTO, false},
		{"https://ghcr.io/", "https://169.254.169.254/", -EPROTO, false},
		{"http://127.0.0.1:5000/", "http://127.0.0.1:5000/token", 0, true},
		{"http://127.0.0.1:5000/", "http://127.0.0.1:22/token", -EPROTO, false},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct url registry = read_url(rows[i].registry);
		struct url realm = read_url(rows[i].realm);
		bool trusted;

		assert_int_equal(url_check_realm(&registry, &realm, &trusted, &err), rows[i].error);
		assert_int_equal(trusted, rows[i].trusted);
	}
}

static void retry_after_is_at_least_a_second(void **state)
{
	assert_int_equal(retry_after("7", 0), 7);
	assert_int_equal(retry_after("0", 0), 1);
	assert_int_equal(retry_after("880.092\xc2\xb5s", 0), 1);
	assert_int_equal(retry_after("300ms", 0), 1);
	assert_int_equal(retry_after("2.5", 0), 3);
	assert_int_equal(retry_after("2m", 0), 120);
	assert_int_equal(retry_after("99999999999999999999", 0), 1000000000);
	assert_int_equal(retry_after("Thu, 01 Jan 1970 00:01:40 GMT", 40), 60);
	assert_int_equal(retry_after("Thu, 01 Jan 1970 00:01:40 GMT", 400), 1);
	assert_int_equal(retry_after("soon", 0), -1);
	assert_int_equal(retry_after("", 0), -1);
	assert_int_equal(retry_after("5 apples", 0), -1);
}

static void waits_grow_and_end(void **state)
{
	unsigned before = 0;

	for (unsigned attempt = 1; attempt < 40; attempt++) {
		unsigned wait = retry_wait(attempt, -1, 0);

		assert_true(wait >= before && wait <= 37500);
		assert_true(retry_wait(attempt, -1, 0xffffffff) <= 37500);
		before = wait;
	}
	assert_true(retry_wait(1, 60, 5) >= 60000);
	assert_true(retry_wait(1, RETRY_AFTER_MAX + 1, 5) < 2000);
	assert_true(retry_status(503) && retry_status(429) && !retry_status(404) &&
		    !retry_status(501));
}

static void an_interim_answer_is_forgotten(void **state)
{
	static const char *const lines[] = {
		"HTTP/1.1 100 Continue\r\n",
		"Docker-Content-Digest: sha256:1\r\n",
		"\r\n",
		"HTTP/1.1 401 No\r\n",
		"WWW-AUTHENTICATE: Basic realm=\"x\"\r\n",
		"www-authenticate: Bearer realm=\"y\"\r\n",
		"Content-Length: 12\r\n",
		"Warning: 299 - \"old \x1b[31mthing\"\r\n",
		"no colon\r\n",
		": \r\n",
	};
	struct http_response response = {.length = -1};

	for (size_t i = 0; i < ARRAY_LEN(lines); i++)
		assert_int_equal(http_header_line(&response, lines[i], strlen(lines[i])), 0);
	assert_string_equal(response.digest, "");
	assert_int_equal(response.challenges_n, 2);
	assert_int_equal(response.length, 12);
	assert_string_equal(response.warnings.v[0], "old ?[31mthing");
	http_response_free(&response);
}

/* ---- files of credentials ---- */

static char dir[] = "/tmp/hakim-auth-XXXXXX";
static char file[64];

static void put(const char *text)
{
	assert_int_equal(file_replace(file, 0600, text, strlen(text), &err), 0);
}

static int find(const char *registry, const char *repository, char *found, size_t size)
{
	const struct credential_sources sources = {.authfile = file};
	_cleanup_(credential_free) struct credential c = {0};
	int r;

	err = (struct err){0};
	r = credential_find(&sources, registry, repository, &c, &err);
	snprintf(found, size, "%s:%s",
		 c.identity ? c.identity
		 : c.user   ? c.user
			    : "",
		 c.password ? c.password : "");
	return r;
}

static void the_most_specific_entry_counts(void **state)
{
	char found[100];

	/* "whole:1", "ns:2", "repo:3", "hub:4" */
	put("{\"auths\":{\"https://h.io/v2/\":{\"auth\":\"d2hvbGU6MQ==\"},"
	    "\"h.io/ns\":{\"auth\":\"bnM6Mg==\"},\"h.io/ns/repo\":{\"auth\":\"cmVwbzoz\"},"
	    "\"https://index.docker.io/v1/\":{\"auth\":\"aHViOjQ=\"},"
	    "\"i.io\":{\"identitytoken\":\"tok\"},\"b.io\":{\"username\":\"u\",\"password\":\"p\"},"
	    "\"e.io\":{}}}");
	assert_int_equal(find("h.io", "ns/repo", found, sizeof(found)), 1);
	assert_string_equal(found, "repo:3");
	assert_int_equal(find("h.io", "ns/other", found, sizeof(found)), 1);
	assert_string_equal(found, "ns:2");
	assert_int_equal(find("h.io", "x/y", found, sizeof(found)), 1);
	assert_string_equal(found, "whole:1");
	assert_int_equal(find("docker.io", "library/x", found, sizeof(found)), 1);
	assert_string_equal(found, "hub:4");
	assert_int_equal(find("i.io", "x", found, sizeof(found)), 1);
	assert_string_equal(found, "tok:");
	assert_int_equal(find("b.io", "x", found, sizeof(found)), 1);
	assert_string_equal(found, "u:p");
	assert_int_equal(find("e.io", "x", found, sizeof(found)), 0);
	assert_int_equal(find("other.io", "x", found, sizeof(found)), 0);
	assert_int_equal(find("h.i", "o/x", found, sizeof(found)), 0);
}

static void a_bad_file_is_named_and_not_shown(void **state)
{
	static const char *const bad[] = {
		"",
		"[]",
		"SECRET",
		"{\"auths\":{\"h.io\":{\"auth\":SECRET}}}",
		"{\"auths\":{\"h.io\":{\"auth\":\"SECRET!\"}}}",
		"{\"auths\":{\"h.io\":{\"auth\":\"U0VDUkVU\"}}}",
	};
	char found[100];

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		put(bad[i]);
		assert_true(find("h.io", "x", found, sizeof(found)) < 0);
		assert_non_null(strstr(err.text, file));
		assert_null(strstr(err.text, "SECRET"));
	}
	unlink(file);
	assert_int_equal(find("h.io", "x", found, sizeof(found)), -ENOENT);
}

static void a_helper_is_asked(void **state)
{
	char program[128];
	char path[300];
	char found[100];
	static const char script[] =
		"#!/bin/sh\n[ \"$1\" = get ] || exit 9\nread -r host\n"
		"case $host in none) echo 'credentials not found in native keychain'; exit 1;;\n"
		"token) echo '{\"Username\":\"<token>\",\"Secret\":\"idt\"}';;\n"
		"bad) echo nonsense;; fail) exit 3;;\n"
		"*) printf '{\"Username\":\"u\",\"Secret\":\"%s\"}' \"$host\";; esac\n";

	snprintf(program, sizeof(program), "%s/docker-credential-test", dir);
	assert_int_equal(file_replace(program, 0755, script, strlen(script), &err), 0);
	snprintf(path, sizeof(path), "%s:/usr/bin:/bin", dir);
	setenv("PATH", path, 1);
	put("{\"credHelpers\":{\"h.io\":\"test\",\"evil.io\":\"../x\",\"gone.io\":\"no-such\"},"
	    "\"credsStore\":\"test\",\"auths\":{\"a.io\":{\"auth\":\"dTpw\"}}}");
	assert_int_equal(find("h.io", "x", found, sizeof(found)), 1);
	assert_string_equal(found, "u:h.io");
	assert_int_equal(find("a.io", "x", found, sizeof(found)), 1);
	assert_string_equal(found, "u:p");
	assert_int_equal(find("token", "x", found, sizeof(found)), 1);
	assert_string_equal(found, "idt:");
	assert_int_equal(find("none", "x", found, sizeof(found)), 0);
	assert_int_equal(find("bad", "x", found, sizeof(found)), -EINVAL);
	assert_int_equal(find("fail", "x", found, sizeof(found)), -EACCES);
	assert_int_equal(find("evil.io", "x", found, sizeof(found)), -EINVAL);
	assert_int_equal(find("gone.io", "x", found, sizeof(found)), -ENOENT);
	assert_int_equal(find("docker.io", "x", found, sizeof(found)), 1);
	assert_string_equal(found, "u:https://index.docker.io/v1/");
	unlink(program);
}

static void given_credentials_beat_files(void **state)
{
	struct credential_sources sources = {.ghcr_creds = "g:t", .authfile = file};
	_cleanup_(credential_free) struct credential c = {0};
	char *basic;

	put("{}");
	assert_int_equal(credential_find(&sources, "ghcr.io", "x", &c, &err), 1);
	assert_string_equal(c.password, "t");
	credential_free(&c);
	assert_int_equal(credential_find(&sources, "other.io", "x", &c, &err), 0);
	sources.creds = "user:pa:ss";
	assert_int_equal(credential_find(&sources, "other.io", "x", &c, &err), 1);
	assert_string_equal(c.user, "user");
	assert_string_equal(c.password, "pa:ss");
	basic = credential_basic(&c);
	assert_string_equal(basic, "Basic dXNlcjpwYTpzcw==");
	free(basic);
}

static int make_dir(void **state)
{
	if (!mkdtemp(dir))
		return -1;
	snprintf(file, sizeof(file), "%s/auth.json", dir);
	return 0;
}

static int remove_dir(void **state)
{
	unlink(file);
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(challenges_are_read),
		cmocka_unit_test(challenges_that_are_none_do_no_harm),
		cmocka_unit_test(addresses_are_taken_apart),
		cmocka_unit_test(local_addresses_are_known_in_all_their_forms),
		cmocka_unit_test(redirects_lead_neither_to_http_nor_inside),
		cmocka_unit_test(a_realm_gets_credentials_only_where_it_belongs),
		cmocka_unit_test(retry_after_is_at_least_a_second),
		cmocka_unit_test(waits_grow_and_end),
		cmocka_unit_test(an_interim_answer_is_forgotten),
		cmocka_unit_test(the_most_specific_entry_counts),
		cmocka_unit_test(a_bad_file_is_named_and_not_shown),
		cmocka_unit_test(a_helper_is_asked),
		cmocka_unit_test(given_credentials_beat_files),
	};

	return cmocka_run_group_tests_name("image auth", tests, make_dir, remove_dir);
}
