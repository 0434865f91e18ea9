/* What is a character of UTF-8, and what only looks like one (RFC 3629). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/cleanup.h"
#include "common/utf8.h"

static void the_first_and_the_last_of_each_length_are_characters(void **state)
{
	static const struct {
		const char *text;
		uint32_t code;
	} rows[] = {
		{"a", 'a'},
		{"\x7f", 0x7f},
		{"\xc2\x80", 0x80},
		{"\xdf\xbf", 0x7ff},
		{"\xe0\xa0\x80", 0x800},
		{"\xed\x9f\xbf", 0xd7ff},
		{"\xee\x80\x80", 0xe000},
		{"\xef\xbf\xbf", 0xffff},
		{"\xf0\x90\x80\x80", 0x10000},
		{"\xf4\x8f\xbf\xbf", 0x10ffff},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint32_t code = 0;
		size_t len = strlen(rows[i].text);

		assert_int_equal(utf8_decode(rows[i].text, len, &code), len);
		assert_int_equal(code, rows[i].code);
		assert_int_equal(utf8_decode(rows[i].text, len, NULL), len);
		/* A cut one is none, and nothing behind the end is looked at. */
		for (size_t left = 0; left < len; left++)
			assert_int_equal(utf8_decode(rows[i].text, left, NULL), 0);
	}
	assert_int_equal(utf8_decode("", 1, NULL), 1);
}

static void what_only_looks_like_one_is_none(void **state)
{
	static const char *const rows[] = {
		"\x80",             /* a byte of the middle */
		"\xbf",             /* … */
		"\xc0\xaf",         /* a "/" in two bytes */
		"\xc1\xbf",         /* … */
		"\xe0\x9f\xbf",     /* overlong */
		"\xf0\x8f\xbf\xbf", /* … */
		"\xed\xa0\x80",     /* a surrogate */
		"\xed\xbf\xbf",     /* … */
		"\xf4\x90\x80\x80", /* above U+10FFFF */
		"\xf8\x88\x80\x80", /* five bytes, as it was before */
		"\xff",             /* never */
		"\xc3(",            /* no byte of the middle */
		"\xe2\x82(",        /* … */
		"\xf0\x9f\x92(",    /* … */
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(utf8_decode(rows[i], strlen(rows[i]), NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_and_the_last_of_each_length_are_characters),
		cmocka_unit_test(what_only_looks_like_one_is_none),
	};

	return cmocka_run_group_tests_name("utf8", tests, NULL, NULL);
}
