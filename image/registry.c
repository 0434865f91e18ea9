#include "image/registry.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include <jansson.h>

#include "common/cleanup.h"
#include "image/document.h"
#include "image/retry.h"
#include "image/text.h"

void registry_tell(const struct registry_client *client, enum fetch_event_kind kind,
		   unsigned seconds, const char *text)
{
	struct fetch_event event = {.kind = kind, .seconds = seconds, .text = text};

	if (client->fn)
		client->fn(client->arg, &event);
}

char *registry_url(const struct registry_client *client, const struct reference *ref,
		   const char *path)
{
	char *url;

	if (asprintf(&url, "%s://%s/v2/%s%s%s", client->plain_http ? "http" : "https",
		     ref->endpoint, ref->repository, *ref->repository ? "/" : "", path) < 0)
		return NULL;
	return url;
}

/* The first error that the registry names: `{"errors":[{"code":"DENIED","message":"…"}]}`. */
static const char *said(const struct http_response *response, char *text, size_t size)
{
	_cleanup_(document_drop) json_t *object = NULL;
	const json_t *first;
	const char *code;
	const char *message;
	char whole[256];

	*text = '\0';
	if (!response->body ||
	    document_load(response->body, response->len, "an error", &object, NULL) < 0)
		return text;
	first = json_array_get(json_object_get(object, "errors"), 0);
	code = json_string_value(json_object_get(first, "code"));
	message = json_string_value(json_object_get(first, "message"));
	if (!code)
		return text;
	snprintf(whole, sizeof(whole), " (it says %s%s%s)", code, message ? ": " : "",
		 message ? message : "");
	text_quote(text, size, whole, strlen(whole));
	return text;
}

static int rate_limited(const struct http_response *response, const char *host, struct err *err)
{
	int64_t after = *response->retry ? retry_after(response->retry, time(NULL)) : -1;
	char until[40] = "";
	time_t when;
	struct tm tm;

	if (after < 0)
		return err_set(
			err, -EUSERS,
			"%s has had too many requests, and does not say until when: try again "
			"later, or with credentials (hakim login)",
			host);
	when = time(NULL) + after;
	if (localtime_r(&when, &tm))
		strftime(until, sizeof(until), "%Y-%m-%d %H:%M:%S", &tm);
	return err_set(err, -EUSERS,
		       "%s has had too many requests, and takes no more until %s (%lld s)", host,
		       until, (long long)after);
}

int registry_refusal(const struct http_response *response, const struct reference *ref,
		     const char *what, struct err *err)
{
	char text[200];

	switch (response->status) {
	case 401:
	case 403:
		return err_set(err, -EACCES, "%s does not allow %s%s: see hakim login %s",
			       ref->registry, what, said(response, text, sizeof(text)),
			       ref->registry);
	case 404:
		return err_set(
			err, -ENOENT,
			"%s does not have %s%s: check the name, or it is private (hakim login)",
			ref->registry, what, said(response, text, sizeof(text)));
	case 429:
		return rate_limited(response, ref->registry, err);
	default:
		return err_set(err, response->status >= 500 ? -EREMOTEIO : -EPROTO,
			       "%s answers with status %ld for %s%s", ref->registry,
			       response->status, what, said(response, text, sizeof(text)));
	}
}

bool registry_transient(const struct http_request *request, int64_t *after)
{
	*after = -1;
	if (request->error < 0)
		return request->transient;
	if (!retry_status(request->response.status))
		return false;
	if (*request->response.retry)
		*after = retry_after(request->response.retry, time(NULL));
	return *after <= RETRY_AFTER_MAX;
}

unsigned registry_delay(const struct registry_client *client, unsigned attempt, int64_t after,
			const char *why)
{
	uint32_t random = 0;
	unsigned wait;

	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) < 0)
		random = attempt;
	wait = retry_wait(attempt, after, random);
	registry_tell(client, FETCH_RETRY, (wait + 999) / 1000, why);
	return wait;
}

int registry_wait(struct registry_client *client, const struct http_request *request,
		  unsigned attempt, struct err *err)
{
	char why[100];
	int64_t after;
	unsigned wait;
	int r = 0;

	if (attempt > client->retries || !registry_transient(request, &after))
		return 0;
	snprintf(why, sizeof(why), "status %ld", request->response.status);
	wait = registry_delay(client, attempt, after, request->error < 0 ? request->err.text : why);
	for (unsigned step; wait > 0 && r >= 0; wait -= step) {
		step = wait > 200 ? 200 : wait;
		r = http_step(client->http, step, err);
	}
	return r < 0 ? 0 : 1;
}

static void tell_warnings(const struct registry_client *client,
			  const struct http_response *response)
{
	for (size_t i = 0; i < response->warnings.n; i++)
		registry_tell(client, FETCH_WARNING, 0, response->warnings.v[i]);
}

int registry_run(struct registry_client *client, const struct reference *ref, const char *path,
		 struct http_request *request, long *status, struct err *err)
{
	_cleanup_free_ char *url = registry_url(client, ref, path);
	char what[REFERENCE_NAME_MAX + 64];
	bool challenged = false;
	int r;

	if (status)
		*status = 0;
	if (!url)
		return err_set(err, -ENOMEM, "no memory for a request");
	request->url = url;
	for (unsigned attempt = 1;;) {
		const char *authorization;

		r = registry_authorization(client, ref, &authorization, err);
		if (r < 0)
			return r;
		request->authorization = authorization;
		r = http_run(client->http, request, err);
		if (r >= 0 && request->response.status == 401 && !challenged) {
			challenged = true;
			r = registry_challenged(client, ref, &request->response, authorization,
						err);
			if (r < 0)
				return r;
		} else if (registry_wait(client, request, attempt, err) == 1) {
			attempt++;
		} else {
			break;
		}
		http_request_free(request);
	}
	if (r >= 0 && request->response.status == 401 && request->authorization)
		r = err_set(err, -EACCES,
			    "%s refuses the credentials for %s: hakim login %s stores others",
			    ref->registry, ref->repository, ref->registry);
	request->url = request->authorization = NULL;
	if (r < 0)
		return r;
	if (status)
		*status = request->response.status;
	tell_warnings(client, &request->response);
	if (request->response.status >= 200 && request->response.status < 300)
		return 0;
	snprintf(what, sizeof(what), "%s (%s)", *ref->repository ? ref->repository : "its /v2/",
		 path);
	return registry_refusal(&request->response, ref, what, err);
}
