#include "supervisor/ctl/boot_svg.h"

#include <stdlib.h>
#include <string.h>

#include "supervisor/ctl/show.h"
#include "supervisor/ctl/view.h"

#define ROW_HEIGHT  22
#define BAR_HEIGHT  14
#define NAMES_WIDTH 230
#define CHART_WIDTH 900
#define RIGHT_WIDTH 110 /* for the number behind the last bar */
#define TOP_HEIGHT  96
#define BOTTOM      28
#define TICKS_MOST  10

static const struct {
	const char *class, *color, *text;
} phases[] = {
	{"wait", "#c9ced6", "waits for others"},
	{"pre", "#e0a33e", "prepares (ExecStartPre=)"},
	{"start", "#3f7fd0", "starts, until it is ready"},
	{"up", "#cfe8d4", "is up"},
	{"bad", "#d0443e", "has failed"},
};

enum phase {
	WAIT = 0,
	PRE,
	START,
	UP,
	BAD,
	PHASES
};

static const char head[] =
	"<style>\n"
	"text { font: 12px system-ui, \"DejaVu Sans\", sans-serif; fill: #24292f }\n"
	".title { font-size: 17px; font-weight: 600 }\n"
	".small, .tick { font-size: 11px; fill: #6a737d }\n"
	".chain { font-weight: 700 }\n"
	".fault { font-size: 11px; fill: #b3261e; font-weight: 600 }\n"
	".grid { stroke: #e4e7eb; stroke-width: 1 }\n"
	".setup { fill: #b79ce0 }\n"
	".mark { fill: none; stroke: #24292f; stroke-width: 1.5 }\n";

/* XML 1.0 has no place for control characters; a name has none, but what comes is not trusted. */
static void put_text(FILE *out, const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '&':
			fputs("&amp;", out);
			break;
		case '<':
			fputs("&lt;", out);
			break;
		case '>':
			fputs("&gt;", out);
			break;
		case '"':
			fputs("&quot;", out);
			break;
		default:
			putc((unsigned char)*text < 0x20 || (unsigned char)*text > 0x7e ? '?'
											: *text,
			     out);
		}
	}
}

static double x_of(const struct timeline *t, int64_t at)
{
	if (at > t->end)
		at = t->end;
	return NAMES_WIDTH + (double)at * CHART_WIDTH / (double)t->end;
}

static void put_bar(FILE *out, const struct timeline *t, enum phase phase, int64_t from, int64_t to,
		    double y)
{
	double x = x_of(t, from), width = x_of(t, to) - x;

	/* What took no time at all is seen as well. */
	if (width < 1.5)
		width = 1.5;
	fprintf(out, "<rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%d\"/>\n",
		phases[phase].class, x, y, width, BAR_HEIGHT);
}

static void put_head(FILE *out, const struct timeline *t, double height)
{
	char span[SHOW_SPAN];
	double x = NAMES_WIDTH;

	fprintf(out,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%.0f\" "
		"viewBox=\"0 0 %d %.0f\">\n%s",
		NAMES_WIDTH + CHART_WIDTH + RIGHT_WIDTH, height,
		NAMES_WIDTH + CHART_WIDTH + RIGHT_WIDTH, height, head);
	for (unsigned i = 0; i < PHASES; i++)
		fprintf(out, ".%s { fill: %s }\n", phases[i].class, phases[i].color);
	fputs("</style>\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n", out);
	fprintf(out, "<text class=\"title\" x=\"16\" y=\"28\">Boot: %zu units, %s</text>\n", t->n,
		show_span(span, t->end));
	fputs("<text class=\"small\" x=\"16\" y=\"46\">since the start of PID 1; in bold and "
	      "framed: the "
	      "critical chain, which the last unit had to wait for</text>\n",
	      out);
	for (unsigned i = 0; i < PHASES; i++) {
		fprintf(out,
			"<rect class=\"%s\" x=\"%.0f\" y=\"56\" width=\"12\" height=\"12\"/>"
			"<text class=\"small\" x=\"%.0f\" y=\"66\">%s</text>\n",
			phases[i].class, x, x + 17, phases[i].text);
		x += 30 + 6.4 * (double)strlen(phases[i].text);
	}
	if (t->setup > 0)
		fprintf(out,
			"<rect class=\"setup\" x=\"%.0f\" y=\"56\" width=\"12\" height=\"12\"/>"
			"<text class=\"small\" x=\"%.0f\" y=\"66\">PID 1 sets up (%s)</text>\n",
			x, x + 17, show_span(span, t->setup));
}

