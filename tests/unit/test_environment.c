/* PID 1's environment: secrets out of it, the bootstrap string into it. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "init/environment.h"

static struct environment env;
static char *made[256]; /* what sort() has copied: environment_sort() keeps pointers into it */
static size_t made_n;

/* Sorts a copy of the given entries, as execve would have laid them out. */
static void sort(char **copies, const char *const *entries)
{
	size_t n = 0;

	for (; entries[n]; n++) {
		assert_true(made_n < sizeof(made) / sizeof(*made));
		copies[n] = made[made_n++] = strdup(entries[n]);
	}
	copies[n] = NULL;
	memset(&env, 0, sizeof(env));
	environment_sort(&env, copies);
}

static int free_made(void **state)
{
	while (made_n)
		free(made[--made_n]);
	return 0;
}

static const char *var(const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < env.n; i++)
		if (strncmp(env.vars[i], name, len) == 0 && env.vars[i][len] == '=')
			return env.vars[i] + len + 1;
	return NULL;
}

static const char *secret(const char *name)
{
	size_t len = strlen(name);

	for (size_t at = 0; at < env.secrets_len; at += strlen(env.secrets + at) + 1)
		if (strncmp(env.secrets + at, name, len) == 0 && env.secrets[at + len] == '=')
			return env.secrets + at + len + 1;
	return NULL;
}

static void secrets_leave_the_environment_and_their_place_in_memory(void **state)
{
	char *copies[8];
	const char *entries[] = {"A=1",   "CODER_AGENT_URL=http://x",   "CODER_AGENT_TOKEN=t0ken",
				 "DB=pw", "HAKIM_SECRET_ENV=DB, OTHER", NULL};

	sort(copies, entries);
	assert_null(var("CODER_AGENT_TOKEN"));
	assert_null(var("DB"));
	assert_string_equal(var("A"), "1");
	assert_string_equal(secret("CODER_AGENT_TOKEN"), "t0ken");
	assert_string_equal(secret("DB"), "pw");
	for (size_t i = 0; i < strlen("CODER_AGENT_TOKEN=t0ken"); i++)
		assert_int_equal(copies[2][i], 0);
	for (size_t i = 0; i < strlen("DB=pw"); i++)
		assert_int_equal(copies[3][i], 0);
	assert_true(env.agent);
	assert_null(env.problem);
}

static void the_passwords_of_our_modules_are_secrets(void **state)
{
	char *copies[8];
	const char *entries[] = {"OPENCODE_SERVER_PASSWORD=a", "OPENCHAMBER_UI_PASSWORD=b",
				 "OPENCODE_SERVER_PASSWORDS=c", NULL};

	sort(copies, entries);
	assert_string_equal(secret("OPENCODE_SERVER_PASSWORD"), "a");
	assert_string_equal(secret("OPENCHAMBER_UI_PASSWORD"), "b");
	assert_null(var("OPENCODE_SERVER_PASSWORD"));
	assert_string_equal(var("OPENCODE_SERVER_PASSWORDS"), "c");
}

static void a_name_that_only_begins_like_a_secret_stays(void **state)
{
	char *copies[8];
	const char *entries[] = {"CODER_AGENT_TOKEN_FILE=/x", "DBX=1", "HAKIM_SECRET_ENV=DB", NULL};

	sort(copies, entries);
	assert_string_equal(var("CODER_AGENT_TOKEN_FILE"), "/x");
	assert_string_equal(var("DBX"), "1");
}

static void the_bootstrap_string_gives_url_and_token(void **state)
{
	char *copies[8];
	/* printf 'https://coder.example|0123-4567' | base64 */
	const char *entries[] = {
		"CODER_AGENT_BOOTSTRAP=aHR0cHM6Ly9jb2Rlci5leGFtcGxlfDAxMjMtNDU2Nw==", NULL};

	sort(copies, entries);
	assert_null(env.problem);
	assert_string_equal(var("CODER_AGENT_URL"), "https://coder.example");
	assert_string_equal(secret("CODER_AGENT_TOKEN"), "0123-4567");
	assert_null(var("CODER_AGENT_BOOTSTRAP"));
	assert_true(env.agent);
	for (size_t i = 0; i < sizeof(env.work); i++)
		assert_int_equal(env.work[i], 0);
}

static void what_is_given_wins_over_the_bootstrap_string(void **state)
{
	char *copies[8];
	const char *entries[] = {
		"CODER_AGENT_BOOTSTRAP=aHR0cHM6Ly9jb2Rlci5leGFtcGxlfDAxMjMtNDU2Nw==",
		"CODER_AGENT_URL=http://mine", NULL};

	sort(copies, entries);
	assert_string_equal(var("CODER_AGENT_URL"), "http://mine");
	assert_string_equal(secret("CODER_AGENT_TOKEN"), "0123-4567");
}

