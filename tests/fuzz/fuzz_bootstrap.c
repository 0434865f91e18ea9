/*
 * PID 1's environment, a variable a line: sorted into what services see and what is secret. The
 * first line is a bootstrap string besides.
 */
#include <stdio.h>
#include <string.h>

#include "init/environment.h"
#include "tests/fuzz/fuzz.h"

#define VARS 64

static struct environment env;

static void decode(const char *line, size_t len)
{
	char *text = strndup(line, len), out[256];
	const char *url, *token;

	if (text && !bootstrap_decode(text, out, sizeof(out), &url, &token)) {
		FUZZ_MUST(url == out && *url && *token && !strchr(token, '|'));
		FUZZ_MUST(token + strlen(token) < out + sizeof(out));
	}
	free(text);
}

static bool begins(const char *entry, const char *name)
{
	return strncmp(entry, name, strlen(name)) == 0;
}

static void check(void)
{
	FUZZ_MUST(env.n <= ENVIRONMENT_MAX && !env.vars[env.n]);
	for (size_t i = 0; i < env.n; i++)
		FUZZ_MUST(!begins(env.vars[i], "CODER_AGENT_TOKEN=") &&
			  !begins(env.vars[i], "CODER_AGENT_BOOTSTRAP="));
	FUZZ_MUST(env.secrets_len <= sizeof(env.secrets));
	FUZZ_MUST(env.secrets_len == 0 || env.secrets[env.secrets_len - 1] == '\0');
	for (size_t i = 0; i < sizeof(env.work); i++)
		FUZZ_MUST(env.work[i] == '\0');
}

FUZZ_TARGET(bootstrap)
{
	char *copy = strdup(text), *vars[VARS + 2], *save = NULL, *bootstrap = NULL;
	size_t n = 0;

	if (!copy)
		return;
	decode(copy, strcspn(copy, "\n"));
	if (asprintf(&bootstrap, "CODER_AGENT_BOOTSTRAP=%.*s", (int)strcspn(copy, "\n"), copy) < 0)
		bootstrap = NULL;
	for (char *v = strtok_r(copy, "\n", &save); v && n < VARS; v = strtok_r(NULL, "\n", &save))
		vars[n++] = v;
	if (bootstrap)
		vars[n++] = bootstrap;
	vars[n] = NULL;
	memset(&env, 0, sizeof(env));
	environment_sort(&env, vars);
	check();
	/* Gone from where PID 1 found it: /proc/1/environ. */
	FUZZ_MUST(!bootstrap || *bootstrap == '\0');
	free(bootstrap);
	free(copy);
}
