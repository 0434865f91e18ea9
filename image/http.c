#include "image/http.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/cleanup.h"
#include "image/http_curl.h"
#include "image/http_header.h"

#define REDIRECTS_MAX 5
#define CONNECT_MAX   30L
/* Fewer wake-ups for a fast connection; four of these are small beside libcrypto. */
#define BUFFER 262144L

int http_open(const struct http_options *options, struct http **http, struct err *err)
{
	_cleanup_free_ struct http *h = calloc(1, sizeof(*h));

	if (!h || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return err_set(err, -ENOMEM, "cannot begin libcurl");
	h->options = *options;
	h->pace.limit = options->limit_rate;
	h->multi = curl_multi_init();
	if (!h->multi)
		return err_set(err, -ENOMEM, "cannot begin libcurl");
	*http = steal_ptr(&h);
	return 0;
}

void http_cancel_by(struct http *http, bool (*cancelled)(void *arg), void *arg)
{
	http->cancelled = cancelled;
	http->cancelled_arg = arg;
}

bool http_cancelled(const struct http *http)
{
	return http->cancelled && http->cancelled(http->cancelled_arg);
}

void http_close(struct http *http)
{
	if (!http)
		return;
	curl_multi_cleanup(http->multi);
	free(http);
}

static size_t on_header(char *line, size_t size, size_t n, void *arg)
{
	struct http_request *request = arg;

	if (http_header_line(&request->response, line, size * n) < 0) {
		request->error = err_set(&request->err, -ENOMEM, "no memory for an answer");
		return 0;
	}
	return size * n;
}

static long status_of(const struct http_request *request)
{
	long status = 0;

	curl_easy_getinfo(request->transfer->easy, CURLINFO_RESPONSE_CODE, &status);
	return status;
}

static bool to_sink(struct http_request *request)
{
	request->response.status = status_of(request);
	return request->sink && request->response.status >= 200 && request->response.status < 300;
}

static int tell_head(struct http_request *request)
{
	if (request->transfer->headed)
		return 0;
	request->transfer->headed = true;
	return request->on_head ? request->on_head(request->arg, &request->response, &request->err)
				: 0;
}

static int keep_body(struct http_request *request, const char *bytes, size_t len)
{
	struct http_response *response = &request->response;
	bool good = response->status >= 200 && response->status < 300;
	size_t max = good ? request->max : HTTP_ERROR_MAX;
	char *grown;

	if (response->len > max || len > max - response->len)
		return err_set(&request->err, -EPROTO,
			       "%s sends more than %zu bytes where less was due: refused",
			       request->transfer->at.host, max);
	grown = realloc(response->body, response->len + len + 1);
	if (!grown)
		return err_set(&request->err, -ENOMEM, "no memory for an answer");
	memcpy(grown + response->len, bytes, len);
	response->len += len;
	grown[response->len] = '\0';
	response->body = grown;
	return 0;
}

/* ---- the limit of the rate ---- */

static uint64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

static void unlist(struct http_transfer *t)
{
	struct http_transfer **at = &t->http->paused;

	while (*at && *at != t)
		at = &(*at)->next;
	if (*at)
		*at = t->next;
	t->next = NULL;
}

/* Puts it behind those that wait already; libcurl keeps the bytes, and reads no more. */
static size_t pause_it(struct http_transfer *t)
{
	struct http_transfer **at = &t->http->paused;

	while (*at)
		at = &(*at)->next;
	*at = t;
	t->next = NULL;
	return CURL_WRITEFUNC_PAUSE;
}

/* Lets those go on that may, each a piece; for how many milliseconds the others must wait. */
static unsigned pace(struct http *http, unsigned milliseconds)
{
	uint64_t wait = 0;

	while (http->paused) {
		struct http_transfer *t = http->paused;

		wait = pace_wait(&http->pace, now_us());
		if (wait > 0)
			break;
		unlist(t);
		/* Calls on_body(), which may put it behind the others again. */
		curl_easy_pause(t->easy, CURLPAUSE_CONT);
	}
	return http->paused && (wait + 999) / 1000 < milliseconds ? (unsigned)((wait + 999) / 1000)
								  : milliseconds;
}

static size_t on_body(char *bytes, size_t size, size_t n, void *arg)
{
	struct http_request *request = arg;
	int r;

	if (to_sink(request)) {
		struct http *http = request->transfer->http;

		if (pace_ahead(&http->pace, now_us()))
			return pause_it(request->transfer);
		pace_take(&http->pace, now_us(), size * n);
		r = tell_head(request);
		if (r >= 0)
			r = request->sink(request->arg, bytes, size * n, &request->err);
	} else {
		r = keep_body(request, bytes, size * n);
	}
	if (r >= 0)
		return size * n;
	request->error = r;
	return 0;
}

static int add_header(struct http_transfer *t, const char *name, const char *value)
{
	_cleanup_free_ char *line = NULL;
	struct curl_slist *grown;

	if (asprintf(&line, "%s: %s", name, value) < 0)
		return -ENOMEM;
	grown = curl_slist_append(t->headers, line);
	if (line)
		explicit_bzero(line, strlen(line));
	if (!grown)
		return -ENOMEM;
	t->headers = grown;
	return 0;
}

static void free_headers(struct http_transfer *t)
{
	for (struct curl_slist *item = t->headers; item; item = item->next)
		explicit_bzero(item->data, strlen(item->data));
	curl_slist_free_all(t->headers);
	t->headers = NULL;
}

static int set_tls(struct http_transfer *t, struct err *err)
{
	const struct http_options *o = &t->http->options;
	const char *bundle = getenv("SSL_CERT_FILE");
	_cleanup_free_ char *host = NULL;
	int r;

	/* libcurl does not copy the one of the host before, and would trust it for this one. */
	curl_easy_setopt(t->easy, CURLOPT_CAINFO_BLOB, NULL);
	certs_free(&t->certs);
	if (!t->at.https)
		return 0;
	if (t->at.port == 443 ? asprintf(&host, "%s", t->at.host) < 0
			      : asprintf(&host, "%s:%u", t->at.host, t->at.port) < 0)
		return err_set(err, -ENOMEM, "no memory for a request");
	r = certs_read(host, o->cacert, &t->certs, err);
	if (r < 0)
		return r;
	if (t->certs.ca) {
		struct curl_blob blob = {t->certs.ca, t->certs.ca_len, CURL_BLOB_NOCOPY};

		/* libcurl's directory of certificates is trusted besides. */
		curl_easy_setopt(t->easy, CURLOPT_CAINFO_BLOB, &blob);
	} else if (bundle && *bundle) {
		curl_easy_setopt(t->easy, CURLOPT_CAINFO, bundle);
	}
	curl_easy_setopt(t->easy, CURLOPT_SSLCERT, t->certs.cert);
	curl_easy_setopt(t->easy, CURLOPT_SSLKEY, t->certs.key);
	if (o->insecure) {
		curl_easy_setopt(t->easy, CURLOPT_SSL_VERIFYPEER, 0L);
		curl_easy_setopt(t->easy, CURLOPT_SSL_VERIFYHOST, 0L);
	}
	return 0;
}

static void set_proxy(struct http_transfer *t)
{
	static const char *const names[] = {"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy",
					    "ALL_PROXY"};

	if (!t->http->options.proxy)
		return;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (getenv(names[i]))
			return;
	curl_easy_setopt(t->easy, CURLOPT_PROXY, t->http->options.proxy);
}

static void set_limits(struct http_transfer *t, const struct http_request *request)
{
	const struct http_options *o = &t->http->options;
	long stall = o->stall_timeout;

	curl_easy_setopt(t->easy, CURLOPT_CONNECTTIMEOUT,
			 stall < CONNECT_MAX ? stall : CONNECT_MAX);
	curl_easy_setopt(t->easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
	curl_easy_setopt(t->easy, CURLOPT_LOW_SPEED_TIME, stall);
	curl_easy_setopt(t->easy, CURLOPT_TIMEOUT, (long)request->timeout);
	curl_easy_setopt(t->easy, CURLOPT_BUFFERSIZE, BUFFER);
}

/* All that stays the same over redirects. */
static void set_fixed(struct http_transfer *t, struct http_request *request)
{
	CURL *easy = t->easy;

	curl_easy_setopt(easy, CURLOPT_PRIVATE, request);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, t->detail);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, "hakim/" HAKIM_VERSION);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	/* One connection a blob, in parallel: HTTP/2 would put them all into one. */
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, request);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, request);
	/* A proxy is not shown the registry's Authorization. */
	curl_easy_setopt(easy, CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE);
	curl_easy_setopt(easy, CURLOPT_NOBODY, request->head ? 1L : 0L);
	if (request->form)
		curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->form);
	if (request->from) {
		char range[32];

		/* Not RESUME_FROM: with that, libcurl itself gives up where a server begins anew.
		 */
		snprintf(range, sizeof(range), "%llu-", (unsigned long long)request->from);
		curl_easy_setopt(easy, CURLOPT_RANGE, range);
	}
	set_limits(t, request);
	set_proxy(t);
}

