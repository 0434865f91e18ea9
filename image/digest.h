/*
 * digest.h - `sha256:<hex>` and `sha512:<hex>`: read, compared, computed.
 *
 * A digest that passed digest_parse() is lower-case hex of the right length behind a known name:
 * it has no path characters. Hashing is OpenSSL's EVP, which uses the processor's instructions.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

#define DIGEST_TEXT_MAX (7 + 128 + 1) /* "sha512:", 64 bytes in hex, NUL */

enum digest_kind {
	DIGEST_SHA256 = 0,
	DIGEST_SHA512,
};

struct digest {
	enum digest_kind kind;
	char text[DIGEST_TEXT_MAX]; /* "sha256:…"; "" is no digest */
};

/* Reads the `len` bytes at `text`. -EINVAL with a sentence; what is quoted of the text is short and
 * has no control characters. */
int digest_parse(const char *text, size_t len, struct digest *digest, struct err *err);

bool digest_is(const struct digest *a, const struct digest *b);
/* What is behind the colon. */
const char *digest_hex(const struct digest *digest);
/* "sha256" or "sha512". */
const char *digest_name(enum digest_kind kind);

/* An incremental hash. Start it as `struct hasher h = {0}`; hasher_free() frees what is left, also
 * for _cleanup_(hasher_free). */
struct hasher {
	void *ctx; /* OpenSSL's, NULL before hasher_begin() */
	enum digest_kind kind;
};

int hasher_begin(struct hasher *hasher, enum digest_kind kind, struct err *err);
int hasher_add(struct hasher *hasher, const void *bytes, size_t len, struct err *err);
/* Writes the digest of all that was added. The hasher must be begun again afterwards. */
int hasher_end(struct hasher *hasher, struct digest *digest, struct err *err);
void hasher_free(struct hasher *hasher);

/* The digest of these bytes. */
int digest_of(enum digest_kind kind, const void *bytes, size_t len, struct digest *digest,
	      struct err *err);
