/*
 * A registry and its token service: each part of the input is an answer - its status, lines of a
 * head, an empty line, the body - to whatever was asked next.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "image/http_header.h"
#include "image/registry.h"
#include "tests/fuzz/fuzz.h"

static struct {
	const char *text;
	size_t len;
	unsigned asked;
} answers;

int __wrap_http_run(struct http *http, struct http_request *request, struct err *err);
int __wrap_http_step(struct http *http, unsigned milliseconds, struct err *err);

/* Always https, and credentials go to the registry itself only: it has no known token service. */
static void check_request(const struct http_request *request, const struct url *url)
{
	const char *authorization = request->authorization;

	FUZZ_MUST(url->https && !strpbrk(request->url, "\r\n"));
	FUZZ_MUST(!authorization || !strpbrk(authorization, "\r\n"));
	if (authorization && strncmp(authorization, "Basic ", 6) == 0)
		FUZZ_MUST(strcmp(url->host, "registry.example") == 0 && url->port == 443);
}

int __wrap_http_run(struct http *http, struct http_request *request, struct err *err)
{
	struct http_response *response = &request->response;
	struct fuzz_part part;
	const char *line, *end;
	struct url url;

	*response = (struct http_response){.length = -1};
	/* As http.c: what a Link has led to may be none. */
	request->error = url_read(request->url, &url, err);
	if (request->error < 0)
		return request->error;
	check_request(request, &url);
	if (++answers.asked > 40 || !fuzz_next(&answers.text, &answers.len, &part))
		return request->error = err_set(err, -ENETUNREACH, "no answer");
	line = part.text;
	end = part.text + part.len;
	while (line < end) {
		const char *newline = memchr(line, '\n', (size_t)(end - line));
		const char *next = newline ? newline + 1 : end;

		if (line == part.text)
			response->status = strtol(line, NULL, 10);
		else
			http_header_line(response, line, (size_t)(next - line));
		if (newline && next < end && *next == '\n') {
			line = next + 1;
			break;
		}
		line = next;
	}
	response->len = (size_t)(end - line) < request->max ? (size_t)(end - line) : request->max;
	/* As http.c: with a NUL behind. */
	response->body = calloc(1, response->len + 1);
	FUZZ_MUST(response->body);
	memcpy(response->body, line, response->len);
	return 0;
}

int __wrap_http_step(struct http *http, unsigned milliseconds, struct err *err)
{
	return 0;
}

FUZZ_TARGET(image_registry)
{
	struct registry_client client = {.sources.creds = "user:secret", .retries = 2};
	struct registry_manifest manifest;
	struct strv tags = {0};
	struct digest digest;
	struct reference ref;
	struct err err;

	reference_parse("registry.example/a/b:1", REFERENCE_TAG, &ref, &err);
	answers.text = text;
	answers.len = len;
	answers.asked = 0;
	registry_digest(&client, &ref, "1", &digest, &err);
	if (registry_manifest(&client, &ref, "1", NULL, &manifest, &err) >= 0)
		registry_manifest_free(&manifest);
	registry_tags(&client, &ref, &tags, &err);
	for (size_t i = 0; i < tags.n; i++)
		for (const char *c = tags.v[i]; *c; c++)
			FUZZ_MUST((unsigned char)*c >= 0x20 && *c != 0x7f);
	strv_free(&tags);
	registry_client_free(&client);
}
