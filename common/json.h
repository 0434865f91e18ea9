/*
 * json.h - writes JSON into a growing buffer. It only writes; reading is jansson's work.
 *
 * Commas are put by the writer. Strings are made valid UTF-8 (a byte that is none becomes U+FFFD),
 * so that any log line or error text can be given. On a lack of memory the writer remembers -ENOMEM
 * and every later call does nothing: check once, at json_finish().
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* jansson has a json_string() and a json_null(), too. Were ours seen by the dynamic linker, the
 * library's own calls of its own would end here. */
#pragma GCC visibility push(hidden)

struct json {
	char *buf;
	size_t len, cap;
	int error; /* 0 or a negative errno */
	bool need_comma;
};

void json_begin_object(struct json *j,
		       const char *key); /* key is NULL inside an array or at the top */
void json_end_object(struct json *j);
void json_begin_array(struct json *j, const char *key);
void json_end_array(struct json *j);
void json_string(struct json *j, const char *key, const char *value); /* value NULL writes null */
void json_string_len(struct json *j, const char *key, const char *value, size_t len);
void json_int(struct json *j, const char *key, int64_t value);
void json_bool(struct json *j, const char *key, bool value);
void json_null(struct json *j, const char *key);

/* Returns 0 and leaves the NUL-terminated text in j->buf, or the error that happened on the way. */
int json_finish(struct json *j);
/* Frees the buffer and makes the writer new; also for _cleanup_(json_reset). */
void json_reset(struct json *j);

#pragma GCC visibility pop
