#include "image/text.h"

#include <string.h>

#include "common/cleanup.h"

bool text_set(char *to, size_t size, const char *from)
{
	size_t len = strlen(from);

	if (len >= size) {
		*to = '\0';
		return false;
	}
	memcpy(to, from, len + 1);
	return true;
}

/* How many bytes the character has that begins here; 0: it is no UTF-8. Overlong ones, surrogates
 * and what is above U+10FFFF are none (RFC 3629). */
static size_t utf8(const unsigned char *c, size_t left)
{
	static const struct {
		unsigned char from, to, second_from, second_to, len;
	} rows[] = {
		{0x00, 0x7f, 0x00, 0xff, 1}, {0xc2, 0xdf, 0x80, 0xbf, 2},
		{0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3},
		{0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
		{0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4},
		{0xf4, 0xf4, 0x80, 0x8f, 4},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		size_t n = 2;

		if (*c < rows[i].from || *c > rows[i].to)
			continue;
		if (rows[i].len > left)
			return 0;
		if (rows[i].len > 1 && (c[1] < rows[i].second_from || c[1] > rows[i].second_to))
			return 0;
		while (n < rows[i].len && (c[n] & 0xc0) == 0x80)
			n++;
		return n < rows[i].len ? 0 : rows[i].len;
	}
	return 0;
}

void text_clean(char *text, size_t len)
{
	unsigned char *c = (unsigned char *)text;

	for (size_t i = 0; i < len;) {
		size_t n = utf8(c + i, len - i);
		bool control = n == 1 ? c[i] < 0x20 || c[i] == 0x7f
				      : n == 2 && c[i] == 0xc2 && c[i + 1] < 0xa0;

		if (n == 0 || control)
			memset(c + i, '?', n ? n : 1);
		i += n ? n : 1;
	}
}

const char *text_quote(char *to, size_t size, const char *from, size_t len)
{
	bool whole = len < size;
	size_t n = whole ? len : size - 4;

	memcpy(to, from, n);
	text_clean(to, n);
	memcpy(to + n, whole ? "" : "...", whole ? 1 : 4);
	return to;
}

void text_lower(char *text)
{
	static const char upper[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	static const char lower[] = "abcdefghijklmnopqrstuvwxyz";

	for (char *c = text; *c; c++) {
		const char *at = strchr(upper, *c);

		if (at)
			*c = lower[at - upper];
	}
}
