/* Which URLs a readiness probe takes. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "common/cleanup.h"
#include "supervisor/probe.h"

static void only_numeric_hosts_and_localhost_by_plain_http_are_taken(void **state)
{
	static const char *const good[] = {
		"http://127.0.0.1",   "http://127.0.0.1:1",    "http://localhost:65535/x?y=z",
		"HTTP://LocalHost/",  "http://[::1]:2113/",    "http://[fe80::1]",
		"http://127.0.0.1?x", "http://127.0.0.1:080/", "http://[::ffff:127.0.0.1]/",
	};
	static const struct {
		const char *url, *says;
	} wrong[] = {
		{"https://127.0.0.1/", "https:// is not supported"},
		{"", "no http:// URL"},
		{"127.0.0.1:80", "no http:// URL"},
		{"ftp://127.0.0.1/", "no http:// URL"},
		{"http://", "no host"},
		{"http://:80/", "no host"},
		{"http:///x", "no host"},
		{"http://[]/", "no host"},
		{"http://example.org/", "no name is looked up"},
		{"http://127.0.0.1.example.org/", "no name is looked up"},
		{"http://127.1/", "no name is looked up"},
		{"http://256.0.0.1/", "no name is looked up"},
		{"http://[127.0.0.1]/", "no name is looked up"},
		{"http://[localhost]/", "no name is looked up"},
		{"http://[fe80::1%25eth0]/", "no name is looked up"},
		{"http://[::1", "\"]\""},
		{"http://[::1]80/", "between"},
		{"http://127.0.0.1:/", "no port"},
		{"http://127.0.0.1:0/", "no port"},
		{"http://127.0.0.1:65536/", "no port"},
		{"http://127.0.0.1:4294967376/", "no port"},
		{"http://127.0.0.1:8x/", "no port"},
		{"http://127.0.0.1:-1/", "no port"},
		{"http://fe80::1/", "is no port"},
		{"http://u:p@127.0.0.1/", "password"},
		{"http://127.0.0.1/a b", "blank"},
		{"http://127.0.0.1/a\r\nX: y", "control character"},
		{"http://127.0.0.1/\xc3\xa4", "ASCII"},
		{"http://127.0.0.1/#x", "\"#\""},
	};
	char long_url[3000] = "http://127.0.0.1/";
	struct probe_target *t = NULL;
	struct err err = {0};

	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		if (probe_target_parse(good[i], &t, &err) < 0)
			fail_msg("%s: %s", good[i], err.text);
		probe_target_free(t);
	}
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		t = NULL;
		assert_true(probe_target_parse(wrong[i].url, &t, &err) < 0);
		assert_null(t);
		if (!strstr(err.text, wrong[i].says))
			fail_msg("\"%s\" says: %s", wrong[i].url, err.text);
		assert_true(probe_target_parse(wrong[i].url, &t, NULL) < 0);
	}
	memset(long_url + strlen(long_url), 'x', 2000);
	assert_true(probe_target_parse(long_url, &t, &err) < 0);
	assert_non_null(strstr(err.text, "longer"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_numeric_hosts_and_localhost_by_plain_http_are_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
