#include "image/manifest.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "image/document.h"
#include "image/text.h"

static const struct {
	const char *type;
	enum manifest_kind kind;
	bool docker;
} manifest_types[] = {
	{MANIFEST_TYPE_OCI, MANIFEST_IMAGE, false},
	{MANIFEST_INDEX_OCI, MANIFEST_INDEX, false},
	{"application/vnd.docker.distribution.manifest.v2+json", MANIFEST_IMAGE, true},
	{"application/vnd.docker.distribution.manifest.list.v2+json", MANIFEST_INDEX, true},
};

#define CONFIG_OCI    "application/vnd.oci.image.config.v1+json"
#define CONFIG_DOCKER "application/vnd.docker.container.image.v1+json"

static const struct {
	const char *oci, *docker;
	enum layer_kind kind;
} layer_types[] = {
	{"application/vnd.oci.image.layer.v1.tar+gzip",
	 "application/vnd.docker.image.rootfs.diff.tar.gzip", LAYER_GZIP},
	{"application/vnd.oci.image.layer.v1.tar", "application/vnd.docker.image.rootfs.diff.tar",
	 LAYER_TAR},
	{"application/vnd.oci.image.layer.v1.tar+zstd",
	 "application/vnd.docker.image.rootfs.diff.tar.zstd", LAYER_ZSTD},
};

/* The row of a media type, or -1. */
static int find_type(const char *type)
{
	size_t len = strcspn(type, "; \t");

	for (size_t i = 0; i < ARRAY_LEN(manifest_types); i++)
		if (strlen(manifest_types[i].type) == len &&
		    strncasecmp(manifest_types[i].type, type, len) == 0)
			return (int)i;
	return -1;
}

int manifest_kind(const char *bytes, size_t len, const char *type, enum manifest_kind *kind,
		  struct err *err)
{
	_cleanup_(document_drop) json_t *object = NULL;
	const json_t *version;
	const char *said;
	bool is_image;
	bool is_index;
	int row;
	int r;

	/* Schema 1 comes under its own types, also signed. */
	if (type && strstr(type, "vnd.docker.distribution.manifest.v1"))
		return err_set(
			err, -ENOTSUP,
			"the image is of Docker's schema 1, which is not taken: push it anew");
	row = type ? find_type(type) : -1;
	if (row < 0)
		return err_set(err, -EPROTO,
			       "the registry calls the manifest \"%.80s\", which is no type of a "
			       "manifest",
			       type ? type : "");
	r = document_load(bytes, len, "the manifest", &object, err);
	if (r < 0)
		return r;
	version = json_object_get(object, "schemaVersion");
	if (json_is_integer(version) && json_integer_value(version) == 1)
		return err_set(
			err, -ENOTSUP,
			"the image is of Docker's schema 1, which is not taken: push it anew");
	if (!json_is_integer(version) || json_integer_value(version) != 2)
		return err_set(err, -EPROTO, "the manifest has no schemaVersion 2");
	r = document_string(object, "mediaType", "the manifest", &said, err);
	if (r < 0)
		return r;
	if (said && find_type(said) != row)
		return err_set(
			err, -EPROTO,
			"the manifest says it is \"%.80s\", and the registry says \"%.80s\": "
			"refused",
			said, type);
	/* Docker's always says its type. */
	if (!said && manifest_types[row].docker)
		return err_set(err, -EPROTO, "the manifest does not say its mediaType");
	/* CVE-2021-41190: what one reader takes for an index, another takes for an image. */
	is_image = json_object_get(object, "config") || json_object_get(object, "layers") ||
		   json_object_get(object, "fsLayers");
	is_index = json_object_get(object, "manifests") != NULL;
	if (is_image && is_index)
		return err_set(err, -EPROTO,
			       "the manifest is an index and an image at once: refused");
	*kind = manifest_types[row].kind;
	if ((*kind == MANIFEST_INDEX) != is_index)
		return err_set(err, -EPROTO, "the manifest is not what its type says: refused");
	return 0;
}

static bool is_attestation(const json_t *entry, const struct platform *platform)
{
	const json_t *annotations = json_object_get(entry, "annotations");

	return (strcmp(platform->os, "unknown") == 0 &&
		strcmp(platform->architecture, "unknown") == 0) ||
	       json_object_get(annotations, "vnd.docker.reference.type");
}

