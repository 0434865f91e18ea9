#include "modules/coder-agent/download.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "modules/coder-agent/clock.h"
#include "modules/coder-agent/url.h"

#define REDIRECTS_MAX 5
#define STALL_MS      10000
#define SIZE_MAX_BYTES \
	(1LL << 30) /* an agent has 40 to 80 MB; a disk is not filled for what is none */
#define PAGE_MAX 65536

/* One request of the try. */
struct fetching {
	struct download *d;
	struct http_request request;
	bool begun;    /* the head was judged and is good: bytes go to the partial file */
	int64_t total; /* of the whole file, -1 when unknown */
	uint64_t begin_ms;
	uint64_t begin_size; /* what was there before */
	size_t page;         /* bytes of a body that nobody wants */
};

static const char *plain_status(long status)
{
	static const struct {
		long status;
		const char *text;
	} known[] = {
		{401, " (something before Coder wants a login?)"},
		{403, " (something before Coder refuses it?)"},
		{404, " (is CODER_AGENT_URL right, and is there an agent for this machine?)"},
		{407, " (the proxy wants a login)"},
		{502, " Bad Gateway (the proxy before Coder does not reach it)"},
		{503, " Service Unavailable"},
		{504, " Gateway Timeout"},
	};

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (known[i].status == status)
			return known[i].text;
	return "";
}

/* What does not belong to a program of ours, whatever its bytes are. */
static int judge_head(const struct answer *a, struct err *err)
{
	if (answer_is_redirect(a))
		return err_set(err, -EPROTO, "it redirects more than %d times", REDIRECTS_MAX);
	if (a->status != 200 && a->status != 206)
		return err_set(err, -EPROTO, "it answers %ld%s", a->status,
			       plain_status(a->status));
	if (answer_is_web_page(a))
		return err_set(
			err, -EPROTO,
			"it answers with a web page (text/html), not a program: a login page?");
	if (a->encoding[0] && strcmp(a->encoding, "identity") != 0)
		return err_set(err, -EPROTO,
			       "it answers with Content-Encoding %s, which was not asked for",
			       a->encoding);
	if (!a->etag[0])
		return err_set(err, -EPROTO, "its answer has no ETag: it is no Coder server%s",
			       a->version[0] ? " as it should be" : "");
	if (a->status == 200 && a->length >= 0 && a->original_length >= 0 &&
	    a->length != a->original_length)
		return err_set(err, -EPROTO,
			       "it says the program has %" PRId64
			       " bytes (X-Original-Content-Length) and sends %" PRId64,
			       a->original_length, a->length);
	if (answer_total(a) > SIZE_MAX_BYTES)
		return err_set(err, -EFBIG,
			       "it says the program has %" PRId64 " bytes: no agent is so large",
			       answer_total(a));
	return 0;
}

/* 206: exactly the rest of what is there? */
static int judge_range(const struct fetching *f, const char *sha1, struct err *err)
{
	const struct answer *a = &f->request.answer;
	const struct partial *partial = f->d->partial;

	if (f->request.from <= 0 || partial->fd < 0 || strcmp(partial->sha1, sha1) != 0 ||
	    a->range_first != (int64_t)partial->size || a->range_last + 1 != a->range_total ||
	    (a->original_length >= 0 && a->original_length != a->range_total))
		return err_set(err, -EPROTO,
			       "it answers with another part of the program than was asked for");
	return 0;
}

static int begin(struct fetching *f, struct err *err)
{
	const struct answer *a = &f->request.answer;
	struct download *d = f->d;
	char sha1[SHA1_HEX];
	int r = judge_head(a, err);

	if (r == 0)
		r = etag_parse(a->etag, sha1, err);
	if (r < 0)
		return r;
	if (strcmp(sha1, d->rejected) == 0)
		return err_set(err, -EPROTO, "it still offers the file that is no agent (%.12s)",
			       sha1);
	if (a->status == 206)
		r = judge_range(f, sha1, err);
	else
		r = partial_begin(d->partial, d->store, sha1, err);
	if (r < 0) {
		/* Asked for the rest, it gave something else: from the beginning the next time. */
		if (a->status == 206)
			partial_drop(d->partial);
		return r;
	}
	f->total = answer_total(a);
	f->begin_size = d->partial->size;
	f->begun = true;
	snprintf(d->server_version, sizeof(d->server_version), "%s", a->version);
	return 0;
}

static int on_body(void *owner, const char *bytes, size_t len, struct err *err)
{
	struct fetching *f = owner;
	struct partial *partial = f->d->partial;
	bool knew_head;
	int r;

	if (!f->begun) {
		/* The page of a redirect is read away: libcurl tells where it leads only at its
		 * end. */
		f->page += len;
		if (answer_is_redirect(&f->request.answer) && f->page <= PAGE_MAX)
			return 0;
		r = begin(f, err);
		if (r < 0)
			return r;
	}
	knew_head = partial->size >= ELF_HEAD;
	r = partial_add(partial, bytes, len, err);
	if (r == 0 && !knew_head && partial->size >= ELF_HEAD) {
		r = elf_check(partial->head, ELF_HEAD, f->d->machine, err);
		if (r < 0)
			partial_drop(partial);
	}
	if (r == 0 && (int64_t)partial->size > (f->total >= 0 ? f->total : SIZE_MAX_BYTES)) {
		r = err_set(err, -EFBIG, "it sends more than the %" PRId64 " bytes that it said",
			    f->total >= 0 ? f->total : (int64_t)SIZE_MAX_BYTES);
		partial_drop(partial);
	}
	return r;
}

