#include "supervisor/journal_record.h"

#include <stdio.h>
#include <string.h>

void stamp_set(struct stamp *stamp, const struct timespec *now)
{
	char micros[8];
	struct tm tm;

	if (!stamp->text[0] || stamp->second != now->tv_sec) {
		/* The year 10000 would move everything by one byte. */
		if (!gmtime_r(&now->tv_sec, &tm) || tm.tm_year > 8099 || tm.tm_year < -900)
			tm = (struct tm){.tm_mday = 1, .tm_year = 70};
		strftime(stamp->text, sizeof(stamp->text), "%Y-%m-%dT%H:%M:%S.000000Z ", &tm);
		stamp->second = now->tv_sec;
	}
	snprintf(micros, sizeof(micros), "%06u", (unsigned)(now->tv_nsec / 1000) % 1000000);
	memcpy(stamp->text + 20, micros, 6);
}

static bool must_rotate(const struct records *r, size_t line)
{
	uint64_t at = r->pos + r->len;

	if (!r->max || r->greedy || at == 0)
		return false;
	if (r->bol)
		return at + STAMP_LEN + line > r->max;
	return at >= 2 * r->max;
}

size_t record_format(struct records *r, const char *raw, size_t len)
{
	size_t used = 0;

	while (used < len) {
		const char *line = raw + used;
		const char *end = memchr(line, '\n', len - used);
		size_t n = end ? (size_t)(end - line) + 1 : len - used;
		size_t room;

		r->stop = RECORD_ROTATE;
		if (must_rotate(r, n))
			return used;
		r->stop = RECORD_FULL;
		if (r->cap - r->len < STAMP_LEN + 1)
			return used;
		if (r->bol) {
			memcpy(r->out + r->len, r->stamp, STAMP_LEN);
			r->len += STAMP_LEN;
			r->bol = false;
		}
		room = r->cap - r->len;
		if (n > room) {
			n = room;
			end = NULL;
		}
		memcpy(r->out + r->len, line, n);
		r->len += n;
		used += n;
		r->bol = end != NULL;
		r->lines += end != NULL;
		r->greedy = false;
	}
	r->stop = RECORD_END;
	return used;
}

void record_note(struct records *r, const char *text)
{
	size_t room = r->cap - r->len;
	int n;

	n = snprintf(r->out + r->len, room, "%s%.*s%s\n", r->bol ? "" : "\n", STAMP_LEN, r->stamp,
		     text);
	if (n > 0)
		r->len += (size_t)n < room ? (size_t)n : room - 1;
	r->bol = true;
}