/* To t->url, with the headers that may go there. */
static int go(struct http_transfer *t, struct http_request *request, struct err *err)
{
	int r = set_tls(t, err);

	if (r < 0)
		return r;
	free_headers(t);
	if (request->accept)
		r = add_header(t, "Accept", request->accept);
	if (r >= 0 && request->authorization && t->authorized)
		r = add_header(t, "Authorization", request->authorization);
	if (r < 0)
		return err_set(err, r, "no memory for a request");
	curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, t->headers);
	curl_easy_setopt(t->easy, CURLOPT_URL, t->url);
	t->detail[0] = '\0';
	if (curl_multi_add_handle(t->http->multi, t->easy) != CURLM_OK)
		return err_set(err, -ENOMEM, "cannot begin a request");
	return 0;
}

int http_start(struct http *http, struct http_request *request, struct err *err)
{
	struct http_transfer *t = calloc(1, sizeof(*t));
	int r;

	request->done = request->transient = false;
	request->error = 0;
	request->err = (struct err){0};
	request->response = (struct http_response){.length = -1};
	request->transfer = t;
	if (!t)
		return err_set(err, -ENOMEM, "no memory for a request");
	t->http = http;
	t->easy = curl_easy_init();
	t->url = strdup(request->url);
	if (!t->easy || !t->url)
		return err_set(err, -ENOMEM, "no memory for a request");
	r = url_read(t->url, &t->at, err);
	if (r < 0)
		return r;
	t->authorized = true;
	set_fixed(t, request);
	return go(t, request, err);
}

