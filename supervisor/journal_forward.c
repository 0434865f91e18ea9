#include "supervisor/journal_forward.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "supervisor/journal_record.h"

#define FORWARD_TEXT UINT32_MAX
#define BATCH        8192

/* Whole lines on their way, so that a flood is not a system call a line. */
struct batch {
	struct forward_console *console;
	uint64_t dropped;
	bool was_cut; /* the console's last line, before what is in here */
	size_t len;
	char bytes[BATCH];
};

struct forward *forward_new(const char *name)
{
	struct forward *f = calloc(1, sizeof(*f));

	if (f)
		snprintf(f->name, sizeof(f->name), "%s", name);
	return f;
}

static void batch_write(struct batch *b)
{
	ssize_t n;

	if (!b->len)
		return;
	do
		n = write(b->console->fd, b->bytes, b->len);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		n = 0;
	b->dropped += b->len - (size_t)n;
	/* Of what was not taken at all, also the end of a line before it is missing still. */
	b->console->cut = n > 0 ? b->bytes[n - 1] != '\n' : b->was_cut;
	b->len = 0;
}

/* Its room is looked after by line_out(). */
static void batch_add(struct batch *b, const char *bytes, size_t len)
{
	memcpy(b->bytes + b->len, bytes, len);
	b->len += len;
}

/* The text may be anybody's: on a terminal it must not write over other lines. */
static void clean(char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];
		bool c1 = c == 0xc2 && i + 1 < len && ((unsigned char)text[i + 1] & 0xe0) == 0x80;

		if ((c < ' ' && c != '\t') || c == 0x7f || c1)
			text[i] = '?';
		if (c1)
			text[++i] = '?';
	}
}

static void line_out(struct forward *f, struct batch *b)
{
	struct forward_console *console = b->console;
	char head[FORWARD_NAME + 32];
	unsigned color = 0;
	int n;

	if (sizeof(head) + f->len + 2 > sizeof(b->bytes) - b->len)
		batch_write(b);
	if (!b->len)
		b->was_cut = console->cut;

	for (const char *p = f->name; *p; p++)
		color = color * 31 + (unsigned char)*p;
	if (console->terminal) {
		clean(f->line, f->len);
		/* 31 … 36: all but black and white */
		n = snprintf(head, sizeof(head), "%s\033[%um%s:\033[0m ",
			     console->cut ? "\r\n" : "", 31 + color % 6, f->name);
	} else {
		n = snprintf(head, sizeof(head), "%s%s: ", console->cut ? "\n" : "", f->name);
	}
	console->cut = false;
	batch_add(b, head, (size_t)n);
	batch_add(b, f->line, f->len);
	batch_add(b, console->raw ? "\r\n" : "\n", console->raw ? 2 : 1);
	f->len = 0;
}

static void text_add(struct forward *f, struct batch *b, const char *text, size_t len)
{
	while (len) {
		size_t room, n;

		/* Only now it is longer: its end may have come instead. */
		if (f->len == sizeof(f->line))
			line_out(f, b);
		room = sizeof(f->line) - f->len;
		n = len < room ? len : room;
		memcpy(f->line + f->len, text, n);
		f->len += n;
		text += n;
		len -= n;
	}
}

uint64_t forward_records(struct forward *f, struct forward_console *console, const char *bytes,
			 size_t len)
{
	struct batch b = {.console = console};
	const char *end = bytes + len;

	while (bytes < end) {
		const char *newline;

		if (f->head != FORWARD_TEXT) {
			bool last = *bytes == ' ' && f->head >= STAMP_LEN - 1;

			f->head = last ? FORWARD_TEXT : f->head + 1;
			/* An end of line that is no part of a header closes a record. */
			if (*bytes == '\n')
				f->head = 0;
			bytes++;
			continue;
		}
		newline = memchr(bytes, '\n', (size_t)(end - bytes));
		text_add(f, &b, bytes, (size_t)((newline ?: end) - bytes));
		bytes = newline ? newline + 1 : end;
		if (newline) {
			line_out(f, &b);
			f->head = 0;
		}
	}
	batch_write(&b);
	return b.dropped;
}
