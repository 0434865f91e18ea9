/* The documents of a registry: manifests, indexes, configurations. */
#include <string.h>

#include "image/archive.h"
#include "image/config.h"
#include "image/manifest.h"
#include "image/verify.h"
#include "tests/fuzz/fuzz.h"

static void as_manifest(const char *bytes, size_t len)
{
	struct manifest manifest = {0}, again = {0};
	struct archive archive = {0};
	struct digest digest;
	struct err err;
	char *text = NULL;
	size_t n = 0;

	if (manifest_read(bytes, len, &manifest, &err) >= 0) {
		FUZZ_MUST(manifest.n > 0 && manifest.n <= MANIFEST_LAYERS_MAX);
		if (manifest_archive(&manifest, bytes, len, &text, &n, &err) >= 0) {
			/* What goes into the archive is read back by whoever verifies it. */
			FUZZ_MUST(manifest_read(text, n, &again, &err) >= 0 && !again.docker &&
				  again.n == manifest.n);
			digest_of(DIGEST_SHA256, text, n, &digest, &err);
			archive_plan(&again, &digest, n, &archive, &err);
			archive_free(&archive);
		}
	}
	free(text);
	manifest_free(&again);
	manifest_free(&manifest);
}

static void as_index(const char *bytes, size_t len)
{
	struct index index = {0};
	struct platform platform;
	const struct index_entry *entry = NULL;
	struct err err;

	if (platform_parse("linux/arm64", &platform, &err) >= 0 &&
	    index_read(bytes, len, &index, &err) >= 0 &&
	    index_choose(&index, &platform, &entry, &err) >= 0)
		FUZZ_MUST(!entry->attestation);
	index_free(&index);
}

static void as_config(const char *bytes, size_t len)
{
	struct config config = {0};
	struct strv warnings = {0};
	struct err err;

	if (config_read(bytes, len, &config, &err) >= 0) {
		config_check(&config, &config.platform, 2, &err);
		verify_warnings(&config, &warnings);
	}
	strv_free(&warnings);
	config_free(&config);
}

FUZZ_TARGET(image_manifest)
{
	static const char *const types[] = {
		MANIFEST_TYPE_OCI, MANIFEST_INDEX_OCI, "",
		"application/vnd.docker.distribution.manifest.v2+json; charset=utf-8"};
	char *bytes = fuzz_bytes(text, len);
	enum manifest_kind kind;
	struct err err;

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		manifest_kind(bytes, len, types[i], &kind, &err);
	as_manifest(bytes, len);
	as_index(bytes, len);
	as_config(bytes, len);
	free(bytes);
}
