/* "Did you mean …?" */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "common/cleanup.h"
#include "supervisor/ctl/suggest.h"

static const char *nearest_of(const char *word)
{
	static const char *const names[] = {"status", "start",  "stop",       "restart",
					    "logs",   "reload", "coder-agent"};
	const char *nearest = NULL;
	unsigned best = SUGGEST_FAR;

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		nearest = suggest(word, names[i], nearest, &best);
	return nearest;
}

static void slips_of_the_keyboard_are_seen(void **state)
{
	static const struct {
		const char *word, *meant;
	} cases[] = {
		{"statsu", "status"},     {"stat", "status"},
		{"strat", "start"},       {"stpo", "stop"},
		{"resart", "restart"},    {"relaod", "reload"},
		{"log", "logs"},          {"coder-agnet", "coder-agent"},
		{"coder", "coder-agent"}, {"codr-agent", "coder-agent"},
		{"status", "status"},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *nearest = nearest_of(cases[i].word);

		if (!nearest || strcmp(nearest, cases[i].meant) != 0)
			fail_msg("%s: %s", cases[i].word, nearest ? nearest : "(nothing)");
	}
}

static void what_is_far_is_not_suggested(void **state)
{
	static const char *const words[] = {
		"",
		"x",
		"l",
		"banana",
		"delete",
		"start-everything-now",
		"0123456789012345678901234567890123456789012345678901234567890123456789"};

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (nearest_of(words[i]))
			fail_msg("%s: %s", words[i], nearest_of(words[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(slips_of_the_keyboard_are_seen),
		cmocka_unit_test(what_is_far_is_not_suggested),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
