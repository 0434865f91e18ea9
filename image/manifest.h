/*
 * manifest.h - indexes and manifests: read, checked, chosen, converted. Pure.
 *
 * What passes here is an image that Proxmox takes: an OCI manifest (or Docker's schema 2, which
 * manifest_archive() converts) with a configuration and layers of tar, tar+gzip or tar+zstd that
 * the registry itself has. Everything else is refused by a sentence: -EPROTO when it is not what
 * the specification allows, -ENOTSUP when it is another kind of thing.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "image/descriptor.h"
#include "image/platform.h"

/* An Accept header of all four kinds: without it, a registry may say that there is none. */
#define MANIFEST_ACCEPT                                         \
	"application/vnd.oci.image.manifest.v1+json,"           \
	"application/vnd.docker.distribution.manifest.v2+json," \
	"application/vnd.oci.image.index.v1+json,"              \
	"application/vnd.docker.distribution.manifest.list.v2+json"

#define MANIFEST_TYPE_OCI  "application/vnd.oci.image.manifest.v1+json"
#define MANIFEST_INDEX_OCI "application/vnd.oci.image.index.v1+json"

#define MANIFEST_LAYERS_MAX  1000
#define MANIFEST_ENTRIES_MAX 1000
/* The size field of a ustar header holds 11 octal digits. */
#define MANIFEST_BLOB_MAX ((UINT64_C(1) << 33) - 1)

enum manifest_kind {
	MANIFEST_IMAGE = 0,
	MANIFEST_INDEX,
};

/* Which of the two it is. `type` is the answer's Content-Type (parameters are passed over); what
 * the body says of itself must be the same. A body that is both is refused. */
int manifest_kind(const char *bytes, size_t len, const char *type, enum manifest_kind *kind,
		  struct err *err);

struct index_entry {
	struct descriptor descriptor;
	struct platform platform; /* .os is "" when the entry has none */
	bool attestation;         /* says something about another entry, and is no image */
};

struct index {
	struct index_entry *entries;
	size_t n;
};

int index_read(const char *bytes, size_t len, struct index *index, struct err *err);
void index_free(struct index *index); /* also for _cleanup_(index_free) */

/* The first entry for this platform. -ENOTSUP names the platforms that there are. */
int index_choose(const struct index *index, const struct platform *platform,
		 const struct index_entry **entry, struct err *err);

enum layer_kind {
	LAYER_TAR = 0,
	LAYER_GZIP,
	LAYER_ZSTD,
};

struct layer {
	struct descriptor descriptor; /* with the OCI media type */
	enum layer_kind kind;
};

struct manifest {
	bool docker; /* it is a schema 2 manifest */
	struct descriptor config;
	struct layer *layers; /* in order; a blob may be there twice */
	size_t n;
};

int manifest_read(const char *bytes, size_t len, struct manifest *manifest, struct err *err);
void manifest_free(struct manifest *manifest); /* also for _cleanup_(manifest_free) */

/* The bytes of the manifest as it stands in the archive: `bytes` themselves, or for Docker's the
 * converted manifest, which is always the same for the same one. The caller frees *text. */
int manifest_archive(const struct manifest *manifest, const char *bytes, size_t len, char **text,
		     size_t *text_len, struct err *err);
