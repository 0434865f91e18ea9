#include "modules/coder-agent/token.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"
#include "modules/coder-agent/headers.h"

#define LIMIT_MS 10000

/* coder's httpmw/workspaceagent.go and workspaceagentsrpc.go. The texts are ours: nothing of the
 * network is printed. */
static const struct {
	long status;
	const char *message; /* what the body holds; NULL: whatever it is */
	const char *line;
} refusals[] = {
	{401, "agent token invalid",
	 "the server says the token is invalid (401: Workspace agent token invalid): check "
	 "CODER_AGENT_TOKEN"},
	{401, "agent not authorized",
	 "waiting for the build to finish (401: Workspace agent not authorized)"},
	{401, NULL,
	 "the token was refused, and not by Coder's own words (401): a proxy before it?"},
	{403, "non-latest build",
	 "token is stale: rebuild the workspace (403: Agent trying to connect from non-latest "
	 "build)"},
	{403, NULL,
	 "the token was refused, and not by Coder's own words (403): a proxy before it?"},
	{502, NULL, "server not reachable: the proxy before it answers 502 Bad Gateway"},
	{503, NULL, "server not reachable: 503 Service Unavailable"},
	{504, NULL, "server not reachable: the proxy before it answers 504 Gateway Timeout"},
};

struct probe_body {
	const struct answer *answer;
	char text[1024];
	size_t len;
};

/* Only a refusal is read: it has a sentence in it. */
static int on_body(void *owner, const char *bytes, size_t len, struct err *err)
{
	struct probe_body *body = owner;
	size_t room = sizeof(body->text) - 1 - body->len;

	if (body->answer->status != 401 && body->answer->status != 403)
		return 0;
	if (len > room)
		len = room;
	memcpy(body->text + body->len, bytes, len);
	body->len += len;
	return 0;
}

void token_judge(const struct answer *answer, const char *body, char *line, size_t size)
{
	if (answer->status == 200 && !answer_is_web_page(answer)) {
		snprintf(line, size, "token accepted");
		return;
	}
	if (answer->status == 200 || answer_is_redirect(answer)) {
		snprintf(line, size, "something before Coder answers with a login page (%ld)",
			 answer->status);
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
		if (answer->status != refusals[i].status ||
		    (refusals[i].message && !strstr(body, refusals[i].message)))
			continue;
		snprintf(line, size, "%s", refusals[i].line);
		return;
	}
	snprintf(line, size, "the server answers %ld to the question about the token",
		 answer->status);
}

int token_probe(const struct http *http, const char *token, char *line, size_t size)
{
	struct probe_body body = {0};
	struct http_request request = {.url = http->url,
				       .body = on_body,
				       .owner = &body,
				       .limits = {.answer_ms = LIMIT_MS, .total_ms = LIMIT_MS}};
	struct err err = {0};
	int r = headers_add(&request.headers, "Coder-Session-Token", token, &err);

	body.answer = &request.answer;
	if (r == 0) {
		r = http_perform(http, &request, &err);
		if (r < 0)
			err_prefix(&err, "server not reachable");
	} else {
		err_set(&err, r, "CODER_AGENT_TOKEN holds what no token can hold");
	}
	if (r < 0)
		snprintf(line, size, "%s", err.text);
	else
		token_judge(&request.answer, body.text, line, size);
	for (size_t i = 0; i < request.headers.n; i++)
		explicit_bzero(request.headers.v[i], strlen(request.headers.v[i]));
	strv_free(&request.headers);
	free(request.redirect);
	return r;
}
