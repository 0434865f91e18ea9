#include "image/text.h"

#include <string.h>

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

const char *text_quote(char *to, size_t size, const char *from, size_t len)
{
	bool whole = len < size;
	size_t n = whole ? len : size - 4;

	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)from[i];

		to[i] = from[i];
		if (c < 0x20 || c == 0x7f)
			to[i] = '?';
	}
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
