/* Conditions: asked as systemd asks them, and never telling a secret. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "supervisor/condition.h"

static char reason[256];

/* Asks conditions written "P:/path", "E:NAME", with "|" and "!" before; up to three. */
static int ask(const char *const *texts, size_t n)
{
	static char *vars[] = {"A=1", "EMPTY=", NULL}, *names[] = {"TOKEN", NULL};
	const struct strv env = {vars, 2}, secrets = {names, 1};
	struct condition conditions[3] = {0};
	struct unit unit = {.conditions = conditions, .n_conditions = n};
	int r;

	for (size_t i = 0; i < n; i++) {
		const char *p = texts[i];

		conditions[i].trigger = *p == '|';
		p += conditions[i].trigger;
		conditions[i].negate = *p == '!';
		p += conditions[i].negate;
		conditions[i].kind = *p == 'P' ? CONDITION_PATH_EXISTS : CONDITION_ENVIRONMENT;
		conditions[i].arg = strdup(p + 2);
		assert_non_null(conditions[i].arg);
	}
	memset(reason, 0, sizeof(reason));
	r = condition_check(&unit, &env, &secrets, reason, sizeof(reason));
	for (size_t i = 0; i < n; i++)
		free(conditions[i].arg);
	return r;
}

#define ASK(...)                                \
	ask((const char *const[]){__VA_ARGS__}, \
	    sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

static void without_conditions_all_hold(void **state)
{
	assert_int_equal(ask(NULL, 0), 1);
}

static void a_path_is_there_or_not(void **state)
{
	assert_int_equal(ASK("P:/"), 1);
	assert_int_equal(ASK("P:/nonexistent"), 0);
	assert_string_equal(reason, "ConditionPathExists=/nonexistent was not met");
	assert_int_equal(ASK("!P:/nonexistent"), 1);
	assert_int_equal(ASK("!P:/"), 0);
	assert_string_equal(reason, "ConditionPathExists=!/ was not met");
}

static void a_variable_is_set_or_has_a_value(void **state)
{
	assert_int_equal(ASK("E:A"), 1);
	assert_int_equal(ASK("E:A=1"), 1);
	assert_int_equal(ASK("E:A=2"), 0);
	assert_int_equal(ASK("E:A="), 0);
	assert_int_equal(ASK("E:EMPTY"), 1);
	assert_int_equal(ASK("E:EMPTY="), 1);
	assert_int_equal(ASK("E:B"), 0);
	assert_int_equal(ASK("!E:B"), 1);
	assert_int_equal(ASK("!E:A=2"), 1);
	assert_string_equal(reason, "");
}

static void all_must_hold(void **state)
{
	assert_int_equal(ASK("E:A", "P:/"), 1);
	assert_int_equal(ASK("E:A", "P:/nonexistent"), 0);
	assert_int_equal(ASK("E:B", "P:/"), 0);
	assert_string_equal(reason, "ConditionEnvironment=B was not met");
}

static void of_the_triggers_one_is_enough(void **state)
{
	assert_int_equal(ASK("|E:B", "|E:A"), 1);
	assert_int_equal(ASK("|E:A", "|E:B"), 1);
	assert_int_equal(ASK("|E:B", "|P:/nonexistent"), 0);
	assert_string_equal(reason, "ConditionEnvironment=|B was not met");
	assert_int_equal(ASK("|E:B", "P:/"), 0);
	assert_int_equal(ASK("|E:A", "P:/nonexistent"), 0);
	assert_int_equal(ASK("|!E:B", "P:/"), 1);
}

static void a_secret_is_set_but_its_value_is_never_compared(void **state)
{
	assert_int_equal(ASK("E:TOKEN"), 1);
	assert_int_equal(ASK("!E:TOKEN"), 0);
	assert_int_equal(ASK("E:TOKEN=s3cret"), 0);
	assert_null(strstr(reason, "s3cret"));
	assert_non_null(strstr(reason, "ConditionEnvironment=TOKEN was not met: "));
	/* Also when turned round: what is not known does not hold. */
	assert_int_equal(ASK("!E:TOKEN=s3cret"), 0);
	assert_int_equal(ASK("E:TOKE"), 0);
	assert_int_equal(ASK("E:TOKENS"), 0);
}

static void a_long_reason_is_cut(void **state)
{
	struct condition condition = {.kind = CONDITION_ENVIRONMENT,
				      .arg = "A_VARIABLE_OF_A_LONG_NAME"};
	struct unit unit = {.conditions = &condition, .n_conditions = 1};
	const struct strv none = {0};
	char small[8] = "";

	assert_int_equal(condition_check(&unit, &none, &none, small, sizeof(small)), 0);
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
		cmocka_unit_test(a_secret_is_set_but_its_value_is_never_compared),
		cmocka_unit_test(a_long_reason_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