static void on_tick(void *owner)
{
	const struct fetching *f = owner;
	const struct partial *partial = f->d->partial;
	uint64_t passed = clock_ms() - f->begin_ms;
	double rate;

	if (!f->begun || !passed)
		return;
	rate = (double)(partial->size - f->begin_size) / (double)passed / 1000;
	if (f->total > 0)
		progress_show(f->d->progress,
			      "downloading the agent: %.1f of %.1f MB (%d %%), %.1f MB/s",
			      (double)partial->size / 1e6, (double)f->total / 1e6,
			      (int)((double)partial->size * 100 / (double)f->total), rate);
	else
		progress_show(f->d->progress, "downloading the agent: %.1f MB, %.1f MB/s",
			      (double)partial->size / 1e6, rate);
}

/* The ETags of what is here, and of what is half here. */
static int conditions(struct fetching *f, struct err *err)
{
	const struct store *store = f->d->store;
	const struct partial *partial = f->d->partial;
	char line[64 + STORE_KEPT * 48] = "If-None-Match:";
	size_t used = strlen(line);
	int r = 0;

	for (size_t i = 0; i < store->n && i < STORE_KEPT; i++)
		used += (size_t)snprintf(line + used, sizeof(line) - used, "%s\"%s\"",
					 i ? ", " : " ", store->entries[i].sha1);
	if (store->n)
		r = strv_add(&f->request.headers, line);
	if (r == 0 && partial->fd >= 0 && partial->size > 0) {
		snprintf(line, sizeof(line), "If-Range: \"%s\"", partial->sha1);
		r = strv_add(&f->request.headers, line);
		f->request.from = (int64_t)partial->size;
	}
	return r < 0 ? err_sys(err, r, "the request") : 0;
}

static int take_unchanged(struct fetching *f, struct err *err)
{
	const struct store *store = f->d->store;
	char sha1[SHA1_HEX] = "";

	/* RFC 9110, 15.4.5: a 304 has the ETag. Without it there is no doubt only if there is one
	 * program. */
	if (f->request.answer.etag[0]) {
		int r = etag_parse(f->request.answer.etag, sha1, err);

		if (r < 0)
			return r;
	} else if (store->n == 1) {
		memcpy(sha1, store->entries[0].sha1, sizeof(sha1));
	}
	if (!store_find(store, sha1))
		return err_set(err, -EPROTO,
			       "it answers 304 (unchanged) for a program that is not here");
	memcpy(f->d->unchanged, sha1, sizeof(sha1));
	return 0;
}

static int conclude(struct fetching *f, struct err *err)
{
	const struct answer *a = &f->request.answer;
	int r;

	if (a->status == 304)
		return take_unchanged(f, err);
	/* Our part is longer than the file, or as long and wrong. */
	if (a->status == 416 && f->request.from > 0) {
		partial_drop(f->d->partial);
		return err_set(
			err, -EPROTO,
			"it does not have the rest of the program (416): from the beginning then");
	}
	/* No body at all: its head was not judged yet. */
	r = f->begun ? 0 : begin(f, err);
	if (r < 0)
		return r;
	if (f->d->partial->size < ELF_HEAD ||
	    (f->total >= 0 && (int64_t)f->d->partial->size != f->total)) {
		r = err_set(err, -EPROTO, "it sent %" PRIu64 " of %" PRId64 " bytes",
			    f->d->partial->size, f->total);
		if (f->d->partial->size < ELF_HEAD)
			partial_drop(f->d->partial);
	}
	return r;
}

int download_try(struct download *d, struct err *err)
{
	_cleanup_free_ char *url = strdup(d->http->url);
	int r = url ? 0 : err_sys(err, -ENOMEM, "the request");

	d->answered = false;
	d->unchanged[0] = '\0';
	for (unsigned redirects = 0; r == 0; redirects++) {
		struct fetching f = {.d = d, .begin_ms = clock_ms(), .total = -1};
		bool follow;

		f.request = (struct http_request){
			.url = url,
			.body = on_body,
			.tick = on_tick,
			.owner = &f,
			.limits = {.answer_ms = d->answer_ms, .stall_ms = STALL_MS}};
		r = conditions(&f, err);
		if (r == 0)
			r = http_perform(d->http, &f.request, err);
		d->answered = d->answered || f.request.answer.status;
		follow = r == 0 && answer_is_redirect(&f.request.answer) && f.request.redirect &&
			 redirects < REDIRECTS_MAX;
		if (follow)
			r = url_check_redirect(url, f.request.redirect, err);
		else if (r == 0)
			r = conclude(&f, err);
		strv_free(&f.request.headers);
		if (!follow) {
			free(f.request.redirect);
			return r;
		}
		free(url);
		url = f.request.redirect;
	}
	return r;
}
