/*
 * What services write becomes records, whatever they write and however it is cut: and the records
 * read back are what was written. The input is the bytes of stdout and stderr by turns, a part a
 * read(2). Where its first byte says so, the next ones are where the streams are in their lines:
 * what another supervisor has left in the cursor, or what is left of it.
 */
#include <string.h>

#include "supervisor/ctl/logrecord.h"
#include "supervisor/journal_record.h"
#include "tests/fuzz/fuzz.h"

#define CAP 700

struct text {
	char *data;
	size_t len;
};

static void add(struct text *t, const char *bytes, size_t len)
{
	t->data = realloc(t->data, t->len + len + 1);
	FUZZ_MUST(t->data);
	memcpy(t->data + t->len, bytes, len);
	t->len += len;
}

/* Formats one piece as journal_pump.c does: as often as the buffer is full. */
static void format(struct records *r, const char *raw, size_t len, struct text *file)
{
	char *out = malloc(CAP);
	unsigned rounds = 0;

	FUZZ_MUST(out);
	while (len) {
		size_t n;

		r->out = out;
		r->cap = CAP;
		r->len = 0;
		n = record_format(r, raw, len);
		FUZZ_MUST(n <= len && r->len <= CAP);
		FUZZ_MUST(n > 0 || r->len > 0 || rounds++ < 2);
		add(file, out, r->len);
		r->pos += r->len;
		raw += n;
		len -= n;
	}
	free(out);
}

/* The text of one stream out of the records: those that go on have no end of line before. */
static void read_back(const struct text *file, bool err, struct text *lines)
{
	const char *at = file->data, *end = file->data + file->len;
	bool first = true;

	while (at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		size_t n = newline ? (size_t)(newline - at) : (size_t)(end - at);
		struct log_record record = record_parse(at, n);

		FUZZ_MUST(record.us != RECORD_UNKNOWN);
		if (record.err == err) {
			if (!first && !record.goes_on)
				add(lines, "\n", 1);
			add(lines, at + record.text, n - record.text);
			first = false;
		}
		at += n + 1;
	}
}

static void check(const struct text *file, bool err, const struct text *wrote)
{
	struct text lines = {0};
	size_t len = wrote->len;

	read_back(file, err, &lines);
	/* Where the last line has an end cannot be told. */
	if (len && wrote->data[len - 1] == '\n')
		len--;
	FUZZ_MUST(lines.len == len && (len == 0 || memcmp(lines.data, wrote->data, len) == 0));
	free(lines.data);
}

FUZZ_TARGET(journal)
{
	const struct timespec now = {.tv_sec = 1764000000, .tv_nsec = 123456789};
	struct record_rules rules = {.prefix = len && (*text & 1), .level = 6};
	struct rate rate = {0};
	struct stamp stamp = {0};
	struct records r = {.rules = &rules, .rate = &rate, .now_us = 1};
	struct text wrote[RECORD_STREAMS] = {{0}}, file = {0};
	struct fuzz_part part;
	bool left = len > sizeof(r.at) && (*text & 2);

	stamp_set(&stamp, &now);
	r.stamp = stamp.text;
	if (left) {
		memcpy(&r.at, text + 1, sizeof(r.at));
		text += sizeof(r.at);
		len -= sizeof(r.at);
	}
	for (unsigned i = 0; fuzz_next(&text, &len, &part); i++) {
		r.stream = i % RECORD_STREAMS;
		format(&r, part.text, part.len, &file);
		add(&wrote[r.stream], part.text, part.len);
	}
	for (unsigned i = 0; i < RECORD_STREAMS; i++) {
		if (!rules.prefix && !left && file.data)
			check(&file, i == 1, &wrote[i]);
		free(wrote[i].data);
	}
	free(file.data);
}
