/*
 * transfer.h - the blobs of an archive, from the registry into their places: several at once,
 * hashed while they arrive, tried again and resumed.
 *
 * A blob counts only when all its bytes went through the hash and gave its digest: those of an
 * earlier run are read back and hashed first, and if the sum is wrong then, it is fetched anew
 * once.
 */
#pragma once

#include "common/err.h"
#include "image/archive.h"
#include "image/fetch.h"
#include "image/journal.h"
#include "image/registry.h"

enum transfer_state {
	TRANSFER_WAITING = 0, /* not begun, or waiting for another attempt */
	TRANSFER_RUNNING,
	TRANSFER_DONE,
};

struct transfer_blob {
	const struct archive_blob *blob;
	size_t index; /* in archive->blobs, for the journal */
	enum transfer_state state;
	struct hasher hasher;
	uint64_t at;          /* bytes that are in the file and in the hash */
	uint64_t noted;       /* what the journal knows */
	bool resumed;         /* the first bytes are of an earlier run */
	bool restarted;       /* once is enough */
	bool challenged;      /* a 401 was answered since the last success */
	unsigned attempt;     /* failed ones without much progress between */
	uint64_t attempt_at;  /* the furthest `at` of a failed one */
	long long not_before; /* CLOCK_MONOTONIC, ms */
	enum fetch_source source;
	char *url;
	char *authorization;
	struct http_request request;
	struct transfer *transfer;
};

struct transfer {
	struct registry_client *client;
	const struct reference *ref;
	const struct archive *archive;
	struct journal *journal;
	int fd;
	unsigned jobs;
	struct transfer_blob *blobs;
	size_t n;
	uint64_t all_done, total;
	uint64_t fetched; /* bytes that came over the network */
	uint64_t resumed, copied;
};

/* Makes the list of all blobs of the archive but those that are in `known`, NULL-terminated. */
int transfer_plan(struct transfer *transfer, const struct digest *const *known, struct err *err);
void transfer_free(struct transfer *transfer); /* also for _cleanup_(transfer_free) */

/* Takes over what the journal says an earlier run had, hashing it; what is whole is done. */
int transfer_resume(struct transfer *transfer, struct err *err);
/* Copies what this archive of somebody's has; a file that is none is passed over. transfer_local.c
 */
int transfer_copy(struct transfer *transfer, const char *path, struct err *err);
/* Fetches the rest. */
int transfer_run(struct transfer *transfer, struct err *err);

/* Between the two files of it. Begins a blob's hash anew. */
int transfer_reset(struct transfer_blob *b, struct err *err);
/* All bytes are there: 1 when the digest is right, 0 when not. */
int transfer_check(struct transfer_blob *b, struct err *err);
/* The blob is whole and right. */
void transfer_done(struct transfer_blob *b, enum fetch_source source);
void transfer_tell(const struct transfer_blob *b, enum fetch_event_kind kind);
