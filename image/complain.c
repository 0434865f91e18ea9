#include <stdarg.h>
#include <stdio.h>

#include "image/hakim.h"

int hakim_complain(int status, const char *fmt, ...)
{
	char text[2 * ERR_TEXT_MAX];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	for (char *c = text; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = '?';
	fprintf(stderr, "hakim: %s\n", text);
	return status;
}