static void an_empty_variable_counts_as_unset(void **state)
{
	char *copies[8];
	const char *entries[] = {
		"CODER_AGENT_URL=", "CODER_AGENT_TOKEN=",
		"CODER_AGENT_BOOTSTRAP=aHR0cHM6Ly9jb2Rlci5leGFtcGxlfDAxMjMtNDU2Nw==", NULL};

	sort(copies, entries);
	assert_string_equal(var("CODER_AGENT_URL"), "https://coder.example");
	assert_true(env.agent);
}

static void a_bad_bootstrap_string_is_said_and_boots_on(void **state)
{
	static const struct {
		const char *value, *says;
	} bad[] = {
		{"!!!!", "not valid base64"},
		{"aGVsbG8", "no '|'"},             /* hello */
		{"YXxifGM=", "more than one '|'"}, /* a|b|c */
		{"fHRva2Vu", "lacks the URL"},     /* |token */
		{"dXJsfA==", "lacks the URL"},     /* url| */
		{"YQBifGM=", "NUL"},               /* a\0b|c */
		{"YWJj=YWJj", "not valid base64"}, /* padding in the middle */
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char *copies[2];
		char entry[128];
		const char *entries[] = {entry, NULL};

		snprintf(entry, sizeof(entry), "CODER_AGENT_BOOTSTRAP=%s", bad[i].value);
		sort(copies, entries);
		assert_non_null(env.problem);
		assert_non_null(strstr(env.problem, bad[i].says));
		assert_false(env.agent);
		assert_null(strstr(env.problem, "token\xff"));
	}
}

static void defaults_fill_only_what_is_unset(void **state)
{
	char *copies[4];
	const char *none[] = {NULL};
	const char *some[] = {"PATH=/x", "LANG=de_DE.UTF-8", NULL};

	sort(copies, none);
	assert_non_null(strstr(var("PATH"), "/usr/bin"));
	assert_string_equal(var("LANG"), "C.UTF-8");
	sort(copies, some);
	assert_string_equal(var("PATH"), "/x");
	assert_string_equal(var("LANG"), "de_DE.UTF-8");
}

static void a_url_without_anything_to_authenticate_with_is_no_workspace(void **state)
{
	char *copies[4];
	const char *url[] = {"CODER_AGENT_URL=http://x", NULL};
	const char *empty[] = {"CODER_AGENT_URL=http://x", "CODER_AGENT_TOKEN=", NULL};
	const char *file[] = {"CODER_AGENT_URL=http://x", "CODER_AGENT_TOKEN_FILE=/run/t", NULL};
	const char *cloud[] = {"CODER_AGENT_URL=http://x", "CODER_AGENT_AUTH=aws-instance-identity",
			       NULL};

	sort(copies, url);
	assert_false(env.agent);
	sort(copies, empty);
	assert_false(env.agent);
	sort(copies, file);
	assert_true(env.agent);
	sort(copies, cloud);
	assert_true(env.agent);
}

static void secrets_larger_than_the_room_are_said(void **state)
{
	char *big = malloc(KEEPER_DATA_MAX + 100);
	char *copies[4];
	const char *entries[] = {big, "CODER_AGENT_TOKEN=t", NULL};

	memset(big, 'x', KEEPER_DATA_MAX + 99);
	big[KEEPER_DATA_MAX + 99] = '\0';
	memcpy(big, "CODER_AGENT_BOOTSTRAP=", 22);
	sort(copies, entries);
	assert_non_null(env.problem);
	assert_string_equal(secret("CODER_AGENT_TOKEN"), "t");
	free(big);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(secrets_leave_the_environment_and_their_place_in_memory),
		cmocka_unit_test(the_passwords_of_our_modules_are_secrets),
		cmocka_unit_test(a_name_that_only_begins_like_a_secret_stays),
		cmocka_unit_test(the_bootstrap_string_gives_url_and_token),
		cmocka_unit_test(what_is_given_wins_over_the_bootstrap_string),
		cmocka_unit_test(an_empty_variable_counts_as_unset),
		cmocka_unit_test(a_bad_bootstrap_string_is_said_and_boots_on),
		cmocka_unit_test(defaults_fill_only_what_is_unset),
		cmocka_unit_test(a_url_without_anything_to_authenticate_with_is_no_workspace),
		cmocka_unit_test(secrets_larger_than_the_room_are_said),
	};

	return cmocka_run_group_tests_name("environment", tests, NULL, free_made);
}
