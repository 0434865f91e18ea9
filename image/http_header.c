#include "image/http_header.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "image/text.h"

#define WARNINGS_MAX 8
#define HEADER_MAX   8192

void http_response_free(struct http_response *response)
{
	strv_free(&response->warnings);
	free(response->body);
	*response = (struct http_response){.length = -1};
}

/* `299 - "text"`: the text alone. */
static int keep_warning(struct http_response *response, const char *value)
{
	const char *open = strchr(value, '"');
	const char *close = strrchr(value, '"');
	char text[300];

	if (strncmp(value, "299", 3) != 0 || !open || close <= open ||
	    response->warnings.n == WARNINGS_MAX)
		return 0;
	text_quote(text, sizeof(text), open + 1, (size_t)(close - open - 1));
	return strv_add(&response->warnings, text);
}

static int keep(struct http_response *response, const char *name, const char *value)
{
	const struct {
		const char *name;
		char *at;
		size_t size;
	} rows[] = {
		{"content-type", response->type, sizeof(response->type)},
		{"docker-content-digest", response->digest, sizeof(response->digest)},
		{"content-range", response->range, sizeof(response->range)},
		{"link", response->link, sizeof(response->link)},
		{"location", response->location, sizeof(response->location)},
		{"retry-after", response->retry, sizeof(response->retry)},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (strcasecmp(rows[i].name, name) == 0) {
			text_set(rows[i].at, rows[i].size, value);
			return 0;
		}
	if (strcasecmp(name, "content-length") == 0 && strspn(value, "0123456789") == strlen(value))
		response->length = strtoll(value, NULL, 10);
	else if (strcasecmp(name, "www-authenticate") == 0)
		response->challenges_n =
			challenge_read(value, response->challenges, response->challenges_n);
	else if (strcasecmp(name, "warning") == 0)
		return keep_warning(response, value);
	return 0;
}

int http_header_line(struct http_response *response, const char *line, size_t len)
{
	char text[HEADER_MAX];
	char *value;

	while (len > 0 && (line[len - 1] == '\n' || line[len - 1] == '\r' || line[len - 1] == ' ' ||
			   line[len - 1] == '\t'))
		len--;
	if (len >= 5 && strncmp(line, "HTTP/", 5) == 0) {
		http_response_free(response);
		return 0;
	}
	/* Too long for anything that is kept; with a NUL, it is nothing good. */
	if (len >= sizeof(text) || memchr(line, '\0', len))
		return 0;
	memcpy(text, line, len);
	text[len] = '\0';
	value = strchr(text, ':');
	if (!value)
		return 0;
	*value++ = '\0';
	return keep(response, text, value + strspn(value, " \t"));
}
