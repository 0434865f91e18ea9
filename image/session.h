/*
 * session.h - what is behind struct fetch_session; for the rooms that read a registry without
 * fetching (inspect, tags).
 */
#pragma once

#include "image/fetch.h"
#include "image/config.h"
#include "image/manifest.h"
#include "image/registry.h"

struct fetch_session {
	struct fetch_options options;
	struct strv texts; /* the options' own */
	struct platform platform;
	struct http *http;
	struct registry_client client;
};

/* An image, read and checked. */
struct fetched_image {
	struct digest tag_digest;          /* what the reference named */
	struct registry_manifest manifest; /* as the registry has it */
	struct manifest image;             /* what it says */
	char *text;                        /* as it stands in the archive */
	size_t len;
	struct digest digest; /* sha256 of that */
	char *config_bytes;
	struct config config;
};

int fetch_image(struct fetch_session *session, const struct reference *ref,
		struct fetched_image *image, struct err *err);
void fetched_image_free(struct fetched_image *image);
