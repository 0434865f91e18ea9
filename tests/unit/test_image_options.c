/* The options of the host command: flags, variables, defaults, and what is refused. */
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
#include "image/options.h"

static struct err err;

static int parse(struct options *options, enum option_for command, const char *const *words)
{
	const char *argv[16] = {"pull"};
	int argc = 1;

	for (; words && words[argc - 1]; argc++)
		argv[argc] = words[argc - 1];
	err = (struct err){0};
	return options_parse(options, command, argc, (char **)argv, &err);
}

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

static int no_variables(void **state)
{
	static const char *const names[] = {"NODE_NAME",         "DATASTORE_ID",
					    "TEMPLATE_TAG",      "OCI_REGISTRY_NAMESPACE",
					    "FORCE_REPLACE",     "CHECK_REMOTE_DIGEST",
					    "USE_GH_AUTH_TOKEN", "DRY_RUN",
					    "GH_TOKEN",          "GH_USERNAME",
					    "VARIANTS",          "DIGEST_STATE_FILE"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		unsetenv(names[i]);
	return 0;
}

static void defaults_are_those_of_the_script(void **state)
{
	_cleanup_(options_free) struct options o;
	char host[256] = "";

	gethostname(host, sizeof(host) - 1);
	host[strcspn(host, ".")] = '\0';
	assert_int_equal(parse(&o, OPTION_PULL, NULL), 0);
	assert_string_equal(o.nodes.v[0], host);
	assert_string_equal(o.datastore, "local");
	assert_string_equal(o.tag, "latest");
	assert_string_equal(o.registry, "ghcr.io/shekohex");
	assert_null(o.state_file);
	assert_false(o.force || o.check_digest || o.dry_run || o.use_gh);
	assert_true(o.tls_verify);
}

static void a_flag_beats_its_variable(void **state)
{
	_cleanup_(options_free) struct options o;

	setenv("NODE_NAME", "bigboss", 1);
	setenv("TEMPLATE_TAG", "v1", 1);
	setenv("FORCE_REPLACE", "YES", 1);
	setenv("DRY_RUN", "2", 1);
	assert_int_equal(parse(&o, OPTION_PULL, WORDS("-t", "v2", "--datastore=big")), 0);
	assert_int_equal(o.nodes.n, 1);
	assert_string_equal(o.nodes.v[0], "bigboss");
	assert_string_equal(o.tag, "v2");
	assert_string_equal(o.datastore, "big");
	assert_true(o.force);
	assert_false(o.dry_run);
}

static void variants_of_the_environment_count_only_without_others(void **state)
{
	_cleanup_(options_free) struct options a, b, c;

	setenv("VARIANTS", "base, js,", 1);
	assert_int_equal(parse(&a, OPTION_PULL, NULL), 0);
	assert_int_equal(a.variants.n, 2);
	assert_string_equal(a.variants.v[1], "js");
	assert_int_equal(parse(&b, OPTION_PULL, WORDS("-i", "a/b:c")), 0);
	assert_int_equal(b.variants.n, 0);
	assert_int_equal(parse(&c, OPTION_PULL, WORDS("-v", "php", "--variants", "rust,elixir")),
			 0);
	assert_int_equal(c.variants.n, 3);
	assert_string_equal(c.variants.v[2], "elixir");
}

static void a_secret_leaves_the_environment(void **state)
{
	_cleanup_(options_free) struct options o;

	setenv("GH_TOKEN", "s3cret", 1);
	assert_int_equal(parse(&o, OPTION_PULL, NULL), 0);
	assert_string_equal(o.gh_token, "s3cret");
	assert_null(getenv("GH_TOKEN"));
	assert_int_equal(o.warnings.n, 0);
}

static void a_token_on_the_command_line_warns(void **state)
{
	_cleanup_(options_free) struct options o;

	assert_int_equal(parse(&o, OPTION_PULL, WORDS("--gh-token", "s3cret")), 0);
	assert_string_equal(o.gh_token, "s3cret");
	assert_int_equal(o.warnings.n, 1);
	assert_null(strstr(o.warnings.v[0], "s3cret"));
}

static void the_registry_loses_its_last_slash(void **state)
{
	_cleanup_(options_free) struct options o;

	assert_int_equal(parse(&o, OPTION_PULL, WORDS("--local-registry", "10.0.0.1:5000/x/")), 0);
	assert_string_equal(o.registry, "10.0.0.1:5000/x");
}

static void what_is_wrong_is_refused(void **state)
{
	static const struct {
		enum option_for command;
		const char *words[3], *text;
	} refused[] = {
		{OPTION_PULL, {"--node"}, "missing value for --node"},
		{OPTION_PULL, {"-t"}, "missing value for -t"},
		{OPTION_PULL, {"--frobnicate"}, "there is no option --frobnicate"},
		{OPTION_PULL, {"-x"}, "there is no option -x"},
		{OPTION_PULL, {"--yes"}, "there is no option --yes"},
		{OPTION_HOME, {"--force-replace"}, "there is no option"},
		{OPTION_PULL, {"--dry-run=1"}, "takes no value"},
		{OPTION_PULL, {"--jobs", "17"}, "from 1 to 16"},
		{OPTION_PULL, {"--jobs", "0"}, "from 1 to 16"},
		{OPTION_PULL, {"--jobs", "99999999999999999999"}, "from 1 to 16"},
		{OPTION_PULL, {"--retries", "-1"}, "from 0 to 100"},
		{OPTION_PULL, {"--limit-rate", "fast"}, "bytes a second"},
		{OPTION_PULL, {"--limit-rate", "1T"}, "bytes a second"},
		{OPTION_PULL, {"--via", "ssh"}, "--via takes"},
		{OPTION_PULL, {"--tls-verify=perhaps"}, "true or false"},
		{OPTION_PULL, {"--tag", ""}, "--tag is empty"},
		{OPTION_PULL, {"--tag", "a\nb"}, "control character"},
		{OPTION_PULL, {"--registry", "/"}, "is empty"},
	};

	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		_cleanup_(options_free) struct options o;

		assert_int_equal(parse(&o, refused[i].command, refused[i].words), -EINVAL);
		if (!strstr(err.text, refused[i].text))
			fail_msg("\"%s\" does not say \"%s\"", err.text, refused[i].text);
	}
}

static void sizes_and_booleans_are_read(void **state)
{
	_cleanup_(options_free) struct options o;

	assert_int_equal(parse(&o, OPTION_PULL,
			       WORDS("--limit-rate=20M", "--tls-verify=false", "--via=api",
				     "--jobs=16", "--", "-w")),
			 0);
	assert_true(o.limit_rate == 20u << 20);
	assert_false(o.tls_verify);
	assert_int_equal(o.via, WAY_API);
	assert_int_equal(o.jobs, 16);
	assert_string_equal(o.words.v[0], "-w");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(defaults_are_those_of_the_script, no_variables),
		cmocka_unit_test_setup(a_flag_beats_its_variable, no_variables),
		cmocka_unit_test_setup(variants_of_the_environment_count_only_without_others,
				       no_variables),
		cmocka_unit_test_setup(a_secret_leaves_the_environment, no_variables),
		cmocka_unit_test_setup(a_token_on_the_command_line_warns, no_variables),
		cmocka_unit_test_setup(the_registry_loses_its_last_slash, no_variables),
		cmocka_unit_test_setup(what_is_wrong_is_refused, no_variables),
		cmocka_unit_test_setup(sizes_and_booleans_are_read, no_variables),
	};

	return cmocka_run_group_tests_name("image_options", tests, NULL, NULL);
}
