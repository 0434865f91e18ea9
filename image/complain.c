#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "image/hakim.h"
#include "image/text.h"

int hakim_complain(int status, const char *fmt, ...)
{
	char text[2 * ERR_TEXT_MAX];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	text_clean(text, strlen(text));
	fprintf(stderr, "hakim: %s\n", text);
	return status;
}
