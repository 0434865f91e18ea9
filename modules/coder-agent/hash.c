#include "modules/coder-agent/hash.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/cleanup.h"

#define READ_BYTES (256u * 1024u)

int hash_begin(struct hash *hash, struct err *err)
{
	hash_free(hash);
	hash->ctx = EVP_MD_CTX_new();
	if (!hash->ctx || EVP_DigestInit_ex(hash->ctx, EVP_sha1(), NULL) != 1)
		return err_set(err, -ENOSYS, "OpenSSL does not do SHA-1 here");
	return 0;
}

int hash_add(struct hash *hash, const void *bytes, size_t len, struct err *err)
{
	if (EVP_DigestUpdate(hash->ctx, bytes, len) != 1)
		return err_set(err, -EIO, "OpenSSL cannot go on with its SHA-1");
	return 0;
}

int hash_peek(const struct hash *hash, char sha1[SHA1_HEX], struct err *err)
{
	EVP_MD_CTX *copy = EVP_MD_CTX_new();
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	int good = copy && EVP_MD_CTX_copy_ex(copy, hash->ctx) == 1 &&
		   EVP_DigestFinal_ex(copy, digest, &len) == 1 && len == (SHA1_HEX - 1) / 2;

	EVP_MD_CTX_free(copy);
	if (!good)
		return err_set(err, -EIO, "OpenSSL cannot finish its SHA-1");
	for (unsigned i = 0; i < len; i++)
		snprintf(sha1 + (size_t)i * 2, 3, "%02x", digest[i]);
	return 0;
}

int hash_add_file(struct hash *hash, int fd, uint64_t *size, struct err *err)
{
	_cleanup_free_ char *buf = malloc(READ_BYTES);
	uint64_t at = 0;

	if (!buf)
		return err_sys(err, -ENOMEM, "a file cannot be hashed");
	for (;;) {
		ssize_t n = pread(fd, buf, READ_BYTES, (off_t)at);
		int r;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, -errno, "a file cannot be read");
		if (n == 0)
			break;
		r = hash_add(hash, buf, (size_t)n, err);
		if (r < 0)
			return r;
		at += (uint64_t)n;
	}
	*size = at;
	return 0;
}

void hash_free(struct hash *hash)
{
	EVP_MD_CTX_free(hash->ctx);
	hash->ctx = NULL;
}
