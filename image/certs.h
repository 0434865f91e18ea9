/*
 * certs.h - the certificates that the machine's owner has laid down for a registry:
 * certs.d/HOST[:PORT]/ with *.crt (trusted besides the system's), NAME.cert and NAME.key (shown to
 * it), as podman, skopeo and docker read them.
 */
#pragma once

#include <stddef.h>

#include "common/err.h"

struct certs {
	char *ca; /* PEM of all *.crt and of --cacert, or NULL */
	size_t ca_len;
	char *cert, *key; /* paths, or NULL */
};

/* Reads those of `host` ("h", "h:5000"), and `cacert` (a path, or NULL). A directory that is not
 * there is no error; a file that cannot be read is. */
int certs_read(const char *host, const char *cacert, struct certs *certs, struct err *err);
void certs_free(struct certs *certs); /* also for _cleanup_(certs_free) */
