#include "init/quirk_json.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "init/format.h"

struct out {
	char *buf;
	size_t size, len;
};

__attribute__((format(printf, 2, 3))) static void put(struct out *out, const char *fmt, ...)
{
	va_list args;
	size_t n;

	va_start(args, fmt);
	n = format_list(out->buf + out->len, out->size - out->len, fmt, args);
	va_end(args);
	out->len += n < out->size - out->len ? n : 0;
	out->buf[out->len] = '\0';
}

static void put_char(struct out *out, char c)
{
	if (out->size - out->len < 2)
		return;
	out->buf[out->len++] = c;
	out->buf[out->len] = '\0';
}

/* Texts are ours, but names of files in them are the container's: what is not plain ASCII becomes a
 * "?", as JSON wants UTF-8. */
static void put_text(struct out *out, const char *text)
{
	put_char(out, '"');
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			put_char(out, '\\');
		if (*text < 0x20 || *text > 0x7e)
			put_char(out, '?');
		else
			put_char(out, *text);
	}
	put_char(out, '"');
}

static void put_text_or_null(struct out *out, const char *text)
{
	if (text && *text)
		put_text(out, text);
	else
		put(out, "null");
}

static const char *yes_no(bool value)
{
	return value ? "true" : "false";
}

static void put_place(struct out *out, const struct place_facts *facts)
{
	put(out, "\"place\":{\"kind\":");
	put_text(out, facts->kind);
	put(out, ",\"user_namespace\":%s,\"outer_uid\":%u,\"ids\":%u,\"nesting\":%s,",
	    yes_no(facts->user_namespace), facts->outer_uid, facts->ids, yes_no(facts->nesting));
	put(out, "\"cgroup\":%d,\"cgroup_writable\":%s,\"cgroup_controllers\":", facts->cgroup,
	    yes_no(facts->cgroup_writable));
	put_text(out, facts->cgroup_controllers);
	put(out, ",\"memory_max\":");
	if (facts->memory_max >= 0)
		put(out, "%" PRId64, facts->memory_max);
	else
		put(out, "null");
	put(out, ",\"kernel\":");
	put_text(out, facts->kernel);
	put(out, ",\"boot_id\":");
	put_text(out, facts->boot_id);
	put(out, "}");
}

static const char *const again_names[] = {
	[QUIRK_BOOT_ONLY] = "no",
	[QUIRK_ASK] = "ask",
	[QUIRK_FIX] = "fix",
};

static void put_row(struct out *out, const struct quirk *q, const struct quirk_entry *e)
{
	const char *advice = *e->result.advice ? e->result.advice : q->advice;

	put(out, "{\"name\":\"%s\",\"outcome\":\"%s\",\"text\":", q->name,
	    quirk_outcome_name(e->outcome));
	put_text(out, e->result.text);
	put(out, ",\"advice\":");
	put_text_or_null(out, e->outcome == QUIRK_NEEDS_HOST ? advice : NULL);
	put(out, ",\"without\":");
	put_text_or_null(out, q->without);
	put(out, ",\"errno\":%d,\"took_us\":%u,\"again\":\"%s\"}", e->result.error, e->took_us,
	    again_names[q->again]);
}

size_t quirk_json(struct quirk_sheet *sheet)
{
	struct out out = {.buf = sheet->json, .size = sizeof(sheet->json)};
	const char *separator = "\n";

	put(&out, "{\"version\":1,\"complete\":%s,\"early_us\":%u,\"late_us\":%u,\n",
	    yes_no(sheet->complete), sheet->early_us, sheet->late_us);
	put_place(&out, &sheet->world.facts);
	put(&out, ",\n\"quirks\":[");
	for (unsigned i = 0; i < QUIRK_IDS; i++) {
		struct quirk_entry *e = &sheet->entries[i];

		/* Not one that a worker is at just now. */
		if (__atomic_load_n(&e->state, __ATOMIC_ACQUIRE) != ENTRY_DONE ||
		    e->outcome == QUIRK_NONE)
			continue;
		put(&out, "%s", separator);
		put_row(&out, &quirk_table[i], e);
		separator = ",\n";
	}
	put(&out, "]}\n");
	return out.len;
}
