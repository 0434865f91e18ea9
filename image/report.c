#include "image/report.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"
#include "image/clock.h"
#include "common/json.h"
#include "image/text.h"

#define TELL_TERMINAL_MS 200
#define TELL_LINE_MS     5000

void report_start(struct report *report, bool json, bool quiet)
{
	*report = (struct report){.json = json, .quiet = quiet, .terminal = progress_can_draw()};
}

/* What is drawn on a terminal makes way for another line. */
static void clear(struct report *report)
{
	progress_clear(&report->drawn);
}

static void begin(struct json *j, const struct report *report, const char *event)
{
	json_begin_object(j, NULL);
	json_string(j, "event", event);
	if (report->node)
		json_string(j, "node", report->node);
}

static void end(struct json *j)
{
	json_end_object(j);
	if (json_finish(j) == 0) {
		puts(j->buf);
		fflush(stdout);
	}
	json_reset(j);
}

static void sentence(struct report *report, const char *event, const char *fmt, va_list args)
{
	char text[2 * ERR_TEXT_MAX], clean[2 * ERR_TEXT_MAX];

	vsnprintf(text, sizeof(text), fmt, args);
	if (report->json) {
		struct json j = {0};

		begin(&j, report, event);
		if (report->target)
			json_string(&j, "target", report->target);
		json_string(&j, "text", text);
		end(&j);
		return;
	}
	clear(report);
	text_quote(clean, sizeof(clean), text, strlen(text));
	fprintf(stderr, "hakim: %s%s%s\n", report->node ? report->node : "",
		report->node ? ": " : "", clean);
}

void report_say(struct report *report, const char *fmt, ...)
{
	va_list args;

	if (report->quiet)
		return;
	va_start(args, fmt);
	sentence(report, "note", fmt, args);
	va_end(args);
}

void report_warn(struct report *report, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	sentence(report, "warning", fmt, args);
	va_end(args);
}

