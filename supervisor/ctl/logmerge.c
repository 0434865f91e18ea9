#include "supervisor/ctl/logmerge.h"

#include <errno.h>
#include <string.h>

#define TEXT_MAX (64 * 1024) /* is written out then */

bool log_set_has(const struct log_set *set, const char *unit)
{
	for (size_t i = 0; i < set->n; i++)
		if (strcmp(set->v[i].files.unit, unit) == 0)
			return true;
	return false;
}

void log_head_set(struct log *log, const char *line, size_t len)
{
	log->head = record_parse(line, len);
	log->has_head = true;
	if (log->head.us != RECORD_UNKNOWN)
		log->us = log->head.us;
}

struct log *log_merge_pick(struct log_set *set, bool backward)
{
	struct log *best = NULL;

	for (size_t i = 0; i < set->n; i++) {
		struct log *log = &set->v[i];

		/* Of the same time, the order of the names; backward the other way round. */
		if (log->has_head &&
		    (!best || (backward ? log->us >= best->us : log->us < best->us)))
			best = log;
	}
	return best;
}

int log_show_end(struct log_set *set, struct err *err)
{
	int r = set->text.failed ? err_sys(err, -ENOMEM, "the log") : 0;

	if (r == 0 && set->text.len)
		r = log_out_write(&set->out, set->text.data, set->text.len, err);
	set->text.len = 0;
	return r;
}

static bool is_wanted(const struct log_set *set, const struct log *log)
{
	const struct log_record *r = &log->head;

	return log_grep_has(&set->grep, r->line + r->text, r->len - r->text);
}

int log_show_head(struct log_set *set, const struct log *log, struct err *err)
{
	int r = 0;

	if (!is_wanted(set, log))
		return 0;
	record_show(&set->text, &set->style, &log->head, log->files.unit);
	if (set->text.len >= TEXT_MAX || set->text.failed)
		r = log_show_end(set, err);
	return r < 0 ? r : 1;
}

/* Each log that has no head gets its next one. */
static int heads_take(struct log_set *set, bool backward, struct err *err)
{
	for (size_t i = 0; i < set->n; i++) {
		struct log *log = &set->v[i];
		const char *line;
		size_t len;
		int r;

		if (log->has_head)
			continue;
		log->before = log->walk.at;
		r = backward ? log_walk_prev(&log->walk, &line, &len, err)
			     : log_walk_next(&log->walk, &line, &len, err);
		if (r < 0)
			return r;
		if (r > 0)
			log_head_set(log, line, len);
	}
	return 0;
}

static void heads_forget(struct log_set *set, int64_t us)
{
	for (size_t i = 0; i < set->n; i++) {
		set->v[i].has_head = false;
		set->v[i].us = us;
	}
}

/* Goes back over the last `lines` that are wanted, and shows them if `show` says so. */
static int go_back(struct log_set *set, uint64_t lines, bool show, struct err *err)
{
	int r = 0;

	heads_forget(set, INT64_MAX);
	for (size_t i = 0; i < set->n; i++)
		set->v[i].walk.at = set->v[i].walk.end;
	while (lines && r >= 0) {
		struct log *log;

		r = heads_take(set, true, err);
		log = r < 0 ? NULL : log_merge_pick(set, true);
		if (!log)
			break;
		r = show ? log_show_head(set, log, err) : is_wanted(set, log);
		lines -= r > 0;
		log->has_head = false;
	}
	/* What was only looked at is not gone over. */
	for (size_t i = 0; i < set->n; i++)
		if (set->v[i].has_head)
			set->v[i].walk.at = set->v[i].before;
	return r < 0 ? r : 0;
}

static int go_forward(struct log_set *set, struct err *err)
{
	int r = 0;

	heads_forget(set, INT64_MIN);
	while (r >= 0) {
		struct log *log;

		r = heads_take(set, false, err);
		log = r < 0 ? NULL : log_merge_pick(set, false);
		if (!log)
			break;
		r = log_show_head(set, log, err);
		log->has_head = false;
	}
	return r < 0 ? r : 0;
}

static bool is_older(const struct log_spot *a, const struct log_spot *b)
{
	return a->file > b->file || (a->file == b->file && a->at < b->at);
}

/* Where the log begins and ends for us. */
static int bound(struct log *log, const struct log_range *range, struct err *err)
{
	struct log_walk *w = &log->walk;
	struct log_spot spot;
	int r = log_walk_begin(w, log->files.fds, log->files.n, range->whole, err);

	if (r < 0 || !log->files.n)
		return r;
	if (range->until_timed) {
		/* Up to the first line that is later. */
		r = log_find_since(w->fds, w->n, range->until + 1, &spot, err);
		if (r == 0 && is_older(&spot, &w->end))
			w->end = spot;
	}
	if (r == 0 && range->timed) {
		r = log_find_since(w->fds, w->n, range->since, &spot, err);
		w->first = is_older(&spot, &w->end) ? spot : w->end;
	}
	w->at = w->first;
	return r;
}

int log_merge_print(struct log_set *set, const struct log_range *range, struct err *err)
{
	bool all = range->lines == UINT64_MAX;
	int r = 0;

	for (size_t i = 0; i < set->n && r == 0; i++)
		r = bound(&set->v[i], range, err);
	for (size_t i = 0; i < set->n; i++)
		set->v[i].walk.drop = range->reverse;
	if (r == 0 && (range->reverse || !all))
		r = go_back(set, range->lines, range->reverse, err);
	for (size_t i = 0; i < set->n; i++)
		set->v[i].walk.drop = true;
	if (r == 0 && !range->reverse)
		r = go_forward(set, err);
	for (size_t i = 0; i < set->n; i++)
		log_walk_free(&set->v[i].walk);
	return r < 0 ? r : log_show_end(set, err);
}