static int read_entry(const json_t *object, struct index_entry *entry, struct err *err)
{
	const json_t *platform = json_object_get(object, "platform");
	const char *os;
	const char *architecture;
	const char *variant;
	int r;

	r = descriptor_read(object, "an entry of the index", &entry->descriptor, err);
	if (r < 0)
		return r;
	r = document_string(platform, "os", "a platform", &os, err);
	if (r >= 0)
		r = document_string(platform, "architecture", "a platform", &architecture, err);
	if (r >= 0)
		r = document_string(platform, "variant", "a platform", &variant, err);
	if (r < 0)
		return r;
	if (!platform_set(&entry->platform, os, architecture, variant))
		return err_set(err, -EPROTO, "a platform of the index has an over-long name");
	entry->attestation = is_attestation(object, &entry->platform);
	return 0;
}

int index_read(const char *bytes, size_t len, struct index *index, struct err *err)
{
	_cleanup_(document_drop) json_t *object = NULL;
	const json_t *list;
	int r;

	*index = (struct index){0};
	r = document_load(bytes, len, "the index", &object, err);
	if (r < 0)
		return r;
	list = json_object_get(object, "manifests");
	if (!json_is_array(list) || json_array_size(list) == 0)
		return err_set(err, -EPROTO, "the index has no entries");
	if (json_array_size(list) > MANIFEST_ENTRIES_MAX)
		return err_set(err, -EPROTO, "the index has more than %d entries: refused",
			       MANIFEST_ENTRIES_MAX);
	index->entries = calloc(json_array_size(list), sizeof(*index->entries));
	if (!index->entries)
		return err_set(err, -ENOMEM, "no memory for an index");
	index->n = json_array_size(list);
	for (size_t i = 0; i < index->n; i++) {
		r = read_entry(json_array_get(list, i), &index->entries[i], err);
		if (r < 0) {
			index_free(index);
			return r;
		}
	}
	return 0;
}

void index_free(struct index *index)
{
	free(index->entries);
	*index = (struct index){0};
}

/* -ENOTSUP with all platforms that there are. */
static int no_platform(const struct index *index, const struct platform *platform, struct err *err)
{
	char wanted[PLATFORM_TEXT_MAX];
	char all[300] = "";
	size_t used = 0;

	platform_text(platform, wanted);
	for (size_t i = 0; i < index->n && used < sizeof(all); i++) {
		char text[PLATFORM_TEXT_MAX];

		if (index->entries[i].attestation || !*index->entries[i].platform.os)
			continue;
		platform_text(&index->entries[i].platform, text);
		used += (size_t)snprintf(all + used, sizeof(all) - used, "%s%s", used ? ", " : "",
					 text);
	}
	if (!*all)
		return err_set(err, -ENOTSUP, "the index has no image, only attestations");
	return err_set(err, -ENOTSUP, "the image is not there for %s, only for: %s", wanted, all);
}

int index_choose(const struct index *index, const struct platform *platform,
		 const struct index_entry **entry, struct err *err)
{
	for (size_t i = 0; i < index->n; i++) {
		const struct index_entry *e = &index->entries[i];
		int row;

		if (e->attestation || !platform_is(&e->platform, platform))
			continue;
		row = find_type(e->descriptor.media_type);
		if (row < 0 || manifest_types[row].kind != MANIFEST_IMAGE)
			return err_set(err, -ENOTSUP,
				       "the index has a \"%.80s\" for this platform, and no image",
				       e->descriptor.media_type);
		if (e->descriptor.size > DOCUMENT_MAX)
			return err_set(err, -EPROTO,
				       "the index names a manifest of more than %u bytes: refused",
				       DOCUMENT_MAX);
		*entry = e;
		return 0;
	}
	return no_platform(index, platform, err);
}

static int read_layer(const json_t *object, bool docker, size_t i, struct layer *layer,
		      struct err *err)
{
	char what[32];
	int r;

	snprintf(what, sizeof(what), "layer %zu", i + 1);
	r = descriptor_read(object, what, &layer->descriptor, err);
	if (r < 0)
		return r;
	/* CVE-2020-15157: a URL of the image's choice is never asked for anything. */
	if (json_object_get(object, "urls") || strstr(layer->descriptor.media_type, ".foreign.") ||
	    strstr(layer->descriptor.media_type, ".nondistributable."))
		return err_set(
			err, -ENOTSUP,
			"%s lies elsewhere (a foreign layer), and is not fetched from there: "
			"refused",
			what);
	if (layer->descriptor.size > MANIFEST_BLOB_MAX)
		return err_set(err, -ENOTSUP,
			       "%s is bigger than 8 GiB, which the archive cannot hold", what);
	if (layer->descriptor.digest.kind != DIGEST_SHA256)
		return err_set(err, -ENOTSUP,
			       "%s is named by a sha512, which the archive cannot hold", what);
	for (size_t t = 0; t < ARRAY_LEN(layer_types); t++) {
		if (strcmp(layer->descriptor.media_type,
			   docker ? layer_types[t].docker : layer_types[t].oci) != 0)
			continue;
		text_set(layer->descriptor.media_type, DESCRIPTOR_TYPE_MAX, layer_types[t].oci);
		layer->kind = layer_types[t].kind;
		return 0;
	}
	return err_set(err, -ENOTSUP, "%s is a \"%.80s\", and no tar, tar+gzip or tar+zstd", what,
		       layer->descriptor.media_type);
}

