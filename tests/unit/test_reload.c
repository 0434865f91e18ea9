/* What is new, changed and gone between two sets of units. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "supervisor/reload.h"

#define N 5

static struct unit units[2][N];
static struct unit *lists[2][N];

/* Of each letter a unit of that name, with the text of a capital letter where it is one. */
static struct unit_set set_of(unsigned which, const char *letters)
{
	static char names[2][N][16];
	struct unit_set set = {.v = lists[which], .n = strlen(letters)};

	for (size_t i = 0; i < set.n; i++) {
		snprintf(names[which][i], sizeof(names[which][i]), "%c.service", letters[i] | 0x20);
		units[which][i].name = names[which][i];
		units[which][i].digest = (uint64_t)letters[i];
		lists[which][i] = &units[which][i];
	}
	return set;
}

/* The differences as text: "+" new, "~" changed, "-" removed. */
static const char *differences(const char *old, const char *fresh)
{
	const struct unit_set before = set_of(0, old), after = set_of(1, fresh);
	static char text[64];
	struct reload_diff diff;
	size_t n = 0;

	assert_int_equal(reload_compare(&before, &after, &diff), 0);
	for (size_t i = 0; i < diff.n; i++) {
		text[n++] = "+~-"[diff.v[i].change];
		text[n++] = diff.v[i].unit[0];
	}
	text[n] = '\0';
	reload_diff_free(&diff);
	return text;
}

static void only_what_differs_is_told(void **state)
{
	assert_string_equal(differences("", ""), "");
	assert_string_equal(differences("abc", "abc"), "");
	assert_string_equal(differences("abc", "aBc"), "~b");
	assert_string_equal(differences("", "ab"), "+a+b");
	assert_string_equal(differences("ab", ""), "-a-b");
	assert_string_equal(differences("ace", "bcD"), "-a+b+d-e");
	assert_string_equal(differences("abcde", "ABCDE"), "~a~b~c~d~e");
}

static void the_words_are_those_of_the_protocol(void **state)
{
	assert_string_equal(reload_change_name(CHANGE_NEW), "new");
	assert_string_equal(reload_change_name(CHANGE_CHANGED), "changed");
	assert_string_equal(reload_change_name(CHANGE_REMOVED), "removed");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_what_differs_is_told),
		cmocka_unit_test(the_words_are_those_of_the_protocol),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
