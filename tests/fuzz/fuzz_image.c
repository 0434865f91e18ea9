/*
 * fuzz_image.c - libFuzzer over what image/ reads of others: the first byte chooses the room.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "image/archive.h"
#include "image/challenge.h"
#include "image/config.h"
#include "image/credential.h"
#include "image/http_header.h"
#include "image/journal.h"
#include "image/manifest.h"
#include "image/reference.h"
#include "image/retry.h"
#include "image/url.h"

static void challenges(const char *text, size_t len)
{
	struct challenge list[CHALLENGES_MAX];
	size_t n = challenge_read(text, list, 0);

	challenge_read(text, list, n);
}

static void headers(const char *text, size_t len)
{
	struct http_response response = {.length = -1};

	for (const char *line = text; *line;) {
		size_t n = strcspn(line, "\n");

		http_header_line(&response, line, n);
		line += n + (line[n] != '\0');
	}
	http_response_free(&response);
}

static void references(const char *text, size_t len)
{
	struct reference ref;
	char file[REFERENCE_FILE_MAX];
	struct err err;

	for (int need = REFERENCE_TAG; need <= REFERENCE_REPOSITORY; need++)
		if (reference_parse(text, (enum reference_need)need, &ref, &err) >= 0 && *ref.tag &&
		    reference_file(&ref, file, &err) >= 0 && strchr(file, '/'))
			abort();
}

static void manifests(const char *text, size_t len)
{
	struct manifest manifest = {0};
	enum manifest_kind kind;
	struct err err;
	char *bytes = NULL;
	size_t n;

	manifest_kind(text, len, MANIFEST_TYPE_OCI, &kind, &err);
	if (manifest_read(text, len, &manifest, &err) >= 0 &&
	    manifest_archive(&manifest, text, len, &bytes, &n, &err) >= 0)
		free(bytes);
	manifest_free(&manifest);
}

static void indexes(const char *text, size_t len)
{
	struct index index = {0};
	struct platform platform;
	const struct index_entry *entry;
	struct err err;

	if (platform_parse("linux/amd64", &platform, &err) >= 0 &&
	    index_read(text, len, &index, &err) >= 0)
		index_choose(&index, &platform, &entry, &err);
	index_free(&index);
}

static void configs(const char *text, size_t len)
{
	struct config config = {0};
	struct err err;

	config_read(text, len, &config, &err);
	config_free(&config);
}

static void addresses(const char *text, size_t len)
{
	struct url url;
	struct err err;

	if (url_read(text, &url, &err) >= 0)
		url_is_local(&url);
	retry_after(text, 0);
}

static void archives(const char *text, size_t len)
{
	static int fd = -1;
	struct archive_entry entry;
	uint64_t at = 0;

	if (fd < 0)
		fd = memfd_create("fuzz", MFD_CLOEXEC);
	if (ftruncate(fd, 0) < 0 || pwrite(fd, text, len, 0) < 0)
		return;
	for (int i = 0; i < 100 && archive_next(fd, &at, &entry) == 1; i++)
		;
}

static void journals(const char *text, size_t len)
{
	struct archive_blob blobs[2] = {{.size = 10}, {.size = 20}};
	struct archive archive = {.blobs = blobs, .n = 2, .size = 1, .manifest.text = "sha256:0"};
	uint64_t at[2];

	if (journal_read(text, &archive, at) && (at[0] > 10 || at[1] > 20))
		abort();
}

static void credentials(const char *text, size_t len)
{
	struct credential credential = {0};
	struct err err;

	if (credential_decode(text, &credential, &err) >= 0)
		credential_free(&credential);
	free(credential_key(text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static void (*const rooms[])(const char *, size_t) = {
		challenges, headers,   references, manifests, indexes,
		configs,    addresses, archives,   journals,  credentials,
	};
	char *text;

	if (len == 0)
		return 0;
	text = malloc(len);
	if (!text)
		return 0;
	memcpy(text, data + 1, len - 1);
	text[len - 1] = '\0';
	rooms[data[0] % ARRAY_LEN(rooms)](text, len - 1);
	free(text);
	return 0;
}
