/* EnvironmentFile=, and what a condition of the environment makes of it. */
#include <string.h>

#include "supervisor/command.h"
#include "tests/fuzz/fuzz.h"

FUZZ_TARGET(environment)
{
	const char *path = fuzz_put("environment", text, len);
	struct strv env = {0};
	struct err err = {0};

	strv_env_put(&env, "KEPT=1");
	if (environment_file_read(path, &env, &err) < 0)
		FUZZ_MUST(env.n == 1);
	for (size_t i = 0; i < env.n; i++) {
		const char *equals = strchr(env.v[i], '=');

		FUZZ_MUST(equals && variable_name_valid(env.v[i], (size_t)(equals - env.v[i])));
		/* Each name once. */
		for (size_t k = 0; k < i; k++)
			FUZZ_MUST(strncmp(env.v[i], env.v[k], (size_t)(equals - env.v[i]) + 1) !=
				  0);
	}
	strv_free(&env);
}
