/*
 * probe_http.c - what an HTTP server has answered (RFC 9112). Pure.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "supervisor/probe_target.h"

#define LINE_MAX_LEN 256

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* "HTTP/1.1 200 OK" → 200, by RFC 9112, 4; the blank behind the code may be missing. -1: it is no
 * such line. */
static int parse_status_line(const char *line, size_t len)
{
	if (len && line[len - 1] == '\r')
		len--;
	if (len < strlen("HTTP/1.1 200") || memcmp(line, "HTTP/1.", 7) != 0 || !is_digit(line[7]) ||
	    line[8] != ' ')
		return -1;
	if (line[9] < '1' || line[9] > '5' || !is_digit(line[10]) || !is_digit(line[11]))
		return -1;
	if (len > 12 && line[12] != ' ')
		return -1;
	for (size_t i = 12; i < len; i++)
		if (((unsigned char)line[i] < ' ' && line[i] != '\t') || line[i] == 0x7f)
			return -1;
	return (line[9] - '0') * 100 + (line[10] - '0') * 10 + (line[11] - '0');
}

static bool status_is_good(const struct probe_target *target, int status)
{
	unsigned bit = (unsigned)status - STATUS_MIN;

	return target->statuses[bit / 64] >> bit % 64 & 1;
}

/* The end of the header, or NULL. */
static const char *body_of(const char *bytes, size_t len)
{
	const char *strict = memmem(bytes, len, "\r\n\r\n", 4);
	const char *loose = memmem(bytes, len, "\n\n", 2);

	if (strict && (!loose || strict < loose))
		return strict + 4;
	return loose ? loose + 2 : NULL;
}

/* Content-Length in the header; SIZE_MAX: the body goes on to the end of the connection. */
static size_t body_length(const char *bytes, const char *body)
{
	static const char name[] = "Content-Length:";
	const char *line = bytes;

	while (line && body - line > (ptrdiff_t)sizeof(name)) {
		if (strncasecmp(line, name, sizeof(name) - 1) == 0) {
			const char *p = line + sizeof(name) - 1;
			size_t n = 0;

			while (*p == ' ' || *p == '\t')
				p++;
			if (!is_digit(*p))
				return SIZE_MAX;
			for (; is_digit(*p) && n < SIZE_MAX / 20; p++)
				n = n * 10 + (size_t)(*p - '0');
			return n;
		}
		line = memchr(line, '\n', (size_t)(body - line));
		line = line ? line + 1 : NULL;
	}
	return SIZE_MAX;
}

static enum probe_answer judge_body(const struct probe_target *target, const char *bytes,
				    size_t len, bool ended)
{
	const char *body = body_of(bytes, len);
	size_t want, have;

	if (!body)
		return ended ? ANSWER_BAD_BODY : ANSWER_MORE;
	have = (size_t)(bytes + len - body);
	want = body_length(bytes, body);
	/* A part of it may match where the whole would not. */
	if (have < want && !ended)
		return ANSWER_MORE;
	return pattern_match(target->body, body, have < want ? have : want) ? ANSWER_GOOD
									    : ANSWER_BAD_BODY;
}

enum probe_answer probe_answer_judge(const struct probe_target *target, const char *bytes,
				     size_t len, bool ended, int *status)
{
	const char *newline = memchr(bytes, '\n', len < LINE_MAX_LEN ? len : LINE_MAX_LEN);

	*status = 0;
	if (!newline)
		return len >= LINE_MAX_LEN ? ANSWER_TOO_LONG : ANSWER_MORE;
	*status = parse_status_line(bytes, (size_t)(newline - bytes));
	if (*status < 0) {
		*status = 0;
		return ANSWER_NO_HTTP;
	}
	if (!status_is_good(target, *status))
		return ANSWER_BAD_STATUS;
	return target->body ? judge_body(target, bytes, len, ended) : ANSWER_GOOD;
}
