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

/* Behind the stamp and the marks of a record; NULL: that is none, or too old. */
static const char *record_text(const struct log_match *match, const char *line, size_t len)
{
	const char *blank;

	if (len < STAMP_LEN || memcmp(line, match->since, STAMP_LEN - 1) < 0)
		return NULL;
	blank = memchr(line + STAMP_LEN - 1, ' ', len - STAMP_LEN + 1);
	return blank ? blank + 1 : NULL;
}

/* The line is whole. In a file it has a stamp before it. */
static void line_done(struct log_match *match, struct match_part *part, bool stamped)
{
	const char *line = part->line, *end = part->line + part->len;

	part->len = 0;
	if (stamped) {
		line = record_text(match, line, (size_t)(end - line));
		if (!line)
			return;
	}
	if (end > line && end[-1] == '\r')
		end--;
	if (pattern_match(match->pattern, line, (size_t)(end - line)))
		match->matched = true;
}

static void take(struct log_match *match, struct match_part *part, const char *bytes, size_t len,
		 bool stamped)
{
	while (len && !match->matched) {
		const char *newline = memchr(bytes, '\n', len);
		size_t n = newline ? (size_t)(newline - bytes) : len;
		size_t room = sizeof(part->line) - part->len;

		memcpy(part->line + part->len, bytes, n < room ? n : room);
		part->len += n < room ? n : room;
		if (newline)
			line_done(match, part, stamped);
		n += newline ? 1 : 0;
		bytes += n;
		len -= n;
	}
}

void log_match_bytes(struct log_match *match, unsigned stream, const char *bytes, size_t len,
		     uint64_t at)
{
	struct match_part *part = &match->part[stream];

	if (at + len <= part->from)
		return;
	if (at < part->from) {
		bytes += part->from - at;
		len -= (size_t)(part->from - at);
	}
	take(match, part, bytes, len, false);
}

void log_match_file(struct log_match *match, int fd, off_t off)
{
	off_t at = off > FILE_BACK ? off - FILE_BACK : 0;
	struct match_part *part = &match->part[0];
	bool half = at > 0;
	const char *text;
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
		take(match, part, buf, (size_t)n, true);
	}
	/* A line without an end goes on with what comes: without its stamp. */
	text = record_text(match, part->line, part->len);
	if (!text) {
		part->len = 0;
		return;
	}
	part->len -= (size_t)(text - part->line);
	if (part->line[STAMP_LEN - 1] == '!')
		part = &match->part[1];
	part->len = match->part[0].len;
	memmove(part->line, text, part->len);
	match->part[0].len = part == &match->part[0] ? part->len : 0;
}
