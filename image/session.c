#include "image/session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"

/* Copies a text of the caller's, so that it may go. */
static int keep(struct strv *texts, const char **text)
{
	if (!*text)
		return 0;
	if (strv_add(texts, *text) < 0)
		return -ENOMEM;
	*text = texts->v[texts->n - 1];
	return 0;
}

static int keep_all(struct fetch_session *s)
{
	const char **const texts[] = {
		&s->options.creds,  &s->options.ghcr_creds, &s->options.authfile,
		&s->options.cacert, &s->options.proxy,      &s->options.platform,
	};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (keep(&s->texts, texts[i]) < 0)
			return -ENOMEM;
	return 0;
}

static int check(struct fetch_options *o, struct err *err)
{
	if (o->jobs > FETCH_JOBS_MAX)
		return err_set(err, -EINVAL, "--jobs must be 1 to %d", FETCH_JOBS_MAX);
	if (o->creds && !strchr(o->creds, ':'))
		return err_set(err, -EINVAL, "--creds must be USER:PASSWORD");
	if (!o->jobs)
		o->jobs = FETCH_JOBS;
	if (!o->stall_timeout)
		o->stall_timeout = FETCH_STALL_TIMEOUT;
	return 0;
}

int fetch_session_open(const struct fetch_options *options, fetch_event_fn *fn, void *arg,
		       struct fetch_session **session, struct err *err)
{
	_cleanup_(fetch_session_closep) struct fetch_session *s = calloc(1, sizeof(*s));
	struct http_options http;
	int r;

	*session = NULL;
	if (!s)
		return err_set(err, -ENOMEM, "no memory for a session");
	s->options = *options;
	if (keep_all(s) < 0)
		return err_set(err, -ENOMEM, "no memory for a session");
	r = check(&s->options, err);
	if (r >= 0)
		r = platform_parse(s->options.platform, &s->platform, err);
	if (r < 0)
		return r;
	http = (struct http_options){
		.proxy = s->options.proxy,
		.cacert = s->options.cacert,
		.insecure = s->options.insecure,
		.stall_timeout = s->options.stall_timeout,
		.limit_rate = s->options.limit_rate,
	};
	r = http_open(&http, &s->http, err);
	if (r < 0)
		return r;
	s->client = (struct registry_client){
		.http = s->http,
		.sources = {s->options.creds, s->options.ghcr_creds, s->options.authfile},
		.plain_http = s->options.plain_http,
		.retries = s->options.retries,
		.fn = fn,
		.arg = arg,
	};
	*session = steal_ptr(&s);
	return 0;
}

void fetch_session_close(struct fetch_session *session)
{
	if (!session)
		return;
	registry_client_free(&session->client);
	http_close(session->http);
	for (size_t i = 0; i < session->texts.n; i++)
		explicit_bzero(session->texts.v[i], strlen(session->texts.v[i]));
	strv_free(&session->texts);
	free(session);
}

void fetch_session_closep(struct fetch_session **session)
{
	fetch_session_close(*session);
	*session = NULL;
}

int fetch_has_credentials(struct fetch_session *session, const char *registry, struct err *err)
{
	_cleanup_(credential_free) struct credential credential = {0};

	return credential_find(&session->client.sources, registry, "", &credential, err);
}

int fetch_digest(struct fetch_session *session, const struct reference *ref, struct digest *digest,
		 struct err *err)
{
	return registry_digest(&session->client, ref, reference_target(ref), digest, err);
}

/* The manifest of the platform, through the index where there is one. */
static int resolve(struct fetch_session *s, const struct reference *ref,
		   struct fetched_image *image, struct err *err)
{
	_cleanup_(registry_manifest_free) struct registry_manifest list = {0};
	_cleanup_(index_free) struct index index = {0};
	const struct index_entry *entry;
	enum manifest_kind kind;
	int r;

	r = registry_manifest(&s->client, ref, reference_target(ref), NULL, &image->manifest, err);
	if (r >= 0)
		r = manifest_kind(image->manifest.bytes, image->manifest.len, image->manifest.type,
				  &kind, err);
	if (r < 0)
		return r;
	image->tag_digest = image->manifest.digest;
	if (kind == MANIFEST_IMAGE)
		return 0;
	list = image->manifest;
	image->manifest = (struct registry_manifest){0};
	r = index_read(list.bytes, list.len, &index, err);
	if (r >= 0)
		r = index_choose(&index, &s->platform, &entry, err);
	if (r >= 0)
		r = registry_manifest(&s->client, ref, entry->descriptor.digest.text,
				      &entry->descriptor, &image->manifest, err);
	if (r >= 0)
		r = manifest_kind(image->manifest.bytes, image->manifest.len, image->manifest.type,
				  &kind, err);
	if (r < 0)
		return r;
	if (kind != MANIFEST_IMAGE || strncmp(image->manifest.type, entry->descriptor.media_type,
					      strlen(entry->descriptor.media_type)) != 0)
		return err_set(err, -EPROTO,
			       "what the index calls a \"%.80s\" is a \"%.80s\": refused",
			       entry->descriptor.media_type, image->manifest.type);
	return 0;
}

int fetch_image(struct fetch_session *s, const struct reference *ref, struct fetched_image *image,
		struct err *err)
{
	int r;

	*image = (struct fetched_image){0};
	r = resolve(s, ref, image, err);
	if (r >= 0)
		r = manifest_read(image->manifest.bytes, image->manifest.len, &image->image, err);
	if (r >= 0)
		r = registry_blob(&s->client, ref, &image->image.config, "the configuration",
				  &image->config_bytes, err);
	if (r >= 0)
		r = config_read(image->config_bytes, image->image.config.size, &image->config, err);
	if (r >= 0)
		r = config_check(&image->config, &s->platform, image->image.n, err);
	if (r >= 0)
		r = manifest_archive(&image->image, image->manifest.bytes, image->manifest.len,
				     &image->text, &image->len, err);
	if (r >= 0)
		r = digest_of(DIGEST_SHA256, image->text, image->len, &image->digest, err);
	if (r < 0)
		fetched_image_free(image);
	return r;
}

void fetched_image_free(struct fetched_image *image)
{
	registry_manifest_free(&image->manifest);
	manifest_free(&image->image);
	free(image->text);
	free(image->config_bytes);
	config_free(&image->config);
	*image = (struct fetched_image){0};
}
