/*
 * registry_read.c - what is read of a registry: digests, manifests, small blobs, tags.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "common/cleanup.h"
#include "image/document.h"
#include "image/manifest.h"
#include "image/registry.h"
#include "image/text.h"

#define SMALL_TIMEOUT 120
#define TAGS_PAGE_MAX (4u << 20)

static char *manifest_path(const char *target)
{
	char *path;

	return asprintf(&path, "manifests/%s", target) < 0 ? NULL : path;
}

/* The header, where there is one: 1, 0 or refused. */
static int told_digest(const struct http_response *response, const struct reference *ref,
		       struct digest *digest, struct err *err)
{
	if (!*response->digest)
		return 0;
	if (digest_parse(response->digest, strlen(response->digest), digest, err) < 0) {
		err_prefix(err, "%s sends a Docker-Content-Digest that is none", ref->registry);
		if (err)
			err->code = -EPROTO;
		return -EPROTO;
	}
	return 1;
}

int registry_digest(struct registry_client *client, const struct reference *ref, const char *target,
		    struct digest *digest, struct err *err)
{
	_cleanup_free_ char *path = manifest_path(target);
	struct http_request request = {
		.accept = MANIFEST_ACCEPT, .head = true, .follow = true, .timeout = SMALL_TIMEOUT};
	_cleanup_(registry_manifest_free) struct registry_manifest manifest = {0};
	long status;
	int r;

	if (!path)
		return err_set(err, -ENOMEM, "no memory for a request");
	r = registry_run(client, ref, path, &request, &status, err);
	if (r >= 0)
		r = told_digest(&request.response, ref, digest, err);
	http_request_free(&request);
	if (r == 1 || (r < 0 && status == 0) || r == -EACCES || r == -EUSERS || r == -EPROTO)
		return r < 0 ? r : 0;
	/* Without the header, or of a registry that does not know HEAD. */
	r = registry_manifest(client, ref, target, NULL, &manifest, err);
	if (r >= 0)
		*digest = manifest.digest;
	return r;
}

/* The body has the digest by which it was asked for, and the one that the header says. */
static int check_digests(const struct registry_manifest *manifest, const char *target,
			 const struct http_response *response, const struct reference *ref,
			 struct err *err)
{
	struct digest wanted = {0};
	struct digest told = {0};
	struct digest is;
	int r = told_digest(response, ref, &told, err);

	if (r < 0)
		return r;
	if (strchr(target, ':'))
		digest_parse(target, strlen(target), &wanted, NULL);
	for (size_t i = 0; i < 2; i++) {
		const struct digest *d = i == 0 ? &wanted : &told;

		if (!*d->text)
			continue;
		r = digest_of(d->kind, manifest->bytes, manifest->len, &is, err);
		if (r < 0)
			return r;
		if (!digest_is(d, &is))
			return err_set(err, -EBADMSG,
				       "the manifest of %s is not what its digest says (%s, and %s "
				       "was %s): refused",
				       ref->repository, is.text, d->text,
				       i == 0 ? "asked for" : "announced");
	}
	return 0;
}

int registry_manifest(struct registry_client *client, const struct reference *ref,
		      const char *target, const struct descriptor *want,
		      struct registry_manifest *manifest, struct err *err)
{
	_cleanup_free_ char *path = manifest_path(target);
	struct http_request request = {.accept = MANIFEST_ACCEPT,
				       .follow = true,
				       .max = DOCUMENT_MAX,
				       .timeout = SMALL_TIMEOUT};
	int r;

	*manifest = (struct registry_manifest){0};
	if (!path)
		return err_set(err, -ENOMEM, "no memory for a request");
	r = registry_run(client, ref, path, &request, NULL, err);
	if (r >= 0 && !request.response.body)
		r = err_set(err, -EPROTO, "%s sends an empty manifest", ref->registry);
	if (r >= 0) {
		manifest->bytes = steal_ptr(&request.response.body);
		manifest->len = request.response.len;
		text_set(manifest->type, sizeof(manifest->type), request.response.type);
		r = check_digests(manifest, target, &request.response, ref, err);
	}
	if (r >= 0 && want && want->size != manifest->len)
		r = err_set(
			err, -EPROTO,
			"the index says that the manifest has %llu bytes, and it has %zu: refused",
			(unsigned long long)want->size, manifest->len);
	if (r >= 0)
		r = digest_of(*target == 's' && strncmp(target, "sha512:", 7) == 0 ? DIGEST_SHA512
										   : DIGEST_SHA256,
			      manifest->bytes, manifest->len, &manifest->digest, err);
	http_request_free(&request);
	if (r < 0)
		registry_manifest_free(manifest);
	return r;
}

