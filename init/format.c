#include "init/format.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct out {
	char *buf;
	size_t size, len;
};

static void put(struct out *out, char c)
{
	if (out->len + 1 < out->size)
		out->buf[out->len] = c;
	out->len++;
}

static void put_number(struct out *out, unsigned long long value, bool negative, unsigned base,
		       unsigned width)
{
	char digits[24];
	unsigned n = 0;

	do {
		digits[n++] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value);
	while (n < width && n < sizeof(digits))
		digits[n++] = '0';
	if (negative)
		put(out, '-');
	while (n)
		put(out, digits[--n]);
}

static void put_string(struct out *out, const char *text, size_t max)
{
	for (; max && *text; max--)
		put(out, *text++);
}

/* Of the right size, as it was given to the call. */
static long long take_signed(va_list *args, unsigned longs)
{
	if (longs == 0)
		return va_arg(*args, int);
	return longs == 1 ? va_arg(*args, long) : va_arg(*args, long long);
}

static unsigned long long take_unsigned(va_list *args, unsigned longs)
{
	if (longs == 0)
		return va_arg(*args, unsigned);
	return longs == 1 ? va_arg(*args, unsigned long) : va_arg(*args, unsigned long long);
}

static const char *put_one(struct out *out, const char *fmt, va_list *args)
{
	size_t max = SIZE_MAX;
	unsigned width = 0, longs = 0;
	long long value;

	for (; *fmt >= '0' && *fmt <= '9'; fmt++)
		width = width * 10 + (unsigned)(*fmt - '0');
	if (*fmt == '.') {
		fmt++;
		if (*fmt == '*') {
			max = (size_t)va_arg(*args, int);
			fmt++;
		} else {
			for (max = 0; *fmt >= '0' && *fmt <= '9'; fmt++)
				max = max * 10 + (size_t)(*fmt - '0');
		}
	}
	for (; *fmt == 'l'; fmt++)
		longs++;
	switch (*fmt) {
	case 's':
		put_string(out, va_arg(*args, const char *), max);
		break;
	case 'c':
		put(out, (char)va_arg(*args, int));
		break;
	case 'd':
		value = take_signed(args, longs);
		put_number(out, value < 0 ? -(unsigned long long)value : (unsigned long long)value,
			   value < 0, 10, width);
		break;
	case 'u':
	case 'x':
		put_number(out, take_unsigned(args, longs), false, *fmt == 'u' ? 10 : 16, width);
		break;
	default:
		put(out, *fmt);
	}
	return fmt + 1;
}

size_t format_list(char *buf, size_t size, const char *fmt, va_list args)
{
	struct out out = {.buf = buf, .size = size};
	va_list copy;

	va_copy(copy, args);
	while (*fmt) {
		if (*fmt != '%')
			put(&out, *fmt++);
		else if (fmt[1])
			fmt = put_one(&out, fmt + 1, &copy);
		else
			break;
	}
	va_end(copy);
	if (size)
		buf[out.len < size ? out.len : size - 1] = '\0';
	return out.len;
}

size_t format_text(char *buf, size_t size, const char *fmt, ...)
{
	va_list args;
	size_t len;

	va_start(args, fmt);
	len = format_list(buf, size, fmt, args);
	va_end(args);
	return len;
}
