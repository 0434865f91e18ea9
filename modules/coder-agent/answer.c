#include "modules/coder-agent/answer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/cleanup.h"

/* A redirect to a sign-in page may be long. */
#define LINE_MAX_HERE 8192

static void begin(struct answer *answer)
{
	*answer = (struct answer){.length = -1,
				  .original_length = -1,
				  .range_first = -1,
				  .range_last = -1,
				  .range_total = -1};
}

/* Digits only, as the header fields have them: no sign, no white space. */
static const char *take_number(const char *text, int64_t *number)
{
	size_t digits = strspn(text, "0123456789");

	if (digits == 0 || digits > 18)
		return NULL;
	*number = strtoll(text, NULL, 10);
	return text + digits;
}

static void take_range(struct answer *answer, const char *value)
{
	int64_t first, last, total;
	const char *at =
		strncasecmp(value, "bytes ", 6) == 0 ? take_number(value + 6, &first) : NULL;

	at = at && *at == '-' ? take_number(at + 1, &last) : NULL;
	at = at && *at == '/' ? take_number(at + 1, &total) : NULL;
	if (!at || *at || first > last || last >= total)
		return;
	answer->range_first = first;
	answer->range_last = last;
	answer->range_total = total;
}

static void take_length(int64_t *length, const char *value)
{
	int64_t number;
	const char *end = take_number(value, &number);

	if (end && !*end)
		*length = number;
}

static const struct {
	const char *name;
	size_t offset, size;
} texts[] = {
	{"etag", offsetof(struct answer, etag), sizeof(((struct answer *)0)->etag)},
	{"location", offsetof(struct answer, location), sizeof(((struct answer *)0)->location)},
	{"content-type", offsetof(struct answer, type), sizeof(((struct answer *)0)->type)},
	{"content-encoding", offsetof(struct answer, encoding),
	 sizeof(((struct answer *)0)->encoding)},
	{"x-coder-build-version", offsetof(struct answer, version),
	 sizeof(((struct answer *)0)->version)},
};

static void take_field(struct answer *answer, const char *name, const char *value)
{
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (strcasecmp(name, texts[i].name) == 0)
			snprintf((char *)answer + texts[i].offset, texts[i].size, "%s", value);
	if (strcasecmp(name, "content-length") == 0)
		take_length(&answer->length, value);
	else if (strcasecmp(name, "x-original-content-length") == 0)
		take_length(&answer->original_length, value);
	else if (strcasecmp(name, "content-range") == 0)
		take_range(answer, value);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

void answer_header(struct answer *answer, const char *bytes, size_t len)
{
	char line[LINE_MAX_HERE];
	char *colon, *value;

	while (len > 0 && is_blank(bytes[len - 1]))
		len--;
	/* A NUL inside, or a line longer than any that matters: not ours. */
	if (len == 0 || len >= sizeof(line) || memchr(bytes, '\0', len))
		return;
	memcpy(line, bytes, len);
	line[len] = '\0';
	if (strncasecmp(line, "HTTP/", 5) == 0) {
		begin(answer);
		answer->status = strtol(line + strcspn(line, " "), NULL, 10);
		return;
	}
	colon = strchr(line, ':');
	if (!colon)
		return;
	*colon = '\0';
	value = colon + 1 + strspn(colon + 1, " \t");
	take_field(answer, line, value);
}

bool answer_is_redirect(const struct answer *answer)
{
	switch (answer->status) {
	case 301:
	case 302:
	case 303:
	case 307:
	case 308:
		return answer->location[0] != '\0';
	default:
		return false;
	}
}

bool answer_is_web_page(const struct answer *answer)
{
	return strncasecmp(answer->type, "text/html", 9) == 0;
}

int64_t answer_total(const struct answer *answer)
{
	if (answer->original_length >= 0)
		return answer->original_length;
	return answer->status == 206 ? answer->range_total : answer->length;
}
