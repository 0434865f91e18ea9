#include "common/utf8.h"

#include "common/cleanup.h"

size_t utf8_decode(const char *text, size_t left, uint32_t *code)
{
	static const struct {
		unsigned char mask, lead;
		size_t len;
		uint32_t least;
	} forms[] = {{0x80, 0, 1, 0},
		     {0xe0, 0xc0, 2, 0x80},
		     {0xf0, 0xe0, 3, 0x800},
		     {0xf8, 0xf0, 4, 0x10000}};
	const unsigned char *p = (const unsigned char *)text;

	for (size_t i = 0; left && i < ARRAY_LEN(forms); i++) {
		uint32_t value = p[0] & (unsigned char)~forms[i].mask;

		if ((p[0] & forms[i].mask) != forms[i].lead)
			continue;
		if (forms[i].len > left)
			return 0;
		for (size_t k = 1; k < forms[i].len; k++) {
			if ((p[k] & 0xc0) != 0x80)
				return 0;
			value = value << 6 | (p[k] & 0x3f);
		}
		if (value < forms[i].least || value > 0x10ffff ||
		    (value >= 0xd800 && value <= 0xdfff))
			return 0;
		if (code)
			*code = value;
		return forms[i].len;
	}
	return 0;
}
