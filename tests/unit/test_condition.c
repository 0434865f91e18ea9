/* Conditions: asked as systemd asks them, and never telling a secret; first how they combine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "supervisor/condition.h"
#include "supervisor/unit.h"

static char reason[256];

/* Asks conditions written "P:/path", "E:NAME", with "|" and "!" before, and "A" for an assertion
 * before all; up to three. */
static enum condition_verdict ask(const char *const *texts, size_t n)
{
	static char *vars[] = {"A=1", "EMPTY=", NULL}, *names[] = {"TOKEN", NULL};
	const struct strv env = {vars, 2}, secrets = {names, 1};
	const struct condition_world world = {.root = "", .env = &env, .secret_names = &secrets};
	struct condition conditions[3] = {0};
	struct unit unit = {.conditions = conditions, .n_conditions = n};
	enum condition_verdict verdict;

	for (size_t i = 0; i < n; i++) {
		const char *p = texts[i];

		conditions[i].assertion = *p == 'A';
		p += conditions[i].assertion;
		conditions[i].trigger = *p == '|';
		p += conditions[i].trigger;
		conditions[i].negate = *p == '!';
		p += conditions[i].negate;
		conditions[i].kind = *p == 'P' ? CONDITION_PATH_EXISTS : CONDITION_ENVIRONMENT;
		conditions[i].arg = strdup(p + 2);
		assert_non_null(conditions[i].arg);
	}
	memset(reason, 0, sizeof(reason));
	verdict = condition_check(&unit, &world, reason, sizeof(reason));
	for (size_t i = 0; i < n; i++)
		free(conditions[i].arg);
	return verdict;
}

#define ASK(...)                                \
	ask((const char *const[]){__VA_ARGS__}, \
	    sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))
#define HOLDS(...) assert_int_equal(ASK(__VA_ARGS__), CONDITIONS_HOLD)
#define UNMET(...) assert_int_equal(ASK(__VA_ARGS__), CONDITIONS_UNMET)
#define WRONG(...) assert_int_equal(ASK(__VA_ARGS__), CONDITIONS_WRONG)

static void without_conditions_all_hold(void **state)
{
	assert_int_equal(ask(NULL, 0), CONDITIONS_HOLD);
}

static void a_path_is_there_or_not(void **state)
{
	HOLDS("P:/");
	UNMET("P:/nonexistent");
	assert_string_equal(reason, "ConditionPathExists=/nonexistent was not met");
	HOLDS("!P:/nonexistent");
	UNMET("!P:/");
	assert_string_equal(reason, "ConditionPathExists=!/ was not met");
}

static void a_variable_is_set_or_has_a_value(void **state)
{
	HOLDS("E:A");
	HOLDS("E:A=1");
	UNMET("E:A=2");
	UNMET("E:A=");
	HOLDS("E:EMPTY");
	HOLDS("E:EMPTY=");
	UNMET("E:B");
	HOLDS("!E:B");
	HOLDS("!E:A=2");
	assert_string_equal(reason, "");
}

static void all_must_hold(void **state)
{
	HOLDS("E:A", "P:/");
	UNMET("E:A", "P:/nonexistent");
	UNMET("E:B", "P:/");
	assert_string_equal(reason, "ConditionEnvironment=B was not met");
}

static void of_the_triggers_one_is_enough(void **state)
{
	HOLDS("|E:B", "|E:A");
	HOLDS("|E:A", "|E:B");
	UNMET("|E:B", "|P:/nonexistent");
	assert_string_equal(reason, "ConditionEnvironment=|B was not met");
	UNMET("|E:B", "P:/");
	UNMET("|E:A", "P:/nonexistent");
	HOLDS("|!E:B", "P:/");
}

static void an_assertion_that_does_not_hold_is_a_failure(void **state)
{
	HOLDS("AE:A", "E:A");
	WRONG("AE:B", "E:A");
	assert_string_equal(reason, "AssertEnvironment=B was not met");
	WRONG("A!E:A");
	assert_string_equal(reason, "AssertEnvironment=!A was not met");
	/* Where it is to be skipped anyway, nothing is wrong. */
	UNMET("AE:B", "E:B");
	assert_string_equal(reason, "ConditionEnvironment=B was not met");
	/* The triggers of the ones are none of the others. */
	WRONG("|E:A", "A|E:B");
	UNMET("A|E:A", "|E:B");
	HOLDS("A|E:B", "A|E:A");
}

static void a_secret_is_set_but_its_value_is_never_compared(void **state)
{
	HOLDS("E:TOKEN");
	UNMET("!E:TOKEN");
	UNMET("E:TOKEN=s3cret");
	assert_null(strstr(reason, "s3cret"));
	assert_non_null(strstr(reason, "ConditionEnvironment=TOKEN was not met: "));
	/* Also when turned round: what is not known does not hold. */
	UNMET("!E:TOKEN=s3cret");
	WRONG("AE:TOKEN=s3cret");
	assert_null(strstr(reason, "s3cret"));
	UNMET("E:TOKE");
	UNMET("E:TOKENS");
}

static void a_long_reason_is_cut(void **state)
{
	struct condition condition = {.kind = CONDITION_ENVIRONMENT,
				      .arg = "A_VARIABLE_OF_A_LONG_NAME"};
	struct unit unit = {.conditions = &condition, .n_conditions = 1};
	const struct strv none = {0};
	const struct condition_world world = {.root = "", .env = &none, .secret_names = &none};
	char small[8] = "";

	assert_int_equal(condition_check(&unit, &world, small, sizeof(small)), CONDITIONS_UNMET);
	assert_string_equal(small, "Conditi");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_conditions_all_hold),
		cmocka_unit_test(a_path_is_there_or_not),
		cmocka_unit_test(a_variable_is_set_or_has_a_value),
		cmocka_unit_test(all_must_hold),
		cmocka_unit_test(of_the_triggers_one_is_enough),
		cmocka_unit_test(an_assertion_that_does_not_hold_is_a_failure),
		cmocka_unit_test(a_secret_is_set_but_its_value_is_never_compared),
		cmocka_unit_test(a_long_reason_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
