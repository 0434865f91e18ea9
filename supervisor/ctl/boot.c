/*
 * boot.c - `hakimctl boot`: how long what has taken since PID 1 began, as bars in the terminal, as
 * JSON, or as a picture; and the critical chain.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "supervisor/ctl/boot_svg.h"
#include "supervisor/ctl/client.h"
#include "supervisor/ctl/ctl.h"
#include "supervisor/ctl/timeline.h"
#include "supervisor/ctl/view.h"

#define NAME_COLUMNS 24
#define SPAN_COLUMNS 10
#define AXIS_COLUMNS 12 /* of a mark, its time and a gap */
#define BAR_LEAST    20
#define BAR_MOST     100

static size_t bar_columns(const struct look *look)
{
	size_t width = look->width ? look->width : 100, others = NAME_COLUMNS + SPAN_COLUMNS + 3;

	width = width > others + BAR_LEAST ? width - others : BAR_LEAST;
	return width < BAR_MOST ? width : BAR_MOST;
}

static void put_bar(const struct timeline *t, const struct timeline_row *row,
		    const struct look *look)
{
	static const struct {
		char letter;
		enum style style;
	} looks[] = {{' ', STYLE_PLAIN},
		     {'.', STYLE_DIM},
		     {'-', STYLE_BUSY},
		     {'#', STYLE_GOOD},
		     {'X', STYLE_BAD}};
	size_t columns = bar_columns(look);
	int64_t exec = row->exec >= 0 ? row->exec : row->started;
	int64_t last = row->finished >= 0 ? row->finished : t->end;

	for (size_t i = 0; i < columns; i++) {
		int64_t from = t->end * (int64_t)i / (int64_t)columns;
		int64_t to = t->end * (int64_t)(i + 1) / (int64_t)columns;
		unsigned what = 0;
		char text[2] = "";

		/* The most telling of what falls into this column. */
		if (row->queued < to && row->started > from)
			what = 1;
		if (row->started < to && exec > from)
			what = 2;
		if (exec < to && (last > from || (last == exec && exec >= from)))
			what = row->failed ? 4 : 3;
		if (row->restarted)
			what = 0;
		text[0] = looks[what].letter;
		style_put(stdout, look, looks[what].style, text);
	}
}

/* Marks and their times, over the bars; a time that would touch the one before is left out. */
static void put_axis(const struct timeline *t, const struct look *look)
{
	size_t columns = bar_columns(look), end = 0;
	int64_t step = timeline_step(t->end, (unsigned)(columns / AXIS_COLUMNS));
	char span[SHOW_SPAN];

	printf("%*s", NAME_COLUMNS + 1, "");
	for (int64_t at = 0; at <= t->end; at += step) {
		size_t column = (size_t)(at * (int64_t)columns / t->end);
		size_t len = strlen(show_span(span, at)) + 1;

		if (column < end || column + len > columns + SPAN_COLUMNS)
			continue;
		printf("%*s|", (int)(column - end), "");
		style_put(stdout, look, STYLE_DIM, span);
		end = column + len;
	}
	putchar('\n');
}

static void put_setup(const struct timeline *t, const struct look *look)
{
	size_t columns = bar_columns(look);
	char span[SHOW_SPAN];

	if (t->setup <= 0)
		return;
	printf("%-*s ", NAME_COLUMNS, "PID 1");
	for (size_t i = 0; i < columns; i++)
		style_put(stdout, look, STYLE_BOLD,
			  t->end * (int64_t)i / (int64_t)columns < t->setup ? "=" : " ");
	printf(" %*s\n", SPAN_COLUMNS, show_span(span, t->setup));
}

static void put_row(const struct timeline *t, const struct timeline_row *row,
		    const struct look *look)
{
	char name[VIEW_NAME], span[SHOW_SPAN];
	_cleanup_free_ char *clean = show_clean(view_short_name(name, row->name), look, false);
	_cleanup_free_ char *cut = clean ? show_cut(clean, NAME_COLUMNS, look) : NULL;
	size_t width = cut ? show_width(cut, look) : 0;

	style_put(stdout, look, row->chain ? STYLE_BOLD : STYLE_PLAIN, cut ? cut : "?");
	printf("%*s ", (int)(width < NAME_COLUMNS ? NAME_COLUMNS - width : 0), "");
	put_bar(t, row, look);
	if (row->restarted)
		printf(" %*s\n", SPAN_COLUMNS, "restarted");
	else
		printf(" %*s\n", SPAN_COLUMNS,
		       row->finished < 0 ? "not ready"
					 : show_span(span, row->finished - row->started));
}

