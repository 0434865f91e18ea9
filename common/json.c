#include "common/json.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/utf8.h"

static void put(struct json *j, const char *bytes, size_t len)
{
	if (j->error)
		return;
	if (!j->buf || j->cap - j->len < len + 1) {
		size_t cap = j->cap ? j->cap * 2 : 512;
		char *grown;

		while (cap - j->len < len + 1)
			cap *= 2;
		grown = realloc(j->buf, cap);
		if (!grown) {
			j->error = -ENOMEM;
			return;
		}
		j->buf = grown;
		j->cap = cap;
	}
	memcpy(j->buf + j->len, bytes, len);
	j->len += len;
	j->buf[j->len] = '\0';
}

static void put_text(struct json *j, const char *text)
{
	put(j, text, strlen(text));
}

static void put_quoted(struct json *j, const char *s, size_t len)
{
	const unsigned char *u = (const unsigned char *)s;

	put(j, "\"", 1);
	for (size_t i = 0; i < len;) {
		size_t n = utf8_decode(s + i, len - i, NULL);
		char esc[8];

		if (n == 0) {
			put_text(j, "\xef\xbf\xbd");
			i++;
			continue;
		}
		if (u[i] == '"' || u[i] == '\\') {
			snprintf(esc, sizeof(esc), "\\%c", u[i]);
			put_text(j, esc);
		} else if (u[i] < 0x20 || u[i] == 0x7f) {
			snprintf(esc, sizeof(esc), "\\u%04x", u[i]);
			put_text(j, esc);
		} else {
			put(j, s + i, n);
		}
		i += n;
	}
	put(j, "\"", 1);
}

static void begin_value(struct json *j, const char *key)
{
	if (j->need_comma)
		put(j, ",", 1);
	if (key) {
		put_quoted(j, key, strlen(key));
		put(j, ":", 1);
	}
	j->need_comma = true;
}

void json_begin_object(struct json *j, const char *key)
{
	begin_value(j, key);
	put(j, "{", 1);
	j->need_comma = false;
}

void json_end_object(struct json *j)
{
	put(j, "}", 1);
	j->need_comma = true;
}

void json_begin_array(struct json *j, const char *key)
{
	begin_value(j, key);
	put(j, "[", 1);
	j->need_comma = false;
}

void json_end_array(struct json *j)
{
	put(j, "]", 1);
	j->need_comma = true;
}

void json_string_len(struct json *j, const char *key, const char *value, size_t len)
{
	begin_value(j, key);
	put_quoted(j, value, len);
}

void json_string(struct json *j, const char *key, const char *value)
{
	if (value)
		json_string_len(j, key, value, strlen(value));
	else
		json_null(j, key);
}

void json_int(struct json *j, const char *key, int64_t value)
{
	char text[24];

	begin_value(j, key);
	snprintf(text, sizeof(text), "%" PRId64, value);
	put_text(j, text);
}

void json_bool(struct json *j, const char *key, bool value)
{
	begin_value(j, key);
	put_text(j, value ? "true" : "false");
}

void json_null(struct json *j, const char *key)
{
	begin_value(j, key);
	put_text(j, "null");
}

int json_finish(struct json *j)
{
	if (!j->error && !j->buf)
		put(j, "", 0);
	return j->error;
}

void json_reset(struct json *j)
{
	free(j->buf);
	*j = (struct json){0};
}