/* Follows one redirect. 1: it is under way; 0: the answer is none to follow; negative: refused. */
static int follow(struct http_request *request)
{
	struct http_transfer *t = request->transfer;
	struct err *err = &request->err;
	struct url to;
	char *location = NULL;
	long status = request->response.status;
	int r;

	if (!request->follow ||
	    (status != 301 && status != 302 && status != 303 && status != 307 && status != 308))
		return 0;
	if (++t->redirects > REDIRECTS_MAX)
		return err_set(err, -EPROTO, "%s leads in circles: more than %d redirects",
			       t->at.host, REDIRECTS_MAX);
	curl_easy_getinfo(t->easy, CURLINFO_REDIRECT_URL, &location);
	if (!location)
		return err_set(err, -EPROTO, "%s redirects to nowhere: refused", t->at.host);
	r = url_read(location, &to, err);
	if (r >= 0)
		r = url_check_redirect(&t->at, &to, err);
	if (r < 0)
		return r;
	/* Once it has left the registry, it gets no secret any more, also when it is led back. */
	if (!url_same(&t->at, &to))
		t->authorized = false;
	location = strdup(location);
	if (!location)
		return err_set(err, -ENOMEM, "no memory for a request");
	curl_multi_remove_handle(t->http->multi, t->easy);
	free(t->url);
	t->url = location;
	t->at = to;
	http_response_free(&request->response);
	r = go(t, request, err);
	return r < 0 ? r : 1;
}

static void finish(struct http_request *request, CURLcode code)
{
	struct http_transfer *t = request->transfer;
	int r = 0;

	request->response.status = status_of(request);
	if (request->error >= 0 && code != CURLE_OK) {
		request->error = http_error(request, code, t->detail);
	} else if (request->error >= 0) {
		r = follow(request);
		if (r == 1)
			return;
		if (r >= 0 && to_sink(request))
			r = tell_head(request);
		request->error = r;
	}
	curl_multi_remove_handle(t->http->multi, t->easy);
	unlist(t);
	request->done = true;
}

int http_step(struct http *http, unsigned milliseconds, struct err *err)
{
	int running;
	int left;
	CURLMsg *message;

	if (http_cancelled(http))
		return err_set(err, -ECANCELED,
			       "it was interrupted: the next run goes on from here");
	milliseconds = pace(http, milliseconds);
	if (curl_multi_perform(http->multi, &running) != CURLM_OK)
		return err_set(err, -ENOMEM, "libcurl fails");
	while ((message = curl_multi_info_read(http->multi, &left)) != NULL) {
		struct http_request *request = NULL;

		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&request);
		finish(request, message->data.result);
		milliseconds = 0;
	}
	if (milliseconds &&
	    curl_multi_poll(http->multi, NULL, 0, (int)milliseconds, NULL) != CURLM_OK)
		return err_set(err, -ENOMEM, "libcurl fails");
	return 0;
}

void http_request_free(struct http_request *request)
{
	struct http_transfer *t = request->transfer;

	http_response_free(&request->response);
	if (!t)
		return;
	request->transfer = NULL;
	unlist(t);
	if (t->easy) {
		curl_multi_remove_handle(t->http->multi, t->easy);
		curl_easy_cleanup(t->easy);
	}
	free_headers(t);
	certs_free(&t->certs);
	free(t->url);
	free(t);
}

int http_run(struct http *http, struct http_request *request, struct err *err)
{
	int r = http_start(http, request, err);

	while (r >= 0 && !request->done)
		r = http_step(http, 200, err);
	if (r < 0)
		return request->error = r;
	if (request->error < 0 && err)
		*err = request->err;
	return request->error;
}
