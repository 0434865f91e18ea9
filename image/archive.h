/*
 * archive.h - the archive that Proxmox takes: an OCI layout in a ustar file, whose every offset is
 * known before the first byte.
 *
 *	blobs/  blobs/sha256/  blobs/sha256/<hex>…  index.json  oci-layout
 *
 * and two zero blocks. Names have no "./" (Proxmox takes it for no OCI archive then); owner, mode
 *and time are always the same, so that the same image is the same file.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "image/manifest.h"

struct archive_blob {
	struct digest digest;
	uint64_t size;
	uint64_t offset; /* of its first byte in the archive */
};

struct archive {
	struct archive_blob *blobs; /* the layers, the config, the manifest; each once */
	size_t n;
	uint64_t size;
	char *index; /* index.json */
	size_t index_len;
	struct digest manifest; /* sha256, of the manifest in it */
};

/* Plans the archive of a manifest whose bytes have this digest and length. */
int archive_plan(const struct manifest *manifest, const struct digest *digest, size_t len,
		 struct archive *archive, struct err *err);
void archive_free(struct archive *archive); /* also for _cleanup_(archive_free) */

/* NULL when it is not in it. */
const struct archive_blob *archive_find(const struct archive *archive, const struct digest *digest);

/* Writes all that is no blob into the file, which is of archive.size and zero where nothing was
 * written. Negative errno. */
int archive_frame(const struct archive *archive, int fd);

/* One entry of an archive that somebody wrote. */
struct archive_entry {
	char name[101];
	char type; /* '0' or '5', or whatever it is */
	uint64_t size;
	uint64_t offset;
};

/* Reads the next entry; *at is 0 at first. 1: there is one; 0: the end; -EBADMSG: it is no ustar
 * archive, or is cut; other: cannot be read. */
int archive_next(int fd, uint64_t *at, struct archive_entry *entry);
