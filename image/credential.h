/*
 * credential.h - with which name and secret a registry is asked.
 *
 * The first that is found counts: --creds; a file of credentials that was named; else the usual
 * ones (podman's, then docker's), in each its helper for the registry, then the most specific
 * entry, then its general helper. A secret is never in an argv, an error or a log, and is wiped
 * when it is freed.
 */
#pragma once

#include <stdbool.h>

#include "common/err.h"

struct credential {
	char *user, *password; /* both or none */
	char *identity;        /* an identity token instead */
};

struct credential_sources {
	const char *creds;      /* "user:password" for every registry, or NULL */
	const char *ghcr_creds; /* the same for ghcr.io alone, or NULL */
	const char *authfile; /* the only file, or NULL for $REGISTRY_AUTH_FILE or the usual ones */
};

/* 1: found. 0: there are none. Negative: a source that counts is no good. `repository` is what is
 * behind the registry, for entries that are for a part of it; "" asks for the registry as a whole.
 */
int credential_find(const struct credential_sources *sources, const char *registry,
		    const char *repository, struct credential *credential, struct err *err);
void credential_free(struct credential *credential); /* also for _cleanup_(credential_free) */

/* Reads "user:password". */
int credential_split(const char *text, struct credential *credential, struct err *err);
/* Reads the base64 of it. */
int credential_decode(const char *base64, struct credential *credential, struct err *err);
/* "Basic …", for the header; the caller wipes and frees it. NULL: no memory. */
char *credential_basic(const struct credential *credential);

/* What two keys of a file have in common: no scheme, no "/v1/", Docker Hub by one name. The caller
 * frees it; NULL: no memory. */
char *credential_key(const char *key);

/* Asks docker-credential-NAME for a registry. 1, 0 (it has none) or negative. credential_helper.c
 */
int credential_helper(const char *name, const char *registry, struct credential *credential,
		      struct err *err);

/* Puts into, and removes from, the file of credentials, which is made with mode 0600 where it is
 * not there; what else is in it stays. `authfile` is its path, or NULL for the usual one; *path,
 * which the caller frees, is where it was. credential_remove(): 1 it was there, 0 it was not.
 * credential_file.c */
int credential_save(const char *authfile, const char *registry, const struct credential *credential,
		    char **path, struct err *err);
int credential_remove(const char *authfile, const char *registry, char **path, struct err *err);
