#include "image/digest.h"

#include <errno.h>
#include <string.h>

#include <openssl/evp.h>

#include "common/cleanup.h"
#include "image/text.h"

static const struct {
	const char *name;
	size_t hex;
	const EVP_MD *(*md)(void);
} kinds[] = {
	[DIGEST_SHA256] = {"sha256", 64, EVP_sha256},
	[DIGEST_SHA512] = {"sha512", 128, EVP_sha512},
};

int digest_parse(const char *text, size_t len, struct digest *digest, struct err *err)
{
	char quoted[80];

	*digest = (struct digest){0};
	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		size_t name = strlen(kinds[k].name);

		if (len <= name || memcmp(text, kinds[k].name, name) != 0 || text[name] != ':')
			continue;
		if (len != name + 1 + kinds[k].hex)
			return err_set(err, -EINVAL, "the digest \"%s\" must have %zu hex digits",
				       text_quote(quoted, sizeof(quoted), text, len), kinds[k].hex);
		for (size_t i = name + 1; i < len; i++)
			if (!text[i] || !strchr("0123456789abcdef", text[i]))
				return err_set(err, -EINVAL,
					       "the digest \"%s\" has a character that is no "
					       "lower-case hex digit",
					       text_quote(quoted, sizeof(quoted), text, len));
		digest->kind = (enum digest_kind)k;
		memcpy(digest->text, text, len);
		digest->text[len] = '\0';
		return 0;
	}
	return err_set(err, -EINVAL, "\"%s\" is no digest: it must begin with sha256: or sha512:",
		       text_quote(quoted, sizeof(quoted), text, len));
}

bool digest_is(const struct digest *a, const struct digest *b)
{
	return strcmp(a->text, b->text) == 0;
}

const char *digest_hex(const struct digest *digest)
{
	const char *colon = strchr(digest->text, ':');

	return colon ? colon + 1 : digest->text;
}

const char *digest_name(enum digest_kind kind)
{
	return kinds[kind].name;
}

int hasher_begin(struct hasher *hasher, enum digest_kind kind, struct err *err)
{
	if (!hasher->ctx)
		hasher->ctx = EVP_MD_CTX_new();
	if (!hasher->ctx || !EVP_DigestInit_ex(hasher->ctx, kinds[kind].md(), NULL))
		return err_set(err, -ENOMEM, "cannot begin a %s", kinds[kind].name);
	hasher->kind = kind;
	return 0;
}

int hasher_add(struct hasher *hasher, const void *bytes, size_t len, struct err *err)
{
	if (!EVP_DigestUpdate(hasher->ctx, bytes, len))
		return err_set(err, -EIO, "cannot compute a %s", kinds[hasher->kind].name);
	return 0;
}

int hasher_end(struct hasher *hasher, struct digest *digest, struct err *err)
{
	unsigned char raw[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	size_t at;

	if (!EVP_DigestFinal_ex(hasher->ctx, raw, &len) || len * 2 != kinds[hasher->kind].hex)
		return err_set(err, -EIO, "cannot compute a %s", kinds[hasher->kind].name);
	*digest = (struct digest){.kind = hasher->kind};
	at = strlen(kinds[hasher->kind].name);
	memcpy(digest->text, kinds[hasher->kind].name, at);
	digest->text[at++] = ':';
	for (unsigned i = 0; i < len; i++) {
		digest->text[at++] = "0123456789abcdef"[raw[i] >> 4];
		digest->text[at++] = "0123456789abcdef"[raw[i] & 15];
	}
	return 0;
}

void hasher_free(struct hasher *hasher)
{
	EVP_MD_CTX_free(hasher->ctx);
	hasher->ctx = NULL;
}

int digest_of(enum digest_kind kind, const void *bytes, size_t len, struct digest *digest,
	      struct err *err)
{
	_cleanup_(hasher_free) struct hasher hasher = {0};
	int r;

	*digest = (struct digest){0};
	r = hasher_begin(&hasher, kind, err);
	if (r >= 0)
		r = hasher_add(&hasher, bytes, len, err);
	return r < 0 ? r : hasher_end(&hasher, digest, err);
}
