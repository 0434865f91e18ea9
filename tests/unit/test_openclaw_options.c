#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "modules/openclaw-node/options.h"

#define SHA256 "sha256:0123456789abcdef0123456789ABCDEF0123456789abcdef0123456789ABCDEF"

static const char pin[] = "OPENCLAW_BRIDGE_TLS_FINGERPRINT=" SHA256;
static const char *const *variables;

static char *get(const char *name)
{
	for (const char *const *v = variables; *v; v++)
		if (strncmp(*v, name, strlen(name)) == 0 && (*v)[strlen(name)] == '=')
			return (char *)*v + strlen(name) + 1;
	return NULL;
}

#define SET(...) (variables = (const char *const[]){__VA_ARGS__, NULL})

static void expect(const char *line)
{
	struct openclaw_options o;
	struct strv words = {0};
	struct err err = {0};
	char text[512] = "";

	assert_int_equal(openclaw_options_read(&o, get, &err), 0);
	assert_int_equal(openclaw_options_words(&o, &words), 0);
	for (size_t i = 0; i < words.n; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s", i ? "|" : "",
			 words.v[i]);
	assert_string_equal(text, line);
	strv_free(&words);
}

static void refuse(const char *says)
{
	struct openclaw_options o;
	struct err err = {0};

	assert_true(openclaw_options_read(&o, get, &err) < 0);
	if (!strstr(err.text, says))
		fail_msg("%s", err.text);
}

static void what_is_unset_or_empty_is_left_out(void **state)
{
	SET("OPENCLAW_BRIDGE_HOST=gw.example.org");
	expect("openclaw|node|run|--host|gw.example.org|--port|18790");
	SET("OPENCLAW_BRIDGE_HOST=::1", "OPENCLAW_BRIDGE_PORT=", "OPENCLAW_BRIDGE_TLS=",
	    "OPENCLAW_BRIDGE_TLS_FINGERPRINT=", "OPENCLAW_DISPLAY_NAME=");
	expect("openclaw|node|run|--host|::1|--port|18790");
}

static void each_option_is_one_word(void **state)
{
	SET("OPENCLAW_BRIDGE_HOST=10.0.0.1", "OPENCLAW_BRIDGE_PORT=443", "OPENCLAW_BRIDGE_TLS=True",
	    pin, "OPENCLAW_DISPLAY_NAME=my work space; $HOME");
	expect("openclaw|node|run|--host|10.0.0.1|--port|443|--tls|--tls-fingerprint|" SHA256
	       "|--display-name|my work space; $HOME");
}

static void a_wrong_value_is_named(void **state)
{
	SET("OPENCLAW_BRIDGE_PORT=1");
	refuse("OPENCLAW_BRIDGE_HOST is not set");
	SET("OPENCLAW_BRIDGE_HOST=ws://gw");
	refuse("OPENCLAW_BRIDGE_HOST=ws://gw is no host");
	SET("OPENCLAW_BRIDGE_HOST=--port");
	refuse("begins with a -");
	SET("OPENCLAW_BRIDGE_HOST=gw", "OPENCLAW_BRIDGE_PORT=0");
	refuse("OPENCLAW_BRIDGE_PORT=0 is no port");
	SET("OPENCLAW_BRIDGE_HOST=gw", "OPENCLAW_BRIDGE_PORT=65536");
	refuse("is no port");
	SET("OPENCLAW_BRIDGE_HOST=gw", "OPENCLAW_BRIDGE_PORT= 80");
	refuse("is no port");
	SET("OPENCLAW_BRIDGE_HOST=gw", "OPENCLAW_BRIDGE_TLS=maybe");
	refuse("OPENCLAW_BRIDGE_TLS=maybe is neither yes nor no");
	SET("OPENCLAW_BRIDGE_HOST=gw", "OPENCLAW_BRIDGE_TLS=1",
	    "OPENCLAW_BRIDGE_TLS_FINGERPRINT=0123456789abcdef");
	refuse("is no SHA-256");
	SET("OPENCLAW_BRIDGE_HOST=gw", "OPENCLAW_DISPLAY_NAME=-x");
	refuse("begins with a -");
	SET("OPENCLAW_BRIDGE_HOST=gw", "OPENCLAW_DISPLAY_NAME=a\nb");
	refuse("control character");
}

static void a_fingerprint_without_tls_is_refused(void **state)
{
	SET("OPENCLAW_BRIDGE_HOST=gw", pin);
	refuse("OPENCLAW_BRIDGE_TLS is not");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_unset_or_empty_is_left_out),
		cmocka_unit_test(each_option_is_one_word),
		cmocka_unit_test(a_wrong_value_is_named),
		cmocka_unit_test(a_fingerprint_without_tls_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
