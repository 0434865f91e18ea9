#include "image/transfer.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "image/clock.h"
#include "image/file.h"

/* So much between two failures makes them two, and not two of a row. */
#define PROGRESS (1u << 20)

static void note(struct transfer_blob *b)
{
	journal_note(b->transfer->journal, b->index, b->at);
	b->noted = b->at;
}

/* ---- what an answer must be ---- */

/* "bytes FROM-TO/SIZE", to the letter: anything else would put bytes into the wrong place. */
static bool range_fits(const char *range, uint64_t from, uint64_t size)
{
	char expected[96];

	snprintf(expected, sizeof(expected), "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64, from,
		 size - 1, size);
	return strcasecmp(range, expected) == 0;
}

static int on_head(void *arg, const struct http_response *response, struct err *err)
{
	struct transfer_blob *b = arg;
	uint64_t size = b->blob->size;
	uint64_t due = size;

	if (response->status == 206 && b->at > 0) {
		if (!range_fits(response->range, b->at, size))
			return err_set(
				err, -EPROTO,
				"%s sends another range of %s than was asked for (\"%.60s\"): "
				"refused",
				b->transfer->ref->registry, b->blob->digest.text, response->range);
		due = size - b->at;
	} else if (response->status != 200) {
		return err_set(err, -EPROTO, "%s answers with status %ld for the blob %s: refused",
			       b->transfer->ref->registry, response->status, b->blob->digest.text);
	}
	if (response->length >= 0 && (uint64_t)response->length != due)
		return err_set(err, -EPROTO,
			       "%s has %" PRId64 " bytes for the blob %s, and the manifest says "
			       "%" PRIu64 ": refused",
			       b->transfer->ref->registry, response->length, b->blob->digest.text,
			       due);
	/* It does not know ranges: from the beginning. */
	if (due == size && b->at > 0)
		return transfer_reset(b, err);
	return 0;
}

static int on_bytes(void *arg, const void *bytes, size_t len, struct err *err)
{
	struct transfer_blob *b = arg;
	struct transfer *t = b->transfer;
	int r;

	if (len > b->blob->size - b->at)
		return err_set(
			err, -EPROTO,
			"%s sends more bytes for the blob %s than the manifest says (%" PRIu64
			"): refused",
			t->ref->registry, b->blob->digest.text, b->blob->size);
	r = file_pwrite(t->fd, bytes, len, b->blob->offset + b->at);
	if (r < 0)
		return err_sys(err, r, "cannot write the archive");
	r = hasher_add(&b->hasher, bytes, len, err);
	if (r < 0)
		return r;
	b->at += len;
	t->all_done += len;
	t->fetched += len;
	if (b->at - b->noted >= JOURNAL_STEP) {
		/* The disk begins now, and not when all is there. */
		sync_file_range(t->fd, (off_t)(b->blob->offset + b->noted),
				(off_t)(b->at - b->noted), SYNC_FILE_RANGE_WRITE);
		note(b);
	}
	transfer_tell(b, FETCH_BYTES);
	return 0;
}

/* ---- one blob ---- */

static void forget_request(struct transfer_blob *b)
{
	http_request_free(&b->request);
	free(b->url);
	b->url = NULL;
	if (b->authorization)
		explicit_bzero(b->authorization, strlen(b->authorization));
	free(b->authorization);
	b->authorization = NULL;
}

static int begin(struct transfer_blob *b, struct err *err)
{
	struct transfer *t = b->transfer;
	char path[DIGEST_TEXT_MAX + 8];
	const char *authorization;
	int r = registry_authorization(t->client, t->ref, &authorization, err);

	if (r < 0)
		return r;
	snprintf(path, sizeof(path), "blobs/%s", b->blob->digest.text);
	b->url = registry_url(t->client, t->ref, path);
	if (authorization)
		b->authorization = strdup(authorization);
	if (!b->url || (authorization && !b->authorization))
		return err_set(err, -ENOMEM, "no memory for a request");
	b->request = (struct http_request){
		.url = b->url,
		.authorization = b->authorization,
		.follow = true,
		.from = b->at,
		.on_head = on_head,
		.sink = on_bytes,
		.arg = b,
	};
	b->state = TRANSFER_RUNNING;
	transfer_tell(b, FETCH_BLOB);
	return http_start(t->client->http, &b->request, err);
}

