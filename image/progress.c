#include "image/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define LINGER_MS   2000 /* what has ended is still shown */
#define WIDTH_MAX   100
#define BAR_MIN     5
#define BAR_MAX     40
#define TEXT_COLUMN 30 /* of the widest usual text: bars of several lines end together */
#define MIB         (1024.0 * 1024.0)

/* ---- what the events add up to ---- */

static bool has_ended(const struct progress_layer *layer)
{
	return layer->state == PROGRESS_DONE || layer->state == PROGRESS_COPIED;
}

static void forget(struct progress *p, size_t i)
{
	memmove(&p->layers[i], &p->layers[i + 1], (p->n - i - 1) * sizeof(*p->layers));
	p->n--;
}

static void forget_ended(struct progress *p, int64_t now)
{
	for (size_t i = p->n; i > 0; i--)
		if (has_ended(&p->layers[i - 1]) && now - p->layers[i - 1].ended_ms >= LINGER_MS)
			forget(p, i - 1);
}

/* Local work is one layer after the other: what did not end well has no event of its own. */
static void forget_local(struct progress *p, const char *but)
{
	for (size_t i = p->n; i > 0; i--) {
		const struct progress_layer *layer = &p->layers[i - 1];

		if ((layer->state == PROGRESS_COPYING || layer->state == PROGRESS_VERIFYING) &&
		    strcmp(layer->name, but) != 0)
			forget(p, i - 1);
	}
}

/* The layer's place; a new one is the last. */
static struct progress_layer *find(struct progress *p, const char *name)
{
	struct progress_layer *layer;

	for (size_t i = 0; i < p->n; i++)
		if (strcmp(p->layers[i].name, name) == 0)
			return &p->layers[i];
	if (p->n == PROGRESS_LAYERS)
		forget(p, 0);
	layer = &p->layers[p->n++];
	*layer = (struct progress_layer){0};
	snprintf(layer->name, sizeof(layer->name), "%s", name);
	return layer;
}

static enum progress_state state_of(const struct fetch_event *event)
{
	bool local = event->source == FETCH_FROM_LOCAL;

	switch (event->kind) {
	case FETCH_BLOB_DONE:
		return local ? PROGRESS_COPIED : PROGRESS_DONE;
	case FETCH_READ_BACK:
		return local ? PROGRESS_COPYING : PROGRESS_VERIFYING;
	default:
		return PROGRESS_FETCHING;
	}
}

bool progress_take(struct progress *p, const struct fetch_event *event, int64_t now)
{
	char name[PROGRESS_NAME + 1];
	const char *hex;
	struct progress_layer *layer;
	bool changed;

	if (event->kind != FETCH_BLOB && event->kind != FETCH_BYTES &&
	    event->kind != FETCH_BLOB_DONE && event->kind != FETCH_READ_BACK)
		return false;
	p->all_done = event->all_done;
	p->total = event->total;
	if (event->kind == FETCH_BYTES && !p->counting) {
		p->counting = true;
		p->began_ms = now;
		p->began_bytes = event->all_done;
	}
	hex = strchr(event->digest, ':');
	snprintf(name, sizeof(name), "%s", hex ? hex + 1 : event->digest);
	forget_ended(p, now);
	forget_local(p, name);
	layer = find(p, name);
	changed = layer->size == 0 || layer->state != state_of(event);
	layer->state = state_of(event);
	layer->done = event->done;
	layer->size = event->size;
	layer->ended_ms = now;
	return changed;
}

double progress_rate(const struct progress *p, int64_t now)
{
	double seconds = (double)(now - p->began_ms) / 1000.0;

	/* A layer that began anew takes back what it had. */
	if (!p->counting || seconds <= 0 || p->all_done <= p->began_bytes)
		return 0;
	return (double)(p->all_done - p->began_bytes) / seconds;
}

/* ---- the words ---- */

static void time_text(double left, char *to, size_t size)
{
	/* Slower than a byte a month is no answer. */
	uint64_t s = left < 9e6 ? (uint64_t)(left + 0.5) : 9000000;

	if (s < 60)
		snprintf(to, size, "%" PRIu64 " s", s);
	else if (s < 3600)
		snprintf(to, size, "%" PRIu64 " min %02" PRIu64 " s", s / 60, s % 60);
	else
		snprintf(to, size, "%" PRIu64 " h %02" PRIu64 " min", s / 3600, s / 60 % 60);
}

void progress_sum(const struct progress *p, int64_t now, char *to, size_t size)
{
	double rate = progress_rate(p, now);
	char left[40];

	if (rate > 0 && p->total > p->all_done) {
		time_text((double)(p->total - p->all_done) / rate, left, sizeof(left));
		snprintf(to, size, "%.1f of %.1f MiB, %.1f MiB/s, %s left",
			 (double)p->all_done / MIB, (double)p->total / MIB, rate / MIB, left);
	} else {
		snprintf(to, size, "%.1f of %.1f MiB", (double)p->all_done / MIB,
			 (double)p->total / MIB);
	}
}