static void put_chain(const struct timeline *t, const struct look *look)
{
	char name[VIEW_NAME], at[SHOW_SPAN], took[SHOW_SPAN];
	unsigned depth = 0;

	printf("\ncritical chain (@ when it was ready, + how long it took):\n");
	for (size_t i = t->n; i-- > 0;) {
		const struct timeline_row *row = &t->v[i];
		_cleanup_free_ char *clean = NULL;

		if (!row->chain)
			continue;
		clean = show_clean(view_short_name(name, row->name), look, false);
		printf("  %*s%s%s @%s +%s\n", (int)(depth * 2), "",
		       depth ? (look->utf8 ? "└─" : "`-") : "", clean ? clean : "?",
		       show_span(at, row->finished), show_span(took, row->finished - row->started));
		depth++;
	}
}

static void put_text(const struct timeline *t, const struct look *look)
{
	char span[SHOW_SPAN], setup[SHOW_SPAN];

	printf("%zu units, %s since PID 1 began; its set-up was done after %s\n", t->n,
	       show_span(span, t->end), show_span(setup, t->setup));
	printf("= PID 1 sets up   . waits for others   - prepares   # starts   X has failed\n\n");
	put_axis(t, look);
	put_setup(t, look);
	for (size_t i = 0; i < t->n; i++)
		put_row(t, &t->v[i], look);
	if (t->n)
		put_chain(t, look);
}

static int put_json(const struct timeline *t)
{
	json_t *units = json_array(), *all;
	int r;

	for (size_t i = 0; i < t->n; i++) {
		const struct timeline_row *row = &t->v[i];

		json_array_append_new(
			units,
			json_pack("{s:s, s:I, s:I, s:I, s:I, s:b, s:b, s:b}", "name", row->name,
				  "queued_us", (json_int_t)row->queued, "started_us",
				  (json_int_t)row->started, "exec_us", (json_int_t)row->exec,
				  "finished_us", (json_int_t)row->finished, "failed", row->failed,
				  "restarted", row->restarted, "critical", row->chain));
	}
	all = json_pack("{s:I, s:I, s:o}", "setup_us", (json_int_t)t->setup, "end_us",
			(json_int_t)t->end, "units", units);
	r = all ? json_dumpf(all, stdout, JSON_INDENT(2)) : -1;
	json_decref(all);
	putchar('\n');
	return r < 0 && !ferror(stdout) ? ctl_complain(CTL_FAILED, "there is not enough memory")
					: CTL_OK;
}

static int put_svg(const struct timeline *t, const char *path)
{
	_cleanup_fclose_ FILE *file = path ? fopen(path, "we") : NULL;

	if (path && !file)
		return ctl_complain(CTL_FAILED, "%s cannot be written: %s", path, strerror(errno));
	boot_svg_put(file ? file : stdout, t);
	if (file && (fflush(file) != 0 || ferror(file)))
		return ctl_complain(CTL_FAILED, "%s cannot be written: %s", path, strerror(errno));
	return CTL_OK;
}

int ctl_boot(struct ctl *ctl)
{
	static const char *const words[] = {"status"};
	_cleanup_(reply_free) struct reply reply = {0};
	_cleanup_(timeline_free) struct timeline timeline = {0};
	struct err err = {0};
	int r = client_ask_once(words, 1, CLIENT_TIMEOUT_MS, &reply, &err);

	if (r < 0)
		return ctl_fail(r, &err);
	if (timeline_read(reply.packets, &timeline) < 0)
		return ctl_complain(CTL_FAILED, "there is not enough memory");
	if (ctl->args.given & ARGS_SVG)
		return put_svg(&timeline, args_value(&ctl->args, ARGS_SVG));
	if (ctl->args.given & ARGS_JSON)
		return put_json(&timeline);
	put_text(&timeline, &ctl->look);
	return CTL_OK;
}
