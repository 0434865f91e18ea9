/* What texts of a registry may do to a terminal: nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "image/text.h"

static void assert_clean(const char *from, const char *to)
{
	char text[64];

	assert_string_equal(text_quote(text, sizeof(text), from, strlen(from)), to);
}

static void control_characters_become_question_marks(void **state)
{
	assert_clean("a\033[31mb\r\n\177", "a?[31mb???");
	/* CSI and OSC, in UTF-8 and in one byte. */
	assert_clean("\302\23331m", "??31m");
	assert_clean("\302\235 \302\237", "?? ??");
	assert_clean("\233"
		     "31m\235",
		     "?31m?");
}

static void what_is_no_utf8_becomes_question_marks(void **state)
{
	assert_clean("\300\233", "??");           /* overlong U+001B */
	assert_clean("\340\202\233", "???");      /* overlong U+009B */
	assert_clean("\355\240\200", "???");      /* a surrogate */
	assert_clean("\364\220\200\200", "????"); /* above U+10FFFF */
	assert_clean("\342\202", "??");           /* cut */
	assert_clean("\342\202x\303", "??x?");
	assert_clean("\360\237\230", "???");
}

static void letters_of_all_languages_stay(void **state)
{
	static const char text[] = "Gr\303\274\303\237e, \302\240\342\202\254 \360\237\230\200";

	assert_clean(text, text);
}

static void what_does_not_fit_ends_in_dots(void **state)
{
	char text[8];

	assert_string_equal(text_quote(text, sizeof(text), "1234567", 7), "1234567");
	assert_string_equal(text_quote(text, sizeof(text), "12345678", 8), "1234...");
	/* Not in the midst of a character. */
	assert_string_equal(text_quote(text, sizeof(text), "123\303\274678", 8), "123?...");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(control_characters_become_question_marks),
		cmocka_unit_test(what_is_no_utf8_becomes_question_marks),
		cmocka_unit_test(letters_of_all_languages_stay),
		cmocka_unit_test(what_does_not_fit_ends_in_dots),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
