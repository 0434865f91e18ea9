#include "image/text.h"

#include <string.h>

#include "common/utf8.h"

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

void text_clean(char *text, size_t len)
{
	unsigned char *c = (unsigned char *)text;

	for (size_t i = 0; i < len;) {
		size_t n = utf8_decode(text + i, len - i, NULL);
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
