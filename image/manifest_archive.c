/*
 * manifest_archive.c - the manifest as it stands in the archive. Proxmox reads only one whose
 * configuration has OCI's type, so Docker's is written anew. (Away from manifest.c: jansson and
 * common/json.h share names.)
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "image/manifest.h"

static void put_descriptor(struct json *j, const char *key, const struct descriptor *descriptor)
{
	json_begin_object(j, key);
	json_string(j, "mediaType", descriptor->media_type);
	json_string(j, "digest", descriptor->digest.text);
	json_int(j, "size", (int64_t)descriptor->size);
	json_end_object(j);
}

int manifest_archive(const struct manifest *manifest, const char *bytes, size_t len, char **text,
		     size_t *text_len, struct err *err)
{
	struct json j = {0};

	if (!manifest->docker) {
		*text = malloc(len + 1);
		if (!*text)
			return err_set(err, -ENOMEM, "no memory for a manifest");
		memcpy(*text, bytes, len);
		(*text)[len] = '\0';
		*text_len = len;
		return 0;
	}
	json_begin_object(&j, NULL);
	json_int(&j, "schemaVersion", 2);
	json_string(&j, "mediaType", MANIFEST_TYPE_OCI);
	put_descriptor(&j, "config", &manifest->config);
	json_begin_array(&j, "layers");
	for (size_t i = 0; i < manifest->n; i++)
		put_descriptor(&j, NULL, &manifest->layers[i].descriptor);
	json_end_array(&j);
	json_end_object(&j);
	if (json_finish(&j) < 0) {
		json_reset(&j);
		return err_set(err, -ENOMEM, "no memory for a manifest");
	}
	*text = j.buf;
	*text_len = j.len;
	return 0;
}