static int read_config(const json_t *object, struct manifest *manifest, struct err *err)
{
	int r = descriptor_read(json_object_get(object, "config"), "the configuration",
				&manifest->config, err);

	if (r < 0)
		return r;
	if (strcmp(manifest->config.media_type, manifest->docker ? CONFIG_DOCKER : CONFIG_OCI) != 0)
		return err_set(err, -ENOTSUP,
			       "it is no image of a container: its configuration is a \"%.80s\"",
			       manifest->config.media_type);
	if (manifest->config.size > DOCUMENT_MAX)
		return err_set(err, -EPROTO, "the configuration is bigger than %u bytes: refused",
			       DOCUMENT_MAX);
	if (manifest->config.digest.kind != DIGEST_SHA256)
		return err_set(
			err, -ENOTSUP,
			"the configuration is named by a sha512, which the archive cannot hold");
	text_set(manifest->config.media_type, DESCRIPTOR_TYPE_MAX, CONFIG_OCI);
	return 0;
}

/* One digest with two sizes: one of them is a lie. */
static int check_sizes(const struct manifest *manifest, struct err *err)
{
	for (size_t i = 0; i < manifest->n; i++) {
		const struct descriptor *a = &manifest->layers[i].descriptor;

		if (digest_is(&a->digest, &manifest->config.digest))
			return err_set(err, -EPROTO, "layer %zu is the configuration, too: refused",
				       i + 1);
		for (size_t j = 0; j < i; j++) {
			const struct descriptor *b = &manifest->layers[j].descriptor;

			if (digest_is(&a->digest, &b->digest) && a->size != b->size)
				return err_set(err, -EPROTO,
					       "layers %zu and %zu have one digest and two sizes: "
					       "refused",
					       j + 1, i + 1);
		}
	}
	return 0;
}

static int read_layers(const json_t *object, struct manifest *manifest, struct err *err)
{
	const json_t *list = json_object_get(object, "layers");

	if (!json_is_array(list) || json_array_size(list) == 0)
		return err_set(err, -ENOTSUP,
			       "the image has no layers: nothing could boot from it");
	if (json_array_size(list) > MANIFEST_LAYERS_MAX)
		return err_set(err, -EPROTO, "the image has more than %d layers: refused",
			       MANIFEST_LAYERS_MAX);
	manifest->layers = calloc(json_array_size(list), sizeof(*manifest->layers));
	if (!manifest->layers)
		return err_set(err, -ENOMEM, "no memory for a manifest");
	manifest->n = json_array_size(list);
	for (size_t i = 0; i < manifest->n; i++) {
		int r = read_layer(json_array_get(list, i), manifest->docker, i,
				   &manifest->layers[i], err);

		if (r < 0)
			return r;
	}
	return check_sizes(manifest, err);
}

int manifest_read(const char *bytes, size_t len, struct manifest *manifest, struct err *err)
{
	_cleanup_(document_drop) json_t *object = NULL;
	const char *type;
	int row;
	int r;

	*manifest = (struct manifest){0};
	r = document_load(bytes, len, "the manifest", &object, err);
	if (r >= 0)
		r = document_string(object, "mediaType", "the manifest", &type, err);
	if (r < 0)
		return r;
	row = type ? find_type(type) : -1;
	manifest->docker = row >= 0 && manifest_types[row].docker;
	/* An artifact in the clothes of an image (OCI 1.1). */
	if (json_object_get(object, "artifactType"))
		return err_set(err, -ENOTSUP, "it is an artifact, and no image of a container");
	r = read_config(object, manifest, err);
	if (r >= 0)
		r = read_layers(object, manifest, err);
	if (r < 0)
		manifest_free(manifest);
	return r;
}

void manifest_free(struct manifest *manifest)
{
	free(manifest->layers);
	*manifest = (struct manifest){0};
}
