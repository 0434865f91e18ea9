#include "modules/coder-agent/http.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "modules/coder-agent/clock.h"
#include "modules/coder-agent/url.h"

#define POLL_MS 100

/* One request under way. */
struct transfer {
	struct http_request *request;
	CURL *easy;
	struct curl_slist *headers;
	char reason[CURL_ERROR_SIZE];
	uint64_t begin_ms,
		mark_ms; /* mark: the last time that enough bytes had come since the one before */
	uint64_t bytes, mark_bytes;
	int error; /* of the body callback */
	struct err *err;
};

/*
 * Go takes HTTP_PROXY where libcurl takes http_proxy only, prefers the upper case, and never asks a
 * proxy for this host (golang.org/x/net/http/httpproxy). The download must go where the agent will
 * go.
 */
static int import_proxies(void)
{
	static const char *const names[][2] = {{"HTTP_PROXY", "http_proxy"},
					       {"HTTPS_PROXY", "https_proxy"},
					       {"NO_PROXY", "no_proxy"}};
	_cleanup_free_ char *local = NULL;
	const char *none;

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const char *value = getenv(names[i][0]);

		if (value && *value && setenv(names[i][1], value, 1) < 0)
			return -errno;
	}
	none = getenv("no_proxy");
	if (none && strcmp(none, "*") == 0)
		return 0;
	if (asprintf(&local, "%s%slocalhost,127.0.0.0/8,::1", none ? none : "",
		     none && *none ? "," : "") < 0) {
		local = NULL;
		return -ENOMEM;
	}
	return setenv("no_proxy", local, 1) < 0 ? -errno : 0;
}

int http_init(struct err *err)
{
	int r = import_proxies();

	if (r < 0)
		return err_sys(err, r, "the proxies of the environment");
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return err_set(err, -ENOMEM, "libcurl does not start");
	return 0;
}

static size_t on_header(const char *bytes, size_t size, size_t n, void *owner)
{
	struct transfer *t = owner;

	t->bytes += size * n;
	answer_header(&t->request->answer, bytes, size * n);
	return size * n;
}

static size_t on_body(const char *bytes, size_t size, size_t n, void *owner)
{
	struct transfer *t = owner;

	t->bytes += size * n;
	t->error = t->request->body(t->request->owner, bytes, size * n, t->err);
	return t->error < 0 ? CURL_WRITEFUNC_ERROR : size * n;
}

static int add_headers(struct transfer *t, const struct strv *headers)
{
	for (size_t i = 0; i < headers->n; i++) {
		struct curl_slist *longer = curl_slist_append(t->headers, headers->v[i]);

		if (!longer)
			return -ENOMEM;
		t->headers = longer;
	}
	return 0;
}

static int set_options(struct transfer *t, const struct http *http)
{
	const struct http_request *request = t->request;
	const char *ca_file = getenv("SSL_CERT_FILE"), *ca_dir = getenv("SSL_CERT_DIR");
	char range[32];
	CURL *easy = t->easy;
	CURLcode bad = CURLE_OK;
	int r = add_headers(t, &request->headers);

	if (r == 0 && url_same_origin(http->url, request->url))
		r = add_headers(t, &http->headers);
	if (r < 0)
		return r;
#define SET(option, value) (bad = bad != CURLE_OK ? bad : curl_easy_setopt(easy, option, value))
	SET(CURLOPT_URL, request->url);
	SET(CURLOPT_PROTOCOLS_STR, "http,https");
	SET(CURLOPT_HTTP_VERSION,
	    (long)CURL_HTTP_VERSION_1_1); /* one file, one connection: less to go wrong */
	SET(CURLOPT_HTTPHEADER, t->headers);
	SET(CURLOPT_USERAGENT, "hakim-agent-fetch/" HAKIM_VERSION);
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_QUICK_EXIT,
	    1L); /* never wait for a resolver thread that waits for a dead DNS server */
	SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	SET(CURLOPT_TCP_KEEPALIVE, 1L);
	SET(CURLOPT_BUFFERSIZE, 256L * 1024);
	SET(CURLOPT_ERRORBUFFER, t->reason);
	SET(CURLOPT_HEADERFUNCTION, on_header);
	SET(CURLOPT_HEADERDATA, t);
	SET(CURLOPT_WRITEFUNCTION, on_body);
	SET(CURLOPT_WRITEDATA, t);
	/* The limit of the answer holds for the connection, too; libcurl's own would be 300 s. */
	if (request->limits.answer_ms)
		SET(CURLOPT_CONNECTTIMEOUT_MS, (long)request->limits.answer_ms);
	if (request->limits.total_ms)
		SET(CURLOPT_TIMEOUT_MS, (long)request->limits.total_ms);
	if (request->from > 0) {
		snprintf(range, sizeof(range), "%lld-", (long long)request->from);
		SET(CURLOPT_RANGE, range);
	}
	/* The curl tool looks at these, the library does not. */
	if (ca_file && *ca_file)
		SET(CURLOPT_CAINFO, ca_file);
	if (ca_dir && *ca_dir)
		SET(CURLOPT_CAPATH, ca_dir);
