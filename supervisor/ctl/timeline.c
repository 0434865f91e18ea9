#include "supervisor/ctl/timeline.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "supervisor/ctl/view.h"

static int64_t later(int64_t at, int64_t than)
{
	return at >= 0 && at < than ? than : at;
}

/* `settled`: the boot was over then, or -1. What came later is no part of it. */
static void row_read(const json_t *packet, int64_t settled, struct timeline_row *row)
{
	struct unit_view u = view_unit(packet);

	*row = (struct timeline_row){
		.name = u.name,
		.queued = u.queued_us >= 0 ? u.queued_us : u.started_us,
		.started = u.started_us,
		.exec = u.exec_us,
		.finished = u.ready_us,
		.failed = u.active && strcmp(u.active, "failed") == 0,
		.restarted = u.restarts > 0 || (settled >= 0 && u.started_us > settled),
		.after = json_object_get(packet, "after"),
	};
	/* It was up at the boot, and has failed since. */
	if (row->failed && u.ready_us >= 0 && settled >= 0 && u.since_us > settled)
		row->failed = false;
	/* A oneshot is never "ready", and who has failed never was. */
	if (row->finished < 0 && u.active && strcmp(u.active, "activating") != 0)
		row->finished = u.since_us;
	row->queued = row->queued > row->started ? row->started : row->queued;
	row->exec = later(row->exec, row->started);
	row->finished = later(row->finished, row->exec >= 0 ? row->exec : row->started);
}

static int row_order(const void *a, const void *b)
{
	const struct timeline_row *x = a, *y = b;

	if (x->started != y->started)
		return x->started < y->started ? -1 : 1;
	return strcmp(x->name, y->name);
}

static struct timeline_row *row_find(struct timeline *timeline, const char *name)
{
	for (size_t i = 0; name && i < timeline->n; i++)
		if (strcmp(timeline->v[i].name, name) == 0)
			return &timeline->v[i];
	return NULL;
}

/* Of those that it is ordered after the one that kept it waiting the longest; NULL: none did. */
static struct timeline_row *row_before(struct timeline *timeline, const struct timeline_row *row)
{
	struct timeline_row *best = NULL;

	for (size_t i = 0; i < json_array_size(row->after); i++) {
		struct timeline_row *other =
			row_find(timeline, json_string_value(json_array_get(row->after, i)));

		if (!other || other->chain || other->finished < 0 ||
		    other->finished > row->started || (best && other->finished <= best->finished))
			continue;
		best = other;
	}
	return best;
}

static void chain_mark(struct timeline *timeline)
{
	struct timeline_row *row = NULL;

	for (size_t i = 0; i < timeline->n; i++)
		if (timeline->v[i].finished >= 0 && !timeline->v[i].restarted &&
		    (!row || timeline->v[i].finished > row->finished))
			row = &timeline->v[i];
	for (; row; row = row_before(timeline, row))
		row->chain = true;
}

int timeline_read(const json_t *packets, struct timeline *timeline)
{
	size_t n = json_array_size(packets);
	int64_t settled = -1;

	*timeline = (struct timeline){.setup = -1, .end = 1};
	timeline->v = calloc(n + 1, sizeof(*timeline->v));
	if (!timeline->v)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		const json_t *packet = json_array_get(packets, i);
		const char *type = json_string_value(json_object_get(packet, "type"));
		struct timeline_row row;

		if (type && strcmp(type, "manager") == 0) {
			timeline->setup = view_manager(packet).setup_us;
			settled = view_manager(packet).settled_us;
		}
		if (!type || strcmp(type, "unit") != 0)
			continue;
		row_read(packet, settled, &row);
		if (row.name && row.started >= 0)
			timeline->v[timeline->n++] = row;
	}
	qsort(timeline->v, timeline->n, sizeof(*timeline->v), row_order);
	if (timeline->setup > timeline->end)
		timeline->end = timeline->setup;
	for (size_t i = 0; i < timeline->n; i++) {
		const struct timeline_row *row = &timeline->v[i];
		int64_t last = row->finished >= 0 ? row->finished
			       : row->exec >= 0   ? row->exec
						  : row->started;

		/* A restart of hours later would leave nothing to see of the boot. */
		if (!row->restarted && last > timeline->end)
			timeline->end = last;
	}
	chain_mark(timeline);
	return 0;
}

void timeline_free(struct timeline *timeline)
{
	free(timeline->v);
	*timeline = (struct timeline){0};
}

int64_t timeline_step(int64_t end, unsigned most)
{
	static const int64_t steps[] = {1, 2, 5};

	for (int64_t power = 1; power < INT64_MAX / 100; power *= 10)
		for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
			if (end / (power * steps[i]) <= most)
				return power * steps[i];
	return end;
}