/* Outcomes: one line of standard output, with the node before it where there are several. */
static void outcome(struct report *report, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
static void outcome(struct report *report, const char *fmt, ...)
{
	va_list args;

	clear(report);
	if (report->node)
		printf("%s: ", report->node);
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	putchar('\n');
	fflush(stdout);
}

void report_begin(struct report *report, const char *target, const char *volid, const char *way)
{
	report->target = target;
	report->began_ms = clock_ms();
	report->told_ms = 0;
	report->progress = (struct progress){0};
	if (report->json) {
		struct json j = {0};

		begin(&j, report, "begin");
		json_string(&j, "target", target);
		json_string(&j, "volume", volid);
		json_string(&j, "via", way);
		end(&j);
	} else {
		report_say(report, "pull %s -> %s (%s)", target, volid, way);
	}
}

void report_skipped(struct report *report, const char *volid, const char *why)
{
	if (report->json) {
		struct json j = {0};

		begin(&j, report, "skipped");
		json_string(&j, "volume", volid);
		json_string(&j, "reason", why);
		end(&j);
	} else {
		outcome(report, "skip %s (%s)", volid, why);
	}
}

void report_would(struct report *report, const char *target, const char *volid, const char *way)
{
	if (report->json) {
		struct json j = {0};

		begin(&j, report, "would-pull");
		json_string(&j, "target", target);
		json_string(&j, "volume", volid);
		json_string(&j, "via", way);
		end(&j);
	} else {
		outcome(report, "[dry-run] pull %s -> %s (%s)", target, volid, way);
	}
}

static double mib(uint64_t bytes)
{
	return (double)bytes / (1024.0 * 1024.0);
}

void report_pulled(struct report *report, const char *volid, const char *digest,
		   const struct fetch_result *result)
{
	double seconds = (double)(clock_ms() - report->began_ms) / 1000.0;

	if (report->json) {
		struct json j = {0};

		begin(&j, report, "pulled");
		json_string(&j, "target", report->target);
		json_string(&j, "volume", volid);
		json_string(&j, "digest", *digest ? digest : NULL);
		if (result) {
			json_int(&j, "size", (int64_t)result->size);
			json_int(&j, "fetched", (int64_t)result->fetched);
			json_int(&j, "resumed", (int64_t)result->resumed);
			json_int(&j, "copied", (int64_t)result->copied);
			json_bool(&j, "converted", result->converted);
		}
		json_int(&j, "milliseconds", clock_ms() - report->began_ms);
		end(&j);
	} else if (result) {
		outcome(report,
			"pulled %s (%.1f MiB, %.1f fetched, %.1f resumed, %.1f copied, %.1f s)",
			volid, mib(result->size), mib(result->fetched), mib(result->resumed),
			mib(result->copied), seconds);
	} else {
		outcome(report, "pulled %s (%.1f s)", volid, seconds);
	}
}

static const char *kind_of(int code)
{
	static const struct {
		int code;
		const char *kind;
	} kinds[] = {
		{-EINVAL, "invalid"},     {-ENOENT, "not-found"},
		{-EACCES, "not-allowed"}, {-EUSERS, "rate-limited"},
		{-EKEYREJECTED, "tls"},   {-ENETUNREACH, "network"},
		{-EREMOTEIO, "remote"},   {-EPROTO, "protocol"},
		{-EBADMSG, "digest"},     {-ENOTSUP, "not-supported"},
		{-ENOSPC, "disk-full"},   {-EEXIST, "exists"},
		{-EBUSY, "busy"},         {-ECANCELED, "canceled"},
		{-ETIMEDOUT, "timeout"},  {-EROFS, "read-only"},
	};

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (kinds[i].code == code)
			return kinds[i].kind;
	return "system";
}

void report_failed(struct report *report, const char *target, const struct err *err)
{
	if (report->json) {
		struct json j = {0};

		begin(&j, report, "failed");
		json_string(&j, "target", target);
		json_string(&j, "kind", kind_of(err->code));
		json_string(&j, "text", err->text);
		end(&j);
	}
	/* Who reads JSON has it; who reads the journal of a timer has this. */
	if (!report->json) {
		const char *said = report->target;

		report->target = target;
		report_warn(report, "%s: %s", target, err->text);
		report->target = said;
	}
}

void report_done(struct report *report, unsigned pulled, unsigned skipped, unsigned failed)
{
	report->node = NULL;
	if (report->json) {
		struct json j = {0};

		begin(&j, report, "done");
		json_int(&j, "pulled", pulled);
		json_int(&j, "skipped", skipped);
		json_int(&j, "failed", failed);
		end(&j);
	} else if (failed) {
		outcome(report, "done: pulled=%u skipped=%u failed=%u", pulled, skipped, failed);
	} else {
		outcome(report, "done: pulled=%u skipped=%u", pulled, skipped);
	}
}

/* Whether progress is drawn in place. Of several nodes each has a process, and their lines would
 * be drawn over each other's. */
static bool draws(const struct report *report)
{
	return report->terminal && !report->json && !report->quiet && !report->node;
}

static void tell_line(struct report *report, int64_t now)
{
	const struct progress *progress = &report->progress;
	char text[160];

	if (report->json) {
		struct json j = {0};

		begin(&j, report, "progress");
		json_string(&j, "target", report->target);
		json_int(&j, "done", (int64_t)progress->all_done);
		json_int(&j, "total", (int64_t)progress->total);
		json_int(&j, "rate", (int64_t)progress_rate(progress, now));
		end(&j);
		return;
	}
	progress_sum(progress, now, text, sizeof(text));
	report_say(report, "%s", text);
}

/* How far it is; not oftener than somebody reads it. */
static void tell_bytes(struct report *report, const struct fetch_event *event)
{
	int64_t now = clock_ms();
	bool changed;

	if (report->quiet)
		return;
	changed = progress_take(&report->progress, event, now);
	if (report->told_ms == 0)
		report->told_ms = now;
	if (draws(report) && (changed || now - report->told_ms >= TELL_TERMINAL_MS)) {
		report->told_ms = now;
		progress_draw(&report->progress, now, &report->drawn);
	} else if (!draws(report) && event->kind == FETCH_BYTES &&
		   now - report->told_ms >= TELL_LINE_MS) {
		report->told_ms = now;
		tell_line(report, now);
	}
}

static void tell_blob_done(struct report *report, const struct fetch_event *event)
{
	char hex[20];

	/* There, its line says so. */
	if (draws(report))
		return;
	text_quote(hex, sizeof(hex), event->digest, strlen(event->digest));
	report_say(report, "layer %u of %u (%s) is there%s", event->index + 1, event->of, hex,
		   event->source == FETCH_FROM_LOCAL     ? ", copied from a template"
		   : event->source == FETCH_FROM_PARTIAL ? ", from an earlier run"
							 : "");
}

void report_fetch(void *arg, const struct fetch_event *event)
{
	struct report *report = arg;

	switch (event->kind) {
	case FETCH_RESOLVED:
		report_say(report, "%s: %.1f MiB", event->digest, mib(event->total));
		break;
	case FETCH_BLOB:
	case FETCH_BYTES:
	case FETCH_READ_BACK:
		tell_bytes(report, event);
		break;
	case FETCH_BLOB_DONE:
		tell_bytes(report, event);
		tell_blob_done(report, event);
		break;
	case FETCH_RETRY:
		report_warn(report, "%s: tried again in %u s", event->text, event->seconds);
		break;
	case FETCH_WAITING:
		report_say(report, "another process is at this template: waiting for it");
		break;
	case FETCH_WARNING:
		report_warn(report, "%s", event->text);
		break;
	case FETCH_SYNCING:
		report_say(report, "all is there: waiting for the disk");
		break;
	}
}
