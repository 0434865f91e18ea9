/*
 * answer.h - the head of an HTTP answer, as far as it matters here. Fed with libcurl's header
 * lines; everything in it comes from the network and is bounded.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct answer {
	long status;       /* 0: nothing came yet */
	char etag[64];     /* raw; empty when there is none, or one that is too long to be ours */
	char location[64]; /* cut; only to know that there is one: libcurl resolves it */
	char type[64];     /* Content-Type */
	char encoding[32]; /* Content-Encoding */
	char version[64];  /* X-Coder-Build-Version: a proxy's own page has none */
	int64_t length;    /* Content-Length, -1 when unknown */
	int64_t original_length; /* X-Original-Content-Length, -1 when unknown */
	int64_t range_first;     /* Content-Range: "bytes first-last/total"; -1 when unknown */
	int64_t range_last, range_total;
};

/* A header line with or without its line end. A status line begins the answer anew (100, a proxy's
 * CONNECT, redirects). */
void answer_header(struct answer *answer, const char *line, size_t len);
bool answer_is_redirect(const struct answer *answer);
bool answer_is_web_page(const struct answer *answer);
/* The decoded size of the whole file as the server states it, -1 when it does not. */
int64_t answer_total(const struct answer *answer);
