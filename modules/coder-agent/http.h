/*
 * http.h - how this program speaks HTTP: libcurl, set up as `coder agent` is (proxies,
 * SSL_CERT_FILE, extra headers).
 *
 * It asks for no compression, so that lengths and ranges mean the file; it follows no redirect by
 * itself. Secrets are in the headers and may be in the URL: neither is ever printed.
 */
#pragma once

#include <curl/curl.h>
#include <stdint.h>

#include "common/err.h"
#include "common/strv.h"
#include "modules/coder-agent/answer.h"

struct http {
	const char *url;     /* what CODER_AGENT_URL led to: extra headers go to its origin only */
	struct strv headers; /* extra ones, "Name: value" */
};

/* What one request may cost; 0 is "no limit". */
struct http_limits {
	uint64_t answer_ms; /* until the first byte of the answer's head */
	uint64_t stall_ms;  /* less than HTTP_STALL_BYTES in so long is a stall */
	uint64_t total_ms;
};

#define HTTP_STALL_BYTES 1024

struct http_request {
	const char *url;
	struct strv headers; /* of this request; those of struct http come in addition */
	int64_t from;        /* Range: bytes=from-, when > 0 */
	struct http_limits limits;
	/* Body bytes; a negative errno ends the request with *err as it is then. */
	int (*body)(void *owner, const char *bytes, size_t len, struct err *err);
	/* Called some times a second. */
	void (*tick)(void *owner);
	void *owner;
	struct answer answer; /* out */
	char *redirect;       /* out: where a redirect leads, absolute; to be freed */
};

/* Once a process: libcurl, and the environment's proxies as Go reads them. */
int http_init(struct err *err);
/* Sends it and waits for the end. 0: an answer came, of any status. Else a sentence says why none
 * came or it broke off. */
int http_perform(const struct http *http, struct http_request *request, struct err *err);
