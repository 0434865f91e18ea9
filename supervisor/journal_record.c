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

/* Where the text of a line begins. */
struct begin {
	size_t used; /* bytes of raw that are no text of it */
	size_t n_held;
	char held[2]; /* text that was read before */
	uint8_t level;
	bool wait; /* the rest of what may be a level has not come yet */
};

static struct begin line_begin(const struct records *r, const char *raw, size_t len)
{
	const struct line *l = &r->at.of[r->stream];
	struct begin b = {.level = RECORD_NO_LEVEL};
	char text[3];
	size_t have;

	if (l->state >= LINE_HELD)
		b.held[b.n_held++] = '<';
	if (l->state >= LINE_HELD_0)
		b.held[b.n_held++] = (char)('0' + (l->state - LINE_HELD_0) % 8);
	if (!r->rules->prefix || (!b.n_held && raw[0] != '<'))
		return b;
	memcpy(text, b.held, b.n_held);
	have = len < sizeof(text) - b.n_held ? len : sizeof(text) - b.n_held;
	memcpy(text + b.n_held, raw, have);
	have += b.n_held;
	if ((have > 1 && (text[1] < '0' || text[1] > '7')) || (have > 2 && text[2] != '>'))
		return b;
	b.used = have - b.n_held;
	b.level = have > 1 ? (uint8_t)(text[1] - '0') : RECORD_NO_LEVEL;
	b.wait = have < sizeof(text);
	b.n_held = 0;
	return b;
}

static bool over_the_rate(const struct records *r)
{
	const struct record_rules *rules = r->rules;
	struct rate *rate = r->rate;

	if (!rules->rate_interval_us || !rules->rate_burst)
		return false;
	/* A clock that was set back begins a new interval, too. */
	if (!rate->n || r->now_us - rate->begin_us >= rules->rate_interval_us)
		*rate = (struct rate){.begin_us = r->now_us};
	return rate->n >= rules->rate_burst;
}

static bool must_rotate(const struct records *r, size_t line, bool begins)
{
	uint64_t at = r->pos + r->len;

	if (!r->max || r->greedy || at == 0)
		return false;
	if (begins && !r->at.open)
		return at + STAMP_LEN + line > r->max;
	return at >= 2 * r->max;
}

static void put(struct records *r, const char *bytes, size_t n)
{
	memcpy(r->out + r->len, bytes, n);
	r->len += n;
}

/* Needs STAMP_LEN + 4 bytes of room. */
static void put_header(struct records *r, bool more)
{
	const struct line *l = &r->at.of[r->stream];
	char digit = (char)('0' + l->level % 8);

	if (r->at.open)
		put(r, "\n", 1);
	put(r, r->stamp, STAMP_LEN - 1);
	if (r->stream)
		put(r, "!", 1);
	if (l->level < RECORD_NO_LEVEL)
		put(r, &digit, 1);
	if (more)
		put(r, "+", 1);
	put(r, " ", 1);
	r->at.open = (uint8_t)(r->stream + 1);
}

void record_note(struct records *r, const char *text)
{
	size_t room = r->cap - r->len;
	int n;

	n = snprintf(r->out + r->len, room, "%s%.*s%s\n", r->at.open ? "\n" : "", STAMP_LEN,
		     r->stamp, text);
	if (n > 0)
		r->len += (size_t)n < room ? (size_t)n : room - 1;
	r->at.open = 0;
}

/*
 * The next byte begins a line: which level, and is it logged? Returns how many bytes were used; the
 * state is LINE_BEGIN still where the file or the buffer is full.
 */
static size_t begin(struct records *r, const char *raw, size_t len, size_t n)
{
	struct line *l = &r->at.of[r->stream];
	struct begin b = line_begin(r, raw, len);
	char note[48];

	if (b.wait) {
		l->state = (uint8_t)(b.level < RECORD_NO_LEVEL ? LINE_HELD_0 + b.level : LINE_HELD);
		return b.used;
	}
	if (r->rules->drop_from &&
	    (b.level < RECORD_NO_LEVEL ? b.level : r->rules->level) >= r->rules->drop_from) {
		l->state = LINE_DROP;
		return b.used;
	}
	if (over_the_rate(r)) {
		l->state = LINE_DROP;
		r->suppressed++;
		r->at.suppressed++;
		return b.used;
	}
	r->stop = RECORD_ROTATE;
	if (must_rotate(r, n, true))
		return 0;
	r->stop = RECORD_FULL;
	if (r->cap - r->len < RECORD_ROOM)
		return 0;
	if (r->at.suppressed) {
		snprintf(note, sizeof(note), "hakim: %u messages suppressed", r->at.suppressed);
		record_note(r, note);
		r->at.suppressed = 0;
	}
	if (r->rules->rate_burst)
		r->rate->n++;
	r->stop = RECORD_END;
	*l = (struct line){.state = LINE_IN, .level = b.level, .column = (uint32_t)b.n_held};
	put_header(r, false);
	put(r, b.held, b.n_held);
	return b.used;
}

/* In the middle of a line: `n` bytes to its end or that of the piece. */
static size_t go_on(struct records *r, const char *raw, size_t n, bool ends, bool begun)
{
	struct line *l = &r->at.of[r->stream];
	size_t text = n - ends, room;

	r->stop = RECORD_ROTATE;
	if (!begun && must_rotate(r, n, false))
		return 0;
	r->stop = RECORD_FULL;
	if (r->cap - r->len < STAMP_LEN + 5)
		return 0;
	if (l->column >= RECORD_LINE_MAX && text) {
		if (r->at.open == r->stream + 1)
			put(r, "\n", 1);
		r->at.open = r->at.open == r->stream + 1 ? 0 : r->at.open;
		l->column = 0;
	}
	/* An end alone needs no record of its own where another stream has ended ours. */
	if (r->at.open != r->stream + 1 && (text || !ends))
		put_header(r, true);
	room = r->cap - r->len;
	if (r->at.open == r->stream + 1) {
		if (text > RECORD_LINE_MAX - l->column) {
			text = RECORD_LINE_MAX - l->column;
			ends = false;
		}
		if (text + ends > room) {
			text = text < room ? text : room;
			ends = false;
		}
		put(r, raw, text + ends);
		r->at.open = ends ? 0 : r->at.open;
	}
	l->column += (uint32_t)text;
	r->lines += ends;
	if (ends)
		*l = (struct line){.level = RECORD_NO_LEVEL};
	r->greedy = false;
	return text + ends;
}

size_t record_format(struct records *r, const char *raw, size_t len)
{
	struct line *l = &r->at.of[r->stream];
	size_t used = 0;

	while (used < len) {
		const char *line = raw + used;
		const char *end = memchr(line, '\n', len - used);
		size_t n = end ? (size_t)(end - line) + 1 : len - used;
		bool begins = l->state != LINE_IN;
		size_t step;

		if (l->state == LINE_DROP) {
			l->state = end ? LINE_BEGIN : LINE_DROP;
			used += n;
			continue;
		}
		if (begins) {
			step = begin(r, line, len - used, n);
			used += step;
			if (l->state == LINE_BEGIN || (l->state >= LINE_HELD && !step))
				return used;
			n -= step;
			line += step;
		}
		if (l->state == LINE_IN && n) {
			step = go_on(r, line, n, end != NULL, begins);
			if (!step)
				return used;
			used += step;
		}
	}
	r->stop = RECORD_END;
	return used;
}
