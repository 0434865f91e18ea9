/*
 * Command lines, and the other small texts of a unit: words, escapes, time spans, sizes, signals,
 * addresses, patterns. Parts: the text; an environment, a variable a line; what a pattern is asked
 * about.
 */
#include <string.h>

#include "supervisor/capability.h"
#include "supervisor/command.h"
#include "supervisor/exit_set.h"
#include "supervisor/pattern.h"
#include "supervisor/probe.h"
#include "supervisor/socket.h"
#include "supervisor/specifier.h"
#include "supervisor/unit_name.h"
#include "tests/fuzz/fuzz.h"

static void expand_all(const struct commands *commands, const struct strv *env)
{
	struct err err;

	for (size_t i = 0; i < commands->n; i++) {
		struct strv argv = {0};

		FUZZ_MUST(commands->v[i].path && *commands->v[i].path && commands->v[i].argv.n > 0);
		if (command_expand(&commands->v[i], env, &argv, &err) >= 0)
			FUZZ_MUST(argv.n > 0 && !argv.v[argv.n]);
		strv_free(&argv);
	}
}

static void command_lines(const char *text, const struct strv *env)
{
	static const char *const names[] = {NULL, "x@a-b.service"};
	struct strv words = {0};
	struct err err;

	words_split(text, &words, &err);
	strv_free(&words);
	for (size_t i = 0; i < 2; i++) {
		struct commands commands = {0};
		size_t n;

		if (commands_parse_for(names[i], text, &commands, &err) >= 0) {
			n = commands.n;
			/* All or none: what was there stays. */
			if (commands_parse_for(names[i], "\"", &commands, &err) < 0)
				FUZZ_MUST(commands.n == n);
			expand_all(&commands, env);
		} else {
			FUZZ_MUST(commands.n == 0);
		}
		commands_free(&commands);
	}
}

static void texts(const char *text, const struct strv *env)
{
	char *out = NULL;
	size_t size;
	struct err err;

	if (variables_expand(text, env, &out, &err) >= 0)
		free(out);
	out = NULL;
	if (unescape_data(text, &out, &size) >= 0) {
		FUZZ_MUST(size <= strlen(text));
		free(out);
	}
	out = NULL;
	if (specifier_expand(text, "x@a-b.service", &out, &err) >= 0)
		free(out);
}

static void values(const char *text)
{
	struct socket_address address;
	struct probe_target *target = NULL;
	struct exit_set set = {0};
	uint64_t number;
	unsigned small;
	int sig;
	bool flag;
	struct err err;

	bool_parse(text, &flag, &err);
	if (unsigned_parse(text, 100, &small, &err) >= 0)
		FUZZ_MUST(small <= 100);
	timespan_parse(text, &number, &err);
	size_parse(text, &number, &err);
	sig = signal_parse(text, &err);
	FUZZ_MUST(sig < 0 || (sig > 0 && sig <= 64));
	FUZZ_MUST(capability_parse(text) < 64);
	exit_set_parse(&set, text, &err);
	if (socket_address_parse(text, &address, &err) >= 0)
		FUZZ_MUST(address.len > 0 && address.len <= sizeof(address.storage));
	if (probe_target_parse(text, &target, &err) >= 0)
		probe_target_free(target);
	target = NULL;
	if (probe_target_tcp(text, &target, &err) >= 0)
		probe_target_free(target);
	target = NULL;
	if (probe_target_unix(text, &target, &err) >= 0)
		probe_target_free(target);
	probe_statuses_check(text, &err);
	if (unit_name_valid(text))
		FUZZ_MUST(!strchr(unit_name_file(text), '/') && strlen(text) < UNIT_NAME_MAX);
}

FUZZ_TARGET(command)
{
	char *line = fuzz_next_text(&text, &len);
	char *variables = fuzz_next_text(&text, &len);
	struct pattern *pattern = NULL;
	struct strv env = {0};
	struct err err;
	char *save = NULL;

	for (char *v = strtok_r(variables, "\n", &save); v; v = strtok_r(NULL, "\n", &save))
		strv_env_put(&env, v);
	command_lines(line, &env);
	texts(line, &env);
	values(line);
	if (strlen(line) < 80 && pattern_parse(line, &pattern, &err) >= 0) {
		pattern_match(pattern, text, len < 400 ? len : 400);
		pattern_free(pattern);
	}
	strv_free(&env);
	free(variables);
	free(line);
}