void registry_manifest_free(struct registry_manifest *manifest)
{
	free(manifest->bytes);
	*manifest = (struct registry_manifest){0};
}

int registry_blob(struct registry_client *client, const struct reference *ref,
		  const struct descriptor *descriptor, const char *what, char **bytes,
		  struct err *err)
{
	struct http_request request = {
		.follow = true, .max = DOCUMENT_MAX, .timeout = SMALL_TIMEOUT};
	char path[DIGEST_TEXT_MAX + 8];
	struct digest is;
	int r;

	*bytes = NULL;
	snprintf(path, sizeof(path), "blobs/%s", descriptor->digest.text);
	if (request.max > descriptor->size)
		request.max = descriptor->size;
	r = registry_run(client, ref, path, &request, NULL, err);
	if (r >= 0 && request.response.len != descriptor->size)
		r = err_set(err, -EPROTO, "%s has %zu bytes, and the manifest says %llu: refused",
			    what, request.response.len, (unsigned long long)descriptor->size);
	if (r >= 0)
		r = digest_of(descriptor->digest.kind, request.response.body, request.response.len,
			      &is, err);
	if (r >= 0 && !digest_is(&is, &descriptor->digest))
		r = err_set(err, -EBADMSG,
			    "%s is not what its digest says (it is %s, not %s): refused", what,
			    is.text, descriptor->digest.text);
	if (r >= 0)
		*bytes = steal_ptr(&request.response.body);
	http_request_free(&request);
	return r;
}

static int add_tags(const char *body, size_t len, struct strv *tags, struct err *err)
{
	_cleanup_(document_drop) json_t *object = NULL;
	const json_t *list;
	int r = document_load(body, len, "the list of tags", &object, err);

	if (r < 0)
		return r;
	list = json_object_get(object, "tags");
	if (list && !json_is_array(list) && !json_is_null(list))
		return err_set(err, -EPROTO, "the list of tags is none");
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *tag = json_string_value(json_array_get(list, i));
		char text[REFERENCE_TAG_MAX];

		if (!tag || strlen(tag) >= sizeof(text))
			return err_set(err, -EPROTO, "the list of tags has one that is none");
		if (tags->n >= TAGS_MAX)
			return err_set(err, -EPROTO, "there are more than %d tags: refused",
				       TAGS_MAX);
		/* They go to a terminal. */
		if (strv_add(tags, text_quote(text, sizeof(text), tag, strlen(tag))) < 0)
			return err_set(err, -ENOMEM, "no memory for tags");
	}
	return 0;
}

/* Of `</v2/…?last=x&n=50>; rel="next"` what is behind the repository's path; of a registry's own
 * host only, since the credentials go along. */
static int next_page(const char *link, const struct reference *ref, char *path, size_t size,
		     struct err *err)
{
	const char *query = strchr(link, '?');
	const char *end = query ? strchr(query, '>') : NULL;

	*path = '\0';
	if (!*link || !strstr(link, "next"))
		return 0;
	if (!query || !end || strcspn(query, " \t\"<\\#") < (size_t)(end - query) ||
	    (size_t)(end - query) + 10 >= size)
		return err_set(err, -EPROTO, "%s sends a link to the next tags that cannot be read",
			       ref->registry);
	snprintf(path, size, "tags/list%.*s", (int)(end - query), query);
	return 0;
}

int registry_tags(struct registry_client *client, const struct reference *ref, struct strv *tags,
		  struct err *err)
{
	char path[1100] = "tags/list?n=1000";
	int r = 0;

	while (*path && r >= 0) {
		struct http_request request = {
			.follow = true, .max = TAGS_PAGE_MAX, .timeout = SMALL_TIMEOUT};
		size_t before = tags->n;

		r = registry_run(client, ref, path, &request, NULL, err);
		if (r >= 0)
			r = add_tags(request.response.body ? request.response.body : "",
				     request.response.len, tags, err);
		if (r >= 0)
			r = next_page(request.response.link, ref, path, sizeof(path), err);
		/* A page of nothing that leads on would lead on for ever. */
		if (r >= 0 && *path && tags->n == before)
			r = err_set(err, -EPROTO, "%s sends empty pages of tags: refused",
				    ref->registry);
		http_request_free(&request);
	}
	return r;
}
