/*
 * hash.h - SHA-1 by OpenSSL. Only for what Coder uses it: to see whether a file arrived whole. It
 * proves no origin.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "modules/coder-agent/etag.h"

struct hash {
	void *ctx; /* EVP_MD_CTX */
};

int hash_begin(struct hash *hash, struct err *err);
int hash_add(struct hash *hash, const void *bytes, size_t len, struct err *err);
/* The digest of what was added so far; more can be added after it. */
int hash_peek(const struct hash *hash, char sha1[SHA1_HEX], struct err *err);
/* Adds all of a file from its beginning, whatever the fd's offset is. `*size` gets how much that
 * was. */
int hash_add_file(struct hash *hash, int fd, uint64_t *size, struct err *err);
void hash_free(struct hash *hash);
