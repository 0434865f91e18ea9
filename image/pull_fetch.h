/*
 * pull_fetch.h - the archives of a run: fetched into a store's directory, or to be uploaded.
 */
#pragma once

#include <stdbool.h>

#include "common/err.h"
#include "image/fetch.h"
#include "image/options.h"
#include "image/target.h"

/* With --use-gh-auth-token the token of `gh auth token` becomes that of the options; else nothing
 * is done. */
int pull_fetch_token(struct options *options, struct err *err);

/* A session with the options' credentials, and Proxmox's own proxy where the environment has
 * none. */
int pull_fetch_open(const struct options *options, fetch_event_fn *fn, void *arg,
		    struct fetch_session **session, struct err *err);

/* Into the directory; an old archive is replaced, and the others there are what layers may be
 * copied from. */
int pull_fetch_direct(struct fetch_session *session, const struct target *target,
		      const char *directory, bool (*cancelled)(void *arg), void *arg,
		      struct fetch_result *result, struct err *err);

struct pull_upload {
	char *path; /* the archive, which pull_upload_free() removes */
	char sha256[65];
};

/* Into $TMPDIR, or /var/tmp. What was fetched of it before is used again. */
int pull_fetch_upload(struct fetch_session *session, const struct target *target,
		      bool (*cancelled)(void *arg), void *arg, struct pull_upload *upload,
		      struct fetch_result *result, struct err *err);
void pull_upload_free(struct pull_upload *upload);

/* The digest of the manifest in an archive that is there. */
int pull_fetch_manifest(const char *path, struct digest *digest, struct err *err);
