#include "supervisor/ctl/logrecord.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/cleanup.h"
#include "common/json.h"
#include "common/utf8.h"
#include "supervisor/ctl/when.h"

#define STAMP  27 /* "2026-11-24T03:07:08.123456Z" */
#define SECOND 1000000ll

struct log_record record_parse(const char *line, size_t len)
{
	struct log_record r = {
		.line = line, .len = len, .us = RECORD_UNKNOWN, .level = RECORD_UNKNOWN};
	struct log_record whole = r;
	size_t at = STAMP;

	r.us = len > STAMP ? when_of_line(line, len) : WHEN_UNKNOWN;
	if (r.us == WHEN_UNKNOWN)
		return whole;
	r.err = line[at] == '!';
	at += r.err;
	if (at < len && line[at] >= '0' && line[at] <= '7')
		r.level = line[at++] - '0';
	r.goes_on = at < len && line[at] == '+';
	at += r.goes_on;
	if (at >= len || line[at] != ' ')
		return whole;
	r.text = at + 1;
	return r;
}

/* ---- bytes that grow ---- */

void log_text_add(struct log_text *t, const void *bytes, size_t len)
{
	if (t->len + len + 1 > t->size) {
		size_t size = (t->len + len) * 2 + 256;
		char *data = realloc(t->data, size);

		if (!data) {
			t->failed = true;
			return;
		}
		t->data = data;
		t->size = size;
	}
	if (len)
		memcpy(t->data + t->len, bytes, len);
	t->len += len;
	t->data[t->len] = '\0';
}

void log_text_free(struct log_text *t)
{
	free(t->data);
	*t = (struct log_text){0};
}

static void add(struct log_text *t, const char *text)
{
	log_text_add(t, text, strlen(text));
}

/* ---- JSON ---- */

static bool is_utf8(const char *text, size_t len)
{
	for (size_t i = 0, n; i < len; i += n) {
		n = utf8_decode(text + i, len - i, NULL);
		if (!n)
			return false;
	}
	return true;
}

/* As journalctl does it: text, or its bytes where it is none. */
static void put_message(struct json *j, const char *text, size_t len)
{
	if (is_utf8(text, len)) {
		json_string_len(j, "message", text, len);
		return;
	}
	json_begin_array(j, "message");
	for (size_t i = 0; i < len; i++)
		json_int(j, NULL, (unsigned char)text[i]);
	json_end_array(j);
}

static void show_json(struct log_text *out, const struct log_record *r, const char *unit)
{
	_cleanup_(json_reset) struct json j = {0};
	const char *stream = r->err ? "stderr" : "stdout";

	json_begin_object(&j, NULL);
	if (r->us >= 0) {
		json_string_len(&j, "time", r->line, STAMP);
		json_int(&j, "time_us", r->us);
	} else {
		json_null(&j, "time");
		json_null(&j, "time_us");
	}
	json_string(&j, "unit", unit);
	json_string(&j, "stream", r->us >= 0 ? stream : NULL);
	if (r->level != RECORD_UNKNOWN)
		json_int(&j, "level", r->level);
	else
		json_null(&j, "level");
	json_bool(&j, "continued", r->goes_on);
	put_message(&j, r->line + r->text, r->len - r->text);
	json_end_object(&j);
	if (json_finish(&j) < 0)
		out->failed = true;
	else
		log_text_add(out, j.buf, j.len);
	add(out, "\n");
}

/* ---- text ---- */

int log_format_parse(const char *word, enum log_format *format, struct err *err)
{
	static const struct {
		const char *word;
		enum log_format format;
	} formats[] = {{"short", LOG_SHORT},
		       {"short-iso", LOG_SHORT_ISO},
		       {"cat", LOG_CAT},
		       {"json", LOG_JSON}};

	for (size_t i = 0; i < ARRAY_LEN(formats); i++)
		if (strcmp(word, formats[i].word) == 0) {
			*format = formats[i].format;
			return 0;
		}
	return err_set(err, -EINVAL,
		       "there is no format \"%s\"; take short, short-iso, cat or json", word);
}

int record_name_len(const char *unit)
{
	static const char suffix[] = ".service";
	size_t len = strlen(unit), n = sizeof(suffix) - 1;

	return (int)(len > n && strcmp(unit + len - n, suffix) == 0 ? len - n : len);
}

static void put_name(struct log_text *out, const struct log_style *style, const char *unit)
{
	static const char *const colors[] = {"36", "32", "35", "34", "33", "96", "92", "95"};
	int len = record_name_len(unit);
	char color[16];
	unsigned sum = 0;

	/* Of the name, so that it has the same one each time. */
	for (int i = 0; i < len; i++)
		sum = sum * 31 + (unsigned char)unit[i];
	snprintf(color, sizeof(color), "\033[%sm", colors[sum % ARRAY_LEN(colors)]);
	if (style->color)
		add(out, color);
	log_text_add(out, unit, (size_t)len);
	add(out, style->color ? ":\033[0m " : ": ");
}

/* As journalctl's formats of these names, without the host. */
static void put_time(struct log_text *out, const struct log_record *r, bool iso)
{
	time_t second = r->us / SECOND;
	char buf[64] = "", zone[8] = "";
	struct tm tm;

	if (r->us < 0 || !localtime_r(&second, &tm)) {
		add(out, "- ");
		return;
	}
	strftime(buf, sizeof(buf), iso ? "%Y-%m-%dT%H:%M:%S" : "%b %d %H:%M:%S", &tm);
	add(out, buf);
	/* "+0100": with the colon it is RFC 3339. */
	if (iso && strftime(zone, sizeof(zone), "%z", &tm) == 5) {
		log_text_add(out, zone, 3);
		add(out, ":");
		add(out, zone + 3);
	}
	add(out, " ");
}

void record_show(struct log_text *out, const struct log_style *style, const struct log_record *r,
		 const char *unit)
{
	switch (style->format) {
	case LOG_JSON:
		show_json(out, r, unit);
		return;
	case LOG_AS_IT_IS:
		log_text_add(out, r->line, r->text);
		if (style->named)
			put_name(out, style, unit);
		break;
	case LOG_SHORT:
	case LOG_SHORT_ISO:
		put_time(out, r, style->format == LOG_SHORT_ISO);
		put_name(out, style, unit);
		break;
	case LOG_CAT:
		break;
	}
	log_text_add(out, r->line + r->text, r->len - r->text);
	/* A colour that one unit has left on is not the next one's. */
	if (style->terminal && memchr(r->line, '\033', r->len))
		add(out, "\033[0m");
	add(out, "\n");
}