/* Another attempt, if there may be one; else the error. */
static int again(struct transfer_blob *b, struct err *err)
{
	struct transfer *t = b->transfer;
	char status[100];
	int64_t after;
	int r;

	if (b->at >= b->attempt_at + PROGRESS)
		b->attempt = 0;
	/* Only further: who begins anew each time makes no progress by what it sends again. */
	if (b->at > b->attempt_at)
		b->attempt_at = b->at;
	if (++b->attempt <= t->client->retries && registry_transient(&b->request, &after)) {
		snprintf(status, sizeof(status), "status %ld for a blob",
			 b->request.response.status);
		b->not_before = clock_ms() +
				registry_delay(t->client, b->attempt, after,
					       b->request.error < 0 ? b->request.err.text : status);
		note(b);
		forget_request(b);
		b->state = TRANSFER_WAITING;
		return 0;
	}
	if (b->request.error < 0) {
		r = b->request.error;
		if (err)
			*err = b->request.err;
		return r;
	}
	return registry_refusal(&b->request.response, t->ref, b->blob->digest.text, err);
}

/* The answer was a good one, and is over. */
static int arrived(struct transfer_blob *b, struct err *err)
{
	int r;

	b->challenged = false;
	if (b->at < b->blob->size) {
		/* Without a Content-Length, libcurl cannot know that this is not the end. */
		b->request.error = err_set(
			&b->request.err, -ENETUNREACH,
			"%s ends the blob %s after %" PRIu64 " of %" PRIu64 " bytes",
			b->transfer->ref->registry, b->blob->digest.text, b->at, b->blob->size);
		b->request.transient = true;
		return again(b, err);
	}
	r = transfer_check(b, err);
	if (r < 0)
		return r;
	forget_request(b);
	if (r == 1) {
		transfer_done(b, FETCH_FROM_REGISTRY);
		return 0;
	}
	/* Bytes of an earlier run that were not what they should be: once more without them. */
	if (b->resumed && !b->restarted) {
		b->restarted = true;
		b->state = TRANSFER_WAITING;
		return transfer_reset(b, err);
	}
	return err_set(err, -EBADMSG,
		       "the blob %s is not what its digest says: %s (or who is between) has other "
		       "bytes: refused",
		       b->blob->digest.text, b->transfer->ref->registry);
}

static int finished(struct transfer_blob *b, struct err *err)
{
	struct transfer *t = b->transfer;
	long status = b->request.response.status;
	int r;

	if (b->request.error >= 0 && status >= 200 && status < 300)
		return arrived(b, err);
	if (b->request.error >= 0 && status == 416 && b->at > 0) {
		forget_request(b);
		b->state = TRANSFER_WAITING;
		return transfer_reset(b, err);
	}
	if (b->request.error >= 0 && status == 401 && !b->challenged) {
		b->challenged = true;
		r = registry_challenged(t->client, t->ref, &b->request.response, b->authorization,
					err);
		forget_request(b);
		b->state = TRANSFER_WAITING;
		return r < 0 ? r : 0;
	}
	return again(b, err);
}

/* ---- all of them ---- */

/* The biggest that may begin now: the last ones are then small, and end together. */
static struct transfer_blob *next(struct transfer *t)
{
	struct transfer_blob *best = NULL;
	long long now = clock_ms();

	for (size_t i = 0; i < t->n; i++) {
		struct transfer_blob *b = &t->blobs[i];

		if (b->state == TRANSFER_WAITING && b->not_before <= now &&
		    (!best || b->blob->size - b->at > best->blob->size - best->at))
			best = b;
	}
	return best;
}

static unsigned count(const struct transfer *t, enum transfer_state state)
{
	unsigned n = 0;

	for (size_t i = 0; i < t->n; i++)
		n += t->blobs[i].state == state;
	return n;
}

int transfer_run(struct transfer *t, struct err *err)
{
	int r = 0;

	while (r >= 0 && count(t, TRANSFER_DONE) < t->n) {
		struct transfer_blob *b;

		while (r >= 0 && count(t, TRANSFER_RUNNING) < t->jobs && (b = next(t)) != NULL)
			r = begin(b, err);
		if (r >= 0)
			r = http_step(t->client->http, 200, err);
		for (size_t i = 0; i < t->n && r >= 0; i++)
			if (t->blobs[i].state == TRANSFER_RUNNING && t->blobs[i].request.done)
				r = finished(&t->blobs[i], err);
	}
	for (size_t i = 0; i < t->n; i++) {
		if (t->blobs[i].state == TRANSFER_RUNNING)
			note(&t->blobs[i]);
		forget_request(&t->blobs[i]);
	}
	return r;
}
