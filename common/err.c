#include "common/err.h"

#include <stdio.h>
#include <string.h>

static int err_fill(struct err *err, int code, const char *fmt, va_list args)
{
	if (!err)
		return code;
	err->code = code;
	vsnprintf(err->text, sizeof(err->text), fmt, args);
	return code;
}

int err_set(struct err *err, int code, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	err_fill(err, code, fmt, args);
	va_end(args);
	return code;
}

int err_sys(struct err *err, int code, const char *fmt, ...)
{
	va_list args;
	size_t used;

	va_start(args, fmt);
	err_fill(err, code, fmt, args);
	va_end(args);
	if (!err)
		return code;
	used = strlen(err->text);
	snprintf(err->text + used, sizeof(err->text) - used, ": %s", strerror(-code));
	return code;
}

int err_prefix(struct err *err, const char *fmt, ...)
{
	char old[ERR_TEXT_MAX];
	va_list args;
	size_t used;

	if (!err)
		return 0;
	memcpy(old, err->text, sizeof(old));
	va_start(args, fmt);
	err_fill(err, err->code, fmt, args);
	va_end(args);
	used = strlen(err->text);
	snprintf(err->text + used, sizeof(err->text) - used, ": %s", old);
	return err->code;
}
