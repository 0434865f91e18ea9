#include "supervisor/journal_match.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILE_BACK (256 * 1024) /* who is not ready after so much has no line of it in the file */

struct log_match *log_match_new(struct pattern *pattern, const struct timespec *since)
{
	struct log_match *match = calloc(1, sizeof(*match));
	struct stamp stamp = {0};

	if (!match) {
		pattern_free(pattern);
		return NULL;
	}
	match->pattern = pattern;
	if (since) {
		stamp_set(&stamp, since);
		memcpy(match->since, stamp.text, STAMP_LEN - 1);
	}
	return match;
}

void log_match_free(struct log_match *match)
{
	if (!match)
		return;
	pattern_free(match->pattern);
	free(match);
}

/* The line is whole. In a file it has a stamp before it. */
static void line_done(struct log_match *match, bool stamped)
{
	const char *line = match->line;
	size_t len = match->len;

	match->len = 0;
	if (stamped) {
		if (len < STAMP_LEN || memcmp(line, match->since, STAMP_LEN - 1) < 0)
			return;
		line += STAMP_LEN;
		len -= STAMP_LEN;
	}
	if (len && line[len - 1] == '\r')
		len--;
	if (pattern_match(match->pattern, line, len))
		match->matched = true;
}

static void take(struct log_match *match, const char *bytes, size_t len, bool stamped)
{
	while (len && !match->matched) {
		const char *newline = memchr(bytes, '\n', len);
		size_t n = newline ? (size_t)(newline - bytes) : len;
		size_t room = sizeof(match->line) - match->len;

		memcpy(match->line + match->len, bytes, n < room ? n : room);
		match->len += n < room ? n : room;
		if (newline)
			line_done(match, stamped);
		n += newline ? 1 : 0;
		bytes += n;
		len -= n;
	}
}

void log_match_bytes(struct log_match *match, const char *bytes, size_t len, uint64_t at)
{
	if (at + len <= match->from)
		return;
	if (at < match->from) {
		bytes += match->from - at;
		len -= (size_t)(match->from - at);
	}
	take(match, bytes, len, false);
}

void log_match_file(struct log_match *match, int fd, off_t off)
{
	off_t at = off > FILE_BACK ? off - FILE_BACK : 0;
	bool half = at > 0;
	char buf[4096];

	if (!match->since[0] || fd < 0)
		return;
	while (at < off && !match->matched) {
		size_t want = off - at < (off_t)sizeof(buf) ? (size_t)(off - at) : sizeof(buf);
		ssize_t n = pread(fd, buf, want, at);

		if (n <= 0)
			break;
		at += n;
		if (half) {
			/* The first one may be the end of a line, which has no stamp. */
			const char *newline = memchr(buf, '\n', (size_t)n);

			if (!newline)
				continue;
			half = false;
			n -= newline + 1 - buf;
			memmove(buf, newline + 1, (size_t)n);
		}
		take(match, buf, (size_t)n, true);
	}
	/* A line without an end goes on with what comes: without its stamp. */
	if (match->len >= STAMP_LEN && memcmp(match->line, match->since, STAMP_LEN - 1) >= 0) {
		match->len -= STAMP_LEN;
		memmove(match->line, match->line + STAMP_LEN, match->len);
	} else {
		match->len = 0;
	}
}
