/*
 * http.h - requests over libcurl, several at once, from one thread.
 *
 * A request is started, and http_step() moves all of them; it never blocks longer than it is told.
 * Redirects are followed here and not by libcurl, so that Authorization never goes to another host
 * and https never leads to http. A body goes to a sink or is kept up to a limit; nothing is without
 * a bound in size, and a connection without a byte for the stall timeout is given up. Proxies are
 * what libcurl reads from the environment. One attempt is one request: who retries is the caller.
 *
 * It never prints, never reads a file of credentials, and never sends one that it was not given.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "common/strv.h"
#include "image/challenge.h"
#include "image/digest.h"
#include "image/url.h"

struct http_options {
	const char *proxy;  /* where the environment names none, or NULL */
	const char *cacert; /* trusted besides the system's, or NULL */
	bool insecure;
	unsigned stall_timeout; /* seconds */
	uint64_t limit_rate;    /* bytes per second, of all connections together; 0: none */
};

#define HTTP_ERROR_MAX (1u << 20)

struct http;

int http_open(const struct http_options *options, struct http **http, struct err *err);
void http_close(struct http *http); /* NULL is fine; its requests must be freed before */

/* Asked in each http_step(), which ends with -ECANCELED when it says so; NULL: never. */
void http_cancel_by(struct http *http, bool (*cancelled)(void *arg), void *arg);

/* What it says, for work between two steps. */
bool http_cancelled(const struct http *http);

/* What an answer's headers said. Empty strings and -1 are "was not there". */
struct http_response {
	long status;
	char type[128];                   /* Content-Type */
	char digest[DIGEST_TEXT_MAX + 8]; /* Docker-Content-Digest, as it came, if it fits */
	char range[96];                   /* Content-Range */
	char link[1024];                  /* Link */
	char location[4096];              /* Location, as it came */
	char retry[64];                   /* Retry-After */
	int64_t length;                   /* Content-Length */
	struct challenge challenges[CHALLENGES_MAX];
	size_t challenges_n;
	struct strv warnings; /* Warning: 299 */
	char *body;           /* NUL-terminated; NULL when it went to the sink */
	size_t len;
};

/* Told once, before the first byte of a 2xx answer's body and also when there is no body. Negative
 * ends the request with that error. */
typedef int http_head_fn(void *arg, const struct http_response *response, struct err *err);
/* The next bytes of that body. */
typedef int http_sink_fn(void *arg, const void *bytes, size_t len, struct err *err);

struct http_request {
	/* What the caller sets; texts are the caller's until the request is freed. */
	const char *url;
	const char *accept;        /* or NULL */
	const char *authorization; /* value of the header, or NULL */
	const char *form;          /* a body of a POST, or NULL */
	bool head;                 /* HEAD instead of GET */
	bool follow;               /* redirects, up to 5 */
	uint64_t from;             /* Range: from this byte on; 0: none */
	size_t max;                /* bytes of a 2xx body that is kept; of others HTTP_ERROR_MAX */
	unsigned timeout;          /* seconds for the whole, or 0 */
	http_head_fn *on_head;     /* with a sink only */
	http_sink_fn *sink;
	void *arg;
	/* What came of it, when `done`. */
	bool done;
	int error;      /* 0: there is an answer, of whatever status */
	bool transient; /* the error may be another one next time */
	struct err err;
	struct http_response response;
	/* http.c's own. */
	struct http_transfer *transfer;
};

int http_start(struct http *http, struct http_request *request, struct err *err);
/* Waits at most `milliseconds` for something to happen, and handles it. */
int http_step(struct http *http, unsigned milliseconds, struct err *err);
/* Ends the request if it is under way, and frees what came. Also for _cleanup_(http_request_free).
 */
void http_request_free(struct http_request *request);

/* Starts a request and steps until it is done; the others go on meanwhile. Returns request->error.
 */
int http_run(struct http *http, struct http_request *request, struct err *err);
