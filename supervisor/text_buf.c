#include "supervisor/text_buf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#define FIRST_ROOM ((size_t)64 * 1024)

static int grow(struct text_buf *text, size_t need)
{
	size_t room = text->room ? text->room : FIRST_ROOM;
	void *v;

	while (room < need)
		room *= 2;
	if (text->v)
		v = mremap(text->v, text->room, room, MREMAP_MAYMOVE);
	else
		v = mmap(NULL, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (v == MAP_FAILED)
		return -ENOMEM;
	/* Refused, it is memory like any other. */
	if (!text->v)
		(void)madvise(v, room, MADV_DONTFORK);
	text->v = v;
	text->room = room;
	return 0;
}

static int put(struct text_buf *text, const char *from, size_t n)
{
	if (n > text->room - text->len && grow(text, text->len + n) < 0)
		return -ENOMEM;
	if (n)
		memcpy(text->v + text->len, from, n);
	text->len += n;
	return 0;
}

static int put_number(struct text_buf *text, unsigned long long number, int minus)
{
	char digits[24];
	char *p = digits + sizeof(digits);

	do {
		*--p = (char)('0' + number % 10);
	} while (number /= 10);
	if (minus)
		*--p = '-';
	return put(text, p, (size_t)(digits + sizeof(digits) - p));
}

static int put_int(struct text_buf *text, int number)
{
	return put_number(
		text, number < 0 ? 0ull - (unsigned long long)number : (unsigned long long)number,
		number < 0);
}

/* One conversion; *fmt is behind its "%", and then behind it. */
static int put_one(struct text_buf *text, const char **fmt, va_list *args)
{
	const char *string;
	int max;

	switch (*(*fmt)++) {
	case 's':
		string = va_arg(*args, const char *);
		return put(text, string, strlen(string));
	case 'd':
		return put_int(text, va_arg(*args, int));
	case 'u':
		return put_number(text, va_arg(*args, unsigned), 0);
	case '%':
		return put(text, "%", 1);
	case 'l':
		if (strncmp(*fmt, "lu", 2) != 0)
			return -EINVAL;
		*fmt += 2;
		return put_number(text, va_arg(*args, unsigned long long), 0);
	case '.':
		if (strncmp(*fmt, "*s", 2) != 0)
			return -EINVAL;
		*fmt += 2;
		max = va_arg(*args, int);
		string = va_arg(*args, const char *);
		return put(text, string, strnlen(string, max < 0 ? SIZE_MAX : (size_t)max));
	default:
		return -EINVAL;
	}
}

static int put_all(struct text_buf *text, const char *fmt, va_list *args)
{
	int r = 0;

	while (*fmt && r == 0) {
		const char *end = fmt;

		/* Mostly a few bytes. */
		while (*end && *end != '%')
			end++;
		r = put(text, fmt, (size_t)(end - fmt));
		fmt = end;
		if (r == 0 && *fmt) {
			fmt++;
			r = put_one(text, &fmt, args);
		}
	}
	return r;
}

int text_add(struct text_buf *text, const char *fmt, ...)
{
	size_t before = text->len;
	va_list args;
	int r;

	va_start(args, fmt);
	r = put_all(text, fmt, &args);
	va_end(args);
	if (r < 0)
		text->len = before;
	return r;
}

void text_free(struct text_buf *text)
{
	if (text->v)
		munmap(text->v, text->room);
	*text = (struct text_buf){0};
}
