#include "image/layers.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"
#include "image/unpack.h"

/* One layer on its way. */
struct reading {
	const struct layer *layer;
	const struct reference *ref;
	struct hasher hasher; /* of the bytes as they come */
	uint64_t at;
	struct unpack *unpack;
	uint64_t *left, left_before; /* of all layers, unpacked */
	struct survey_layer *contents;
	struct survey *survey, before; /* as it was before this layer */
};

static void reading_free(struct reading *r)
{
	hasher_free(&r->hasher);
	unpack_freep(&r->unpack);
	survey_layer_freep(&r->contents);
}

/* An attempt begins, from the first byte: what one before it has told is forgotten. */
static int begin(struct reading *r, struct err *err)
{
	reading_free(r);
	*r->survey = r->before;
	*r->left = r->left_before;
	r->at = 0;
	r->contents = survey_layer_new(r->survey);
	if (r->contents)
		r->unpack = unpack_new(r->layer->kind, survey_layer_add, r->contents);
	if (!r->unpack)
		return err_set(err, -ENOMEM, "no memory to unpack it");
	unpack_limit(r->unpack, r->left);
	return hasher_begin(&r->hasher, r->layer->descriptor.digest.kind, err);
}

static int on_head(void *arg, const struct http_response *response, struct err *err)
{
	struct reading *r = arg;
	uint64_t size = r->layer->descriptor.size;

	if (response->status != 200)
		return err_set(err, -EPROTO, "%s answers with status %ld: refused",
			       r->ref->registry, response->status);
	if (response->length >= 0 && (uint64_t)response->length != size)
		return err_set(err, -EPROTO,
			       "%s has %" PRId64 " bytes, and the manifest says %" PRIu64
			       ": refused",
			       r->ref->registry, response->length, size);
	return begin(r, err);
}

static int on_bytes(void *arg, const void *bytes, size_t len, struct err *err)
{
	struct reading *r = arg;
	int result;

	if (len > r->layer->descriptor.size - r->at)
		return err_set(err, -EPROTO,
			       "%s sends more bytes than the manifest says (%" PRIu64 "): refused",
			       r->ref->registry, r->layer->descriptor.size);
	r->at += len;
	result = hasher_add(&r->hasher, bytes, len, err);
	return result < 0 ? result : unpack_add(r->unpack, bytes, len, err);
}

/* All came that there was. */
static int check(struct reading *r, const char *diff_id, struct err *err)
{
	const struct descriptor *d = &r->layer->descriptor;
	struct digest is;
	int result;

	if (r->at != d->size)
		return err_set(err, -EPROTO,
			       "%s has %" PRIu64 " bytes, and the manifest says %" PRIu64
			       ": refused",
			       r->ref->registry, r->at, d->size);
	result = hasher_end(&r->hasher, &is, err);
	if (result >= 0 && !digest_is(&is, &d->digest))
		return err_set(err, -EBADMSG,
			       "it is not what its digest says (%s, and it is %s): refused",
			       d->digest.text, is.text);
	if (result >= 0)
		result = unpack_end(r->unpack, diff_id, err);
	return result < 0 ? result : survey_layer_end(r->contents, err);
}

static int survey_one(struct fetch_session *session, const struct reference *ref,
		      const struct layer *layer, const char *diff_id, struct survey *survey,
		      uint64_t *left, struct err *err)
{
	_cleanup_(reading_free) struct reading reading = {.layer = layer,
							  .ref = ref,
							  .survey = survey,
							  .before = *survey,
							  .left_before = *left};
	struct http_request request = {
		.follow = true, .on_head = on_head, .sink = on_bytes, .arg = &reading};
	char path[DIGEST_TEXT_MAX + 8];
	int r;

	reading.left = left;
	snprintf(path, sizeof(path), "blobs/%s", layer->descriptor.digest.text);
	r = registry_run(&session->client, ref, path, &request, NULL, err);
	http_request_free(&request);
	return r < 0 ? r : check(&reading, diff_id, err);
}

int layers_survey(struct fetch_session *session, const struct reference *ref,
		  const struct fetched_image *image, struct survey *survey, struct err *err)
{
	uint64_t left = UNPACK_MAX;

	for (size_t i = 0; i < image->image.n; i++) {
		int r = survey_one(session, ref, &image->image.layers[i],
				   image->config.diff_ids.v[i], survey, &left, err);

		if (r < 0)
			return err_prefix(err, "layer %zu", i + 1);
	}
	return 0;
}
