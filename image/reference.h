/*
 * reference.h - the name of an image: `[registry/]repository[:tag][@sha256:…]`.
 *
 * Pure: it reads a text, and touches nothing. What passed here has no upper case in its names, no
 * "..", no control character and no over-long part, so it can be put into a URL, and its basename
 * and tag into a file's name, without another look. The grammar is that of the distribution
 * specification; Docker Hub's short names are written out (`php:8` is `docker.io/library/php:8`).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"
#include "image/digest.h"

#define REFERENCE_HOST_MAX 262 /* a DNS name, ":65535" and the NUL */
#define REFERENCE_NAME_MAX 256 /* 255 is the specification's limit of registry and repository */
#define REFERENCE_TAG_MAX  129
/* A file's name that is made of a reference, with ".tar". Shorter than 255 by what a partial file
 * has behind it. */
#define REFERENCE_FILE_MAX 224
#define REFERENCE_TEXT_MAX \
	(REFERENCE_HOST_MAX + REFERENCE_NAME_MAX + REFERENCE_TAG_MAX + DIGEST_TEXT_MAX)

/* What a text must have. */
enum reference_need {
	REFERENCE_TAG = 0,    /* a tag, and perhaps a digest: what can become a template */
	REFERENCE_IMAGE,      /* a tag, a digest or both */
	REFERENCE_REPOSITORY, /* neither: a repository as a whole */
};

struct reference {
	char registry[REFERENCE_HOST_MAX];   /* as people write it: "docker.io", "ghcr.io", "h:5000"
					      */
	char endpoint[REFERENCE_HOST_MAX];   /* the host (and port) that is spoken to */
	char repository[REFERENCE_NAME_MAX]; /* "shekohex/hakim-js" */
	char tag[REFERENCE_TAG_MAX];         /* "" when there is none */
	struct digest digest;                /* .text is "" when there is none */
};

/* Reads `text`. -EINVAL with a sentence that names the fault. */
int reference_parse(const char *text, enum reference_need need, struct reference *ref,
		    struct err *err);

/* Reads a registry alone (`host[:port]`; Docker Hub by any of its names becomes "docker.io"). */
int reference_registry(const char *text, char registry[REFERENCE_HOST_MAX], struct err *err);

/* A reference of the whole registry: its repository is "". */
int reference_endpoint(const char *text, struct reference *ref, struct err *err);

/* The reference written out, always with its registry. */
void reference_text(const struct reference *ref, char text[REFERENCE_TEXT_MAX]);

/* What a manifest is asked by: the digest where there is one, or the tag. */
const char *reference_target(const struct reference *ref);

/* The last part of the repository: "hakim-js". It is never empty and points into `ref`. */
const char *reference_basename(const struct reference *ref);

/* The name of the archive, `<basename>_<tag>.tar`, as the template of it is called. -EINVAL when
 * it would be too long, -EINVAL without a tag. */
int reference_file(const struct reference *ref, char name[REFERENCE_FILE_MAX], struct err *err);