static void layer_text(const struct progress_layer *layer, char *to, size_t size)
{
	static const char *const words[] = {
		[PROGRESS_FETCHING] = "",
		[PROGRESS_COPYING] = "copying ",
		[PROGRESS_VERIFYING] = "verifying ",
		[PROGRESS_DONE] = "done ",
		[PROGRESS_COPIED] = "copied ",
	};

	if (layer->done < layer->size)
		snprintf(to, size, "%s%.1f of %.1f MiB", words[layer->state],
			 (double)layer->done / MIB, (double)layer->size / MIB);
	else
		snprintf(to, size, "%s%.1f MiB", words[layer->state], (double)layer->size / MIB);
}

/* ---- the lines ---- */

struct line {
	char *to;
	size_t len;
	unsigned left; /* columns */
};

/* Bytes that take no column, or a known number of them. */
static void put_raw(struct line *line, const char *bytes, unsigned columns)
{
	size_t n = strlen(bytes);

	if (columns > line->left || line->len + n >= PROGRESS_LINE_MAX)
		return;
	memcpy(line->to + line->len, bytes, n + 1);
	line->len += n;
	line->left -= columns;
}

/* ASCII; what does not fit is cut off. */
static void put(struct line *line, const char *text)
{
	for (; *text; text++)
		put_raw(line, (const char[]){*text, '\0'}, 1);
}

static void put_bar(struct line *line, const struct progress_layer *layer,
		    const struct progress_look *look, unsigned width)
{
	unsigned full = layer->size > 0 && layer->done < layer->size
				? (unsigned)((double)layer->done / (double)layer->size * width)
				: width;

	if (look->colour)
		put_raw(line, has_ended(layer) ? "\033[32m" : "\033[36m", 0);
	for (unsigned i = 0; i < full; i++)
		put_raw(line, look->utf8 ? "\u2588" : "=", 1);
	if (look->colour)
		put_raw(line, "\033[0m", 0);
	for (unsigned i = full; i < width; i++)
		put_raw(line, look->utf8 ? "\u2591" : ".", 1);
	put(line, " ");
}

static void put_layer(struct line *line, const struct progress_layer *layer,
		      const struct progress_look *look)
{
	char text[80];
	unsigned fixed, bar;

	layer_text(layer, text, sizeof(text));
	fixed = PROGRESS_NAME + 2 + (line->left >= 60 ? TEXT_COLUMN : (unsigned)strlen(text));
	bar = line->left > fixed ? line->left - fixed : 0;
	put(line, layer->name);
	put(line, " ");
	if (bar >= BAR_MIN)
		put_bar(line, layer, look, bar < BAR_MAX ? bar : BAR_MAX);
	put(line, text);
}

static void put_total(struct line *line, const struct progress *p, int64_t now)
{
	char text[160], head[40];
	double part = p->total ? (double)p->all_done / (double)p->total : 0;

	snprintf(head, sizeof(head), "total %4u %% ", (unsigned)(part * 100));
	progress_sum(p, now, text, sizeof(text));
	/* A narrow terminal rather has the time left than the word. */
	if (line->left >= strlen(head) + strlen(text))
		put(line, head);
	put(line, text);
}

size_t progress_lines(const struct progress *p, const struct progress_look *look, int64_t now,
		      char lines[PROGRESS_LINES][PROGRESS_LINE_MAX])
{
	unsigned most = look->rows > PROGRESS_LINES ? PROGRESS_LINES
			: look->rows > 1            ? look->rows - 1
						    : 1;
	unsigned width = look->columns > WIDTH_MAX ? WIDTH_MAX
			 : look->columns > 1       ? look->columns - 1
						   : 1;
	bool shown[PROGRESS_LAYERS] = {false};
	size_t n = 0, chosen = 0;

	/* Those in flight before those that have ended, and of each the newest. */
	for (int ended = 0; ended <= 1; ended++)
		for (size_t i = p->n; i > 0 && chosen + 1 < most; i--) {
			const struct progress_layer *layer = &p->layers[i - 1];

			if (has_ended(layer) != ended ||
			    (ended && now - layer->ended_ms >= LINGER_MS))
				continue;
			shown[i - 1] = true;
			chosen++;
		}
	for (size_t i = 0; i < p->n; i++) {
		struct line line = {.to = lines[n], .left = width};

		if (!shown[i])
			continue;
		put_layer(&line, &p->layers[i], look);
		n++;
	}
	put_total(&(struct line){.to = lines[n], .left = width}, p, now);
	return n + 1;
}