static void put_scale(FILE *out, const struct timeline *t, double bottom)
{
	int64_t step = timeline_step(t->end, TICKS_MOST);
	double setup = t->setup > 0 ? x_of(t, t->setup) - NAMES_WIDTH : 0;
	char span[SHOW_SPAN];

	if (t->setup > 0)
		fprintf(out,
			"<rect class=\"setup\" x=\"%d\" y=\"%d\" width=\"%.1f\" height=\"%.1f\">"
			"<title>set-up of PID 1: %s</title></rect>\n",
			NAMES_WIDTH, TOP_HEIGHT - 8, setup < 2 ? 2 : setup, bottom - TOP_HEIGHT + 8,
			show_span(span, t->setup));
	for (int64_t at = 0; at <= t->end; at += step) {
		double x = x_of(t, at);

		fprintf(out,
			"<line class=\"grid\" x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%.1f\"/>"
			"<text class=\"tick\" x=\"%.1f\" y=\"%d\" "
			"text-anchor=\"middle\">%s</text>\n",
			x, TOP_HEIGHT - 8, x, bottom, x, TOP_HEIGHT - 13, show_span(span, at));
	}
}

static void put_row(FILE *out, const struct timeline *t, const struct timeline_row *row, double y)
{
	char name[VIEW_NAME], span[SHOW_SPAN];
	int64_t exec = row->exec >= 0 ? row->exec : row->started;
	int64_t last = row->finished >= 0 ? row->finished : t->end;
	double x;

	fprintf(out, "<g><title>");
	put_text(out, row->name);
	fprintf(out, "</title><text %sx=\"%d\" y=\"%.1f\" text-anchor=\"end\">",
		row->chain ? "class=\"chain\" " : "", NAMES_WIDTH - 10, y + 11);
	snprintf(name, sizeof(name), "%s", row->name);
	view_short_name(name, row->name);
	/* About as many letters as fit. */
	if (strlen(name) > 32)
		memcpy(name + 29, "...", 4);
	put_text(out, name);
	fputs("</text>\n", out);
	if (row->restarted) {
		fprintf(out,
			"<text class=\"small\" x=\"%d\" y=\"%.1f\">was started again "
			"later</text></g>\n",
			NAMES_WIDTH + 4, y + 11);
		return;
	}
	if (row->started > row->queued)
		put_bar(out, t, WAIT, row->queued, row->started, y);
	if (exec > row->started)
		put_bar(out, t, PRE, row->started, exec, y);
	if (row->finished >= 0 && !row->failed)
		put_bar(out, t, UP, row->finished, t->end, y);
	put_bar(out, t, row->failed ? BAD : START, exec, last, y);
	if (row->chain)
		fprintf(out,
			"<rect class=\"mark\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" "
			"height=\"%d\"/>\n",
			x_of(t, row->queued) - 1, y - 1, x_of(t, last) - x_of(t, row->queued) + 2,
			BAR_HEIGHT + 2);
	x = x_of(t, last) + 6;
	fprintf(out, "<text class=\"%s\" x=\"%.1f\" y=\"%.1f\">%s%s</text></g>\n",
		row->failed ? "fault" : "small", x, y + 11, row->failed ? "failed after " : "",
		row->finished < 0 ? "not ready yet" : show_span(span, last - row->started));
}

void boot_svg_put(FILE *out, const struct timeline *timeline)
{
	double bottom = TOP_HEIGHT + (double)timeline->n * ROW_HEIGHT;

	put_head(out, timeline, bottom + BOTTOM);
	put_scale(out, timeline, bottom + 4);
	for (size_t i = 0; i < timeline->n; i++)
		put_row(out, timeline, &timeline->v[i], TOP_HEIGHT + 4 + (double)i * ROW_HEIGHT);
	fputs("</svg>\n", out);
}