#undef SET
	return bad == CURLE_OK ? 0 : -ENOMEM;
}

/* What this program has to say about limits; libcurl knows no such ones. */
static int check_limits(struct transfer *t)
{
	const struct http_limits *limits = &t->request->limits;
	uint64_t now = clock_ms();

	if (!t->request->answer.status) {
		if (limits->answer_ms && now - t->begin_ms >= limits->answer_ms)
			return err_set(t->err, -ETIMEDOUT, "no answer within %.3g s",
				       (double)limits->answer_ms / 1000);
		t->mark_ms = now;
		return 0;
	}
	if (t->bytes - t->mark_bytes >= HTTP_STALL_BYTES) {
		t->mark_bytes = t->bytes;
		t->mark_ms = now;
	}
	if (limits->stall_ms && now - t->mark_ms >= limits->stall_ms)
		return err_set(t->err, -ETIMEDOUT, "the answer stalled: nothing came for %.3g s",
			       (double)limits->stall_ms / 1000);
	return 0;
}

static int finish(struct transfer *t, CURLcode code)
{
	const char *reason = t->reason[0] ? t->reason : curl_easy_strerror(code);
	char *where = NULL;

	if (t->error < 0)
		return t->error;
	if (code == CURLE_PARTIAL_FILE)
		return err_set(t->err, -EPIPE, "the answer broke off: %s", reason);
	if (code != CURLE_OK && t->request->answer.status)
		return err_set(t->err, -EPIPE, "the connection broke: %s", reason);
	if (code == CURLE_OPERATION_TIMEDOUT)
		return err_set(t->err, -ETIMEDOUT, "no answer: %s", reason);
	if (code != CURLE_OK)
		return err_set(t->err, -ECONNREFUSED, "%s", reason);
	if (curl_easy_getinfo(t->easy, CURLINFO_REDIRECT_URL, &where) == CURLE_OK && where) {
		t->request->redirect = strdup(where);
		if (!t->request->redirect)
			return err_sys(t->err, -ENOMEM, "a redirect");
	}
	return 0;
}

static int drive(struct transfer *t, CURLM *multi)
{
	for (;;) {
		int running = 0, queued = 0, r;
		CURLMcode code = curl_multi_perform(multi, &running);
		const CURLMsg *message;

		if (code != CURLM_OK)
			return err_set(t->err, -EIO, "%s", curl_multi_strerror(code));
		message = curl_multi_info_read(multi, &queued);
		if (message && message->msg == CURLMSG_DONE)
			return finish(t, message->data.result);
		r = check_limits(t);
		if (r < 0)
			return r;
		if (t->request->tick)
			t->request->tick(t->request->owner);
		curl_multi_poll(multi, NULL, 0, POLL_MS, NULL);
	}
}

int http_perform(const struct http *http, struct http_request *request, struct err *err)
{
	struct transfer t = {.request = request, .err = err};
	CURLM *multi = curl_multi_init();
	int r;

	request->answer = (struct answer){.length = -1, .original_length = -1, .range_first = -1};
	free(request->redirect);
	request->redirect = NULL;
	t.easy = curl_easy_init();
	t.begin_ms = t.mark_ms = clock_ms();
	r = multi && t.easy ? set_options(&t, http) : -ENOMEM;
	if (r == 0 && curl_multi_add_handle(multi, t.easy) != CURLM_OK)
		r = -ENOMEM;
	if (r < 0)
		err_sys(err, r, "libcurl cannot make the request");
	else
		r = drive(&t, multi);
	if (multi && t.easy)
		curl_multi_remove_handle(multi, t.easy);
	curl_easy_cleanup(t.easy);
	curl_multi_cleanup(multi);
	/* It may hold a token. */
	for (struct curl_slist *h = t.headers; h; h = h->next)
		explicit_bzero(h->data, strlen(h->data));
	curl_slist_free_all(t.headers);
	return r;
}
