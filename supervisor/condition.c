#include "supervisor/condition.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"

enum answer {
	ANSWER_NO = 0,
	ANSWER_YES,
	ANSWER_UNKNOWN, /* about the value of a secret, which is not known here */
};

static enum answer environment_ask(const char *arg, const struct strv *env,
				   const struct strv *secret_names)
{
	size_t len = strcspn(arg, "=");

	for (size_t i = 0; i < secret_names->n; i++)
		if (strlen(secret_names->v[i]) == len && strncmp(secret_names->v[i], arg, len) == 0)
			return arg[len] ? ANSWER_UNKNOWN : ANSWER_YES;
	for (size_t i = 0; i < env->n; i++) {
		if (strncmp(env->v[i], arg, len) != 0 || env->v[i][len] != '=')
			continue;
		if (!arg[len] || strcmp(env->v[i], arg) == 0)
			return ANSWER_YES;
	}
	return ANSWER_NO;
}

static enum answer condition_ask(const struct condition *condition, const struct strv *env,
				 const struct strv *secret_names)
{
	enum answer answer;

	switch (condition->kind) {
	case CONDITION_PATH_EXISTS:
		answer = access(condition->arg, F_OK) == 0 ? ANSWER_YES : ANSWER_NO;
		break;
	case CONDITION_ENVIRONMENT:
		answer = environment_ask(condition->arg, env, secret_names);
		break;
	default:
		answer = ANSWER_UNKNOWN;
		break;
	}
	if (answer == ANSWER_UNKNOWN || !condition->negate)
		return answer;
	return answer == ANSWER_YES ? ANSWER_NO : ANSWER_YES;
}

static void reason_put(char *reason, size_t size, const struct condition *condition,
		       enum answer answer)
{
	static const char *const names[] = {
		[CONDITION_PATH_EXISTS] = "ConditionPathExists",
		[CONDITION_ENVIRONMENT] = "ConditionEnvironment",
	};
	/* The value that a secret is compared with may be the secret. */
	int shown = answer == ANSWER_UNKNOWN ? (int)strcspn(condition->arg, "=")
					     : (int)strlen(condition->arg);

	snprintf(reason, size, "%s=%s%s%.*s was not met%s", names[condition->kind],
		 condition->trigger ? "|" : "", condition->negate ? "!" : "", shown, condition->arg,
		 answer == ANSWER_UNKNOWN ? ": the value of a secret is not compared" : "");
}

/* As systemd's condition_test_list(): all without "|" must hold, and of those with it, if there are
 * any, one. */
int condition_check(const struct unit *unit, const struct strv *env,
		    const struct strv *secret_names, char *reason, size_t size)
{
	const struct condition *missed = NULL;
	enum answer missed_answer = ANSWER_NO;
	bool triggered = false;

	for (size_t i = 0; i < unit->n_conditions; i++) {
		const struct condition *condition = &unit->conditions[i];
		enum answer answer = condition_ask(condition, env, secret_names);

		if (condition->trigger && answer == ANSWER_YES)
			triggered = true;
		if (answer == ANSWER_YES)
			continue;
		if (!condition->trigger) {
			reason_put(reason, size, condition, answer);
			return 0;
		}
		if (!missed) {
			missed = condition;
			missed_answer = answer;
		}
	}
	if (!missed || triggered)
		return 1;
	reason_put(reason, size, missed, missed_answer);
	return 0;
}
