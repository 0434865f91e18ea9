/* Names of images, digests, platforms, and addresses: what becomes part of a path or a URL. */
#include <string.h>

#include "image/platform.h"
#include "image/reference.h"
#include "image/retry.h"
#include "image/url.h"
#include "tests/fuzz/fuzz.h"

static void check(const struct reference *ref, enum reference_need need)
{
	char text[REFERENCE_TEXT_MAX], file[REFERENCE_FILE_MAX];
	struct reference again;
	struct err err;

	FUZZ_MUST(!strstr(ref->repository, "..") && *reference_basename(ref));
	FUZZ_MUST(strspn(ref->repository, "abcdefghijklmnopqrstuvwxyz0123456789._-/") ==
		  strlen(ref->repository));
	if (*ref->tag && reference_file(ref, file, &err) >= 0)
		FUZZ_MUST(!strchr(file, '/') && *file != '.' && *file != '-');
	/* What is written out is the same one again. */
	reference_text(ref, text);
	FUZZ_MUST(reference_parse(text, need, &again, &err) >= 0);
	FUZZ_MUST(strcmp(ref->repository, again.repository) == 0 &&
		  strcmp(ref->endpoint, again.endpoint) == 0 && strcmp(ref->tag, again.tag) == 0 &&
		  strcmp(ref->digest.text, again.digest.text) == 0);
}

FUZZ_TARGET(image_reference)
{
	char registry[REFERENCE_HOST_MAX], written[PLATFORM_TEXT_MAX];
	struct platform platform, other;
	struct reference ref;
	struct digest digest;
	struct url url, docker;
	struct err err;
	bool trusted;

	for (int need = REFERENCE_TAG; need <= REFERENCE_REPOSITORY; need++)
		if (reference_parse(text, (enum reference_need)need, &ref, &err) >= 0)
			check(&ref, (enum reference_need)need);
	reference_registry(text, registry, &err);
	reference_endpoint(text, &ref, &err);
	if (digest_parse(text, len, &digest, &err) >= 0)
		FUZZ_MUST(!strchr(digest.text, '/') && !strchr(digest.text, '.'));
	if (platform_parse(text, &platform, &err) >= 0) {
		platform_text(&platform, written);
		FUZZ_MUST(platform_parse(written, &other, &err) >= 0 &&
			  platform_is(&platform, &other));
	}
	if (url_read(text, &url, &err) >= 0 &&
	    url_read("https://registry-1.docker.io/v2/", &docker, &err) >= 0) {
		FUZZ_MUST(url.port != 0 && *url.host);
		/* Never to a local address, never back to plain http. */
		if (url_check_redirect(&docker, &url, &err) >= 0)
			FUZZ_MUST(url.https && !url_is_local(&url));
		if (url_check_realm(&docker, &url, &trusted, &err) >= 0)
			FUZZ_MUST(url.https && !url_is_local(&url));
	}
	FUZZ_MUST(retry_after(text, 1764000000) >= -1);
}
