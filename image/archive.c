#include "image/archive.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "image/file.h"

#define BLOCK 512

static const char layout[] = "{\"imageLayoutVersion\": \"1.0.0\"}";

/* POSIX.1-1988's ustar header. */
struct header {
	char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8], type;
	char linkname[100], magic[6], version[2], uname[32], gname[32], major[8], minor[8];
	char prefix[155], padding[12];
};
_Static_assert(sizeof(struct header) == BLOCK, "a ustar header is one block");

static uint64_t blocks(uint64_t size)
{
	return (size + BLOCK - 1) / BLOCK * BLOCK;
}

static void add(struct archive *archive, const struct digest *digest, uint64_t size)
{
	for (size_t i = 0; i < archive->n; i++)
		if (digest_is(&archive->blobs[i].digest, digest))
			return;
	archive->blobs[archive->n].digest = *digest;
	archive->blobs[archive->n++].size = size;
}

static int build_index(struct archive *archive, size_t len)
{
	struct json j = {0};

	json_begin_object(&j, NULL);
	json_int(&j, "schemaVersion", 2);
	json_string(&j, "mediaType", MANIFEST_INDEX_OCI);
	json_begin_array(&j, "manifests");
	json_begin_object(&j, NULL);
	json_string(&j, "mediaType", MANIFEST_TYPE_OCI);
	json_string(&j, "digest", archive->manifest.text);
	json_int(&j, "size", (int64_t)len);
	json_end_object(&j);
	json_end_array(&j);
	json_end_object(&j);
	if (json_finish(&j) < 0) {
		json_reset(&j);
		return -ENOMEM;
	}
	archive->index = j.buf;
	archive->index_len = j.len;
	return 0;
}

int archive_plan(const struct manifest *manifest, const struct digest *digest, size_t len,
		 struct archive *archive, struct err *err)
{
	uint64_t at = 2 * BLOCK; /* the two directories */

	*archive = (struct archive){.manifest = *digest};
	archive->blobs = calloc(manifest->n + 2, sizeof(*archive->blobs));
	if (!archive->blobs || build_index(archive, len) < 0) {
		archive_free(archive);
		return err_set(err, -ENOMEM, "no memory for an archive");
	}
	/* The layers first: those that two images have in common, which are the lower ones, lie at
	 * the same place in both archives, so that a file system can share them. */
	for (size_t i = 0; i < manifest->n; i++)
		add(archive, &manifest->layers[i].descriptor.digest,
		    manifest->layers[i].descriptor.size);
	add(archive, &manifest->config.digest, manifest->config.size);
	add(archive, digest, len);
	for (size_t i = 0; i < archive->n; i++) {
		archive->blobs[i].offset = at + BLOCK;
		at += BLOCK + blocks(archive->blobs[i].size);
	}
	at += BLOCK + blocks(archive->index_len) + BLOCK + blocks(strlen(layout));
	archive->size = at + 2 * BLOCK;
	return 0;
}

void archive_free(struct archive *archive)
{
	free(archive->blobs);
	free(archive->index);
	*archive = (struct archive){0};
}

const struct archive_blob *archive_find(const struct archive *archive, const struct digest *digest)
{
	for (size_t i = 0; i < archive->n; i++)
		if (digest_is(&archive->blobs[i].digest, digest))
			return &archive->blobs[i];
	return NULL;
}

static void fill_header(struct header *h, const char *name, char type, uint64_t size)
{
	unsigned sum = 0;

	*h = (struct header){.type = type, .magic = "ustar", .version = {'0', '0'}};
	snprintf(h->name, sizeof(h->name), "%s", name);
	snprintf(h->mode, sizeof(h->mode), "%07o", type == '5' ? 0755 : 0644);
	snprintf(h->uid, sizeof(h->uid), "%07o", 0);
	snprintf(h->gid, sizeof(h->gid), "%07o", 0);
	snprintf(h->size, sizeof(h->size), "%011llo", (unsigned long long)size);
	snprintf(h->mtime, sizeof(h->mtime), "%011o", 0);
	memset(h->checksum, ' ', sizeof(h->checksum));
	for (size_t i = 0; i < sizeof(*h); i++)
		sum += ((const unsigned char *)h)[i];
	snprintf(h->checksum, sizeof(h->checksum), "%06o", sum);
	h->checksum[7] = ' ';
}

/* A header, and the bytes when there are some. `at` moves behind them. */
static int put(int fd, uint64_t *at, const char *name, char type, const char *bytes, uint64_t size)
{
	struct header header;
	int r;

	fill_header(&header, name, type, size);
	r = file_pwrite(fd, &header, sizeof(header), *at);
	*at += BLOCK;
	if (r >= 0 && bytes)
		r = file_pwrite(fd, bytes, size, *at);
	*at += blocks(size);
	return r;
}

int archive_frame(const struct archive *archive, int fd)
{
	uint64_t at = 0;
	int r = put(fd, &at, "blobs/", '5', NULL, 0);

	if (r >= 0)
		r = put(fd, &at, "blobs/sha256/", '5', NULL, 0);
	for (size_t i = 0; i < archive->n && r >= 0; i++) {
		char name[100];

		snprintf(name, sizeof(name), "blobs/sha256/%s",
			 digest_hex(&archive->blobs[i].digest));
		r = put(fd, &at, name, '0', NULL, archive->blobs[i].size);
	}
	if (r >= 0)
		r = put(fd, &at, "index.json", '0', archive->index, archive->index_len);
	if (r >= 0)
		r = put(fd, &at, "oci-layout", '0', layout, strlen(layout));
	return r;
}

static bool is_zero(const struct header *h)
{
	const char *bytes = (const char *)h;

	for (size_t i = 0; i < sizeof(*h); i++)
		if (bytes[i])
			return false;
	return true;
}

/* An octal field; UINT64_MAX when it is none. */
static uint64_t octal(const char *field, size_t len)
{
	uint64_t value = 0;
	size_t i = 0;

	while (i < len && field[i] == ' ')
		i++;
	for (; i < len && field[i] >= '0' && field[i] <= '7'; i++)
		value = value * 8 + (uint64_t)(field[i] - '0');
	return i < len && field[i] != ' ' && field[i] != '\0' ? UINT64_MAX : value;
}

static bool sum_is_right(const struct header *h)
{
	struct header copy = *h;
	unsigned sum = 0;

	memset(copy.checksum, ' ', sizeof(copy.checksum));
	for (size_t i = 0; i < sizeof(copy); i++)
		sum += ((const unsigned char *)&copy)[i];
	return octal(h->checksum, sizeof(h->checksum)) == sum;
}

int archive_next(int fd, uint64_t *at, struct archive_entry *entry)
{
	struct header h;
	int r = file_pread(fd, &h, sizeof(h), *at);

	if (r < 0)
		return r == -ENODATA ? -EBADMSG : r;
	if (is_zero(&h))
		return 0;
	if (memcmp(h.magic, "ustar", 5) != 0 || !sum_is_right(&h) || h.prefix[0])
		return -EBADMSG;
	memcpy(entry->name, h.name, sizeof(h.name));
	entry->name[100] = '\0';
	entry->type = h.type;
	/* Before ustar, a file had no type. */
	if (!h.type)
		entry->type = '0';
	entry->size = octal(h.size, sizeof(h.size));
	entry->offset = *at + BLOCK;
	if (entry->size > MANIFEST_BLOB_MAX)
		return -EBADMSG;
	*at = entry->offset + (entry->type == '5' ? 0 : blocks(entry->size));
	return 1;
}
