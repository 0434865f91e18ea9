/*
 * tar.h - a tar archive that comes in pieces: its entries are told one after the other. Pure.
 *
 * ustar, GNU (long names, numbers in base 256, sparse files) and pax (path, linkpath, uid, gid,
 * size) are read. Nothing is kept but the header that is being read: at most TAR_META_MAX bytes,
 * whatever the archive says of itself.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

/* A pax header or a long name that is bigger is refused, as by other readers (Go's, which docker's
 * and podman's are, has the same limit). */
#define TAR_META_MAX (1u << 20)

struct tar_entry {
	const char *name, *link; /* as they stand there; "" for no link */
	char type;               /* '0' file, '1' hard link, '2' symlink, '5' directory, … */
	uint64_t uid, gid;
	uint64_t size; /* of the content that follows */
};

/* Told of each entry. 1: its content is wanted, too; 0: not; negative ends the reading. */
typedef int tar_entry_fn(void *arg, const struct tar_entry *entry, struct err *err);
/* The next bytes of a content that is wanted. */
typedef void tar_content_fn(void *arg, const void *bytes, size_t len);

struct tar;

/* NULL: no memory. */
struct tar *tar_new(tar_entry_fn *entry, tar_content_fn *content, void *arg);
void tar_freep(struct tar **tar);

/* The next bytes of the archive. -EBADMSG with a sentence when it is none. */
int tar_add(struct tar *tar, const void *bytes, size_t len, struct err *err);
/* There are no more: -EBADMSG when it is cut. */
int tar_end(const struct tar *tar, struct err *err);
