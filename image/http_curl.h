/*
 * http_curl.h - what http.c and http_error.c share, and nobody else sees.
 */
#pragma once

#include <curl/curl.h>

#include "image/certs.h"
#include "image/http.h"
#include "image/pace.h"

struct http {
	CURLM *multi;
	struct http_options options; /* its texts are the session's */
	struct pace pace;
	struct http_transfer *paused; /* those that wait for it, the one that waits longest first */
	bool (*cancelled)(void *arg);
	void *cancelled_arg;
};

struct http_transfer {
	struct http *http;
	struct http_transfer *next; /* of http->paused */
	CURL *easy;
	struct curl_slist *headers;
	struct certs certs; /* of the host that is spoken to now */
	char *url;          /* where it is after redirects */
	struct url at;
	bool authorized; /* `at` is where Authorization may go */
	unsigned redirects;
	bool headed; /* on_head was told */
	char detail[CURL_ERROR_SIZE];
};

/* Fills request->err by libcurl's code; returns its code, and sets request->transient. */
int http_error(struct http_request *request, CURLcode code, const char *detail);
