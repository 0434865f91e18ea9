/*
 * registry.h - the distribution protocol: requests with the right credentials, tried again where
 * that may help, and what an answer that is no success means.
 *
 * A client is one run's. Credentials go to the registry's own host, over https unless plain http
 * was asked for, and to a token service that belongs to it (url_check_realm()); tokens are kept
 * until they end.
 */
#pragma once

#include "common/err.h"
#include "image/credential.h"
#include "image/descriptor.h"
#include "image/fetch.h"
#include "image/http.h"
#include "image/reference.h"

struct token; /* token.c's */

struct registry_client {
	struct http *http;
	struct credential_sources sources;
	bool plain_http;
	unsigned retries;
	fetch_event_fn *fn; /* may be NULL */
	void *arg;
	struct token *tokens;
};

void registry_client_free(struct registry_client *client);

/* Tells of a warning (seconds 0) or of another attempt. */
void registry_tell(const struct registry_client *client, enum fetch_event_kind kind,
		   unsigned seconds, const char *text);

/* The address of a thing of this repository: "manifests/latest". The caller frees it. NULL: memory.
 */
char *registry_url(const struct registry_client *client, const struct reference *ref,
		   const char *path);

/* What is to be sent in Authorization now, or NULL for nothing; the client owns it, until the next
 * call. 0 or negative. token.c */
int registry_authorization(struct registry_client *client, const struct reference *ref,
			   const char **authorization, struct err *err);
/* After an answer of 401: gets what its challenges want. 1: registry_authorization() has something
 * new, try again. Negative: refused. `tried` is what was sent, or NULL. token.c */
int registry_challenged(struct registry_client *client, const struct reference *ref,
			const struct http_response *response, const char *tried, struct err *err);

/* The error that an answer which is no 2xx means, in one sentence about `what` ("ghcr.io/a/b:1").
 */
int registry_refusal(const struct http_response *response, const struct reference *ref,
		     const char *what, struct err *err);
/* Whether it is worth another attempt; `after` is filled in (seconds, or -1). */
bool registry_transient(const struct http_request *request, int64_t *after);

/* Tells that attempt `attempt` failed, and how many milliseconds to wait before the next. */
unsigned registry_delay(const struct registry_client *client, unsigned attempt, int64_t after,
			const char *why);
/* Waits before the next attempt, and returns 1; 0 when there is to be none. */
int registry_wait(struct registry_client *client, const struct http_request *request,
		  unsigned attempt, struct err *err);

/* Runs a request to its end, with credentials and attempts. 0 is an answer of 2xx; *status, when
 * not NULL, is the last answer's, or 0. The request is freed by the caller. */
int registry_run(struct registry_client *client, const struct reference *ref, const char *path,
		 struct http_request *request, long *status, struct err *err);

/* The digest of `target` (a tag or a digest) by HEAD, or GET where that does not tell. */
int registry_digest(struct registry_client *client, const struct reference *ref, const char *target,
		    struct digest *digest, struct err *err);

struct registry_manifest {
	char *bytes;
	size_t len;
	char type[128];       /* Content-Type */
	struct digest digest; /* of the bytes */
};

/* Gets a manifest. `want` is what an index says of it, or NULL: size and digest must be those. */
int registry_manifest(struct registry_client *client, const struct reference *ref,
		      const char *target, const struct descriptor *want,
		      struct registry_manifest *manifest, struct err *err);
void registry_manifest_free(struct registry_manifest *manifest);

/* Gets a small blob (a configuration) whole, and checks size and digest. The caller frees *bytes.
 */
int registry_blob(struct registry_client *client, const struct reference *ref,
		  const struct descriptor *descriptor, const char *what, char **bytes,
		  struct err *err);

/* All tags, in the registry's order; at most TAGS_MAX. */
#define TAGS_MAX 100000
int registry_tags(struct registry_client *client, const struct reference *ref, struct strv *tags,
		  struct err *err);
