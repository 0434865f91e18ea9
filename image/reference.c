/*
 * The grammar: github.com/distribution/reference, as the distribution specification has it.
 *
 *	component  [a-z0-9]+ ( ( "." | "_" | "__" | "-"+ ) [a-z0-9]+ )*
 *	repository component ( "/" component )*
 *	tag        [A-Za-z0-9_] [A-Za-z0-9_.-]{0,127}
 *
 * The first part is a registry when it has a dot or a port, or is "localhost".
 */
#include "image/reference.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "image/text.h"

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGIT "0123456789"

#define HUB "docker.io"
/* All names of Docker Hub's registry, and where it really is. */
static const char *const hub_names[] = {HUB, "index.docker.io", "registry-1.docker.io"};
static const char hub_endpoint[] = "registry-1.docker.io";

/* What is quoted in an error: short, and without control characters. */
struct quoted {
	char text[100];
};

static const char *quote(const char *text, struct quoted *quoted)
{
	return text_quote(quoted->text, sizeof(quoted->text), text, strlen(text));
}

static int check_component(const char *s, size_t len)
{
	size_t i = 0;

	if (len == 0)
		return -EINVAL;
	while (i < len) {
		size_t word = i;
		size_t mark;

		while (i < len && strchr(LOWER DIGIT, s[i]))
			i++;
		if (i == word)
			return -EINVAL;
		if (i == len)
			return 0;
		mark = i;
		while (i < len && s[i] == s[mark] && strchr("._-", s[i]))
			i++;
		/* One dot, one or two underscores, any number of dashes. */
		if (i == mark || i == len || (s[mark] == '.' && i - mark > 1) ||
		    (s[mark] == '_' && i - mark > 2))
			return -EINVAL;
	}
	return -EINVAL;
}

static int check_repository(const char *repository, const char *whole, struct err *err)
{
	struct quoted q;

	if (!*repository)
		return err_set(err, -EINVAL, "the reference \"%s\" names no repository",
			       quote(whole, &q));
	if (strpbrk(repository, UPPER))
		return err_set(err, -EINVAL,
			       "the repository of \"%s\" has upper-case letters: a registry knows "
			       "lower case only",
			       quote(whole, &q));
	for (const char *part = repository;;) {
		size_t len = strcspn(part, "/");

		if (check_component(part, len) < 0)
			return err_set(
				err, -EINVAL,
				"the repository of \"%s\" is not valid: between slashes there "
				"must be lower-case letters and digits, with single \".\", "
				"\"_\" or \"-\" between them",
				quote(whole, &q));
		if (!part[len])
			return 0;
		part += len + 1;
	}
}

static int check_port(const char *port)
{
	size_t len = strlen(port);

	if (len == 0 || len > 5 || strspn(port, DIGIT) != len)
		return -EINVAL;
	return atoi(port) >= 1 && atoi(port) <= 65535 ? 0 : -EINVAL;
}

/* A DNS name or IPv4 address, or an IPv6 address in brackets; and perhaps a port. */
static int check_host(const char *host)
{
	const char *end;

	if (strlen(host) >= REFERENCE_HOST_MAX)
		return -EINVAL;
	if (*host == '[') {
		size_t len = strspn(host + 1, DIGIT "abcdefABCDEF:.");

		end = host + 1 + len;
		if (len < 2 || *end++ != ']')
			return -EINVAL;
	} else {
		size_t label = 0;

		for (end = host; *end && *end != ':'; end++) {
			if (*end == '.' || *end == '-') {
				if (label == 0 || (*end == '.' && end[-1] == '-'))
					return -EINVAL;
				label = *end == '.' ? 0 : label + 1;
			} else if (strchr(LOWER UPPER DIGIT, *end)) {
				label++;
			} else {
				return -EINVAL;
			}
			if (label > 63)
				return -EINVAL;
		}
		if (label == 0 || end[-1] == '-' || end - host > 253)
			return -EINVAL;
	}
	if (!*end)
		return 0;
	return *end == ':' ? check_port(end + 1) : -EINVAL;
}

int reference_registry(const char *text, char registry[REFERENCE_HOST_MAX], struct err *err)
{
	struct quoted q;

	if (check_host(text) < 0)
		return err_set(err, -EINVAL,
			       "\"%s\" is no registry: it must be HOST or HOST:PORT, without a "
			       "scheme or a path",
			       quote(text, &q));
	for (size_t i = 0; i < ARRAY_LEN(hub_names); i++)
		if (strcasecmp(text, hub_names[i]) == 0)
			text = HUB;
	text_set(registry, REFERENCE_HOST_MAX, text);
	text_lower(registry);
	return 0;
}

static void set_endpoint(struct reference *ref)
{
	text_set(ref->endpoint, sizeof(ref->endpoint),
		 strcmp(ref->registry, HUB) == 0 ? hub_endpoint : ref->registry);
}

int reference_endpoint(const char *text, struct reference *ref, struct err *err)
{
	int r;

	*ref = (struct reference){0};
	r = reference_registry(text, ref->registry, err);
	if (r >= 0)
		set_endpoint(ref);
	return r;
}

static bool is_registry(const char *part, size_t len)
{
	if (len == strlen("localhost") && memcmp(part, "localhost", len) == 0)
		return true;
	return memchr(part, '.', len) || memchr(part, ':', len);
}

/* Takes the registry off the front. `rest` begins at the repository afterwards. */
static int take_registry(char **rest, struct reference *ref, const char *whole, struct err *err)
{
	char *slash = strchr(*rest, '/');
	int r;

	if (slash && is_registry(*rest, (size_t)(slash - *rest))) {
		*slash = '\0';
		r = reference_registry(*rest, ref->registry, err);
		if (r < 0)
			return r;
		*rest = slash + 1;
	} else {
		text_set(ref->registry, sizeof(ref->registry), HUB);
	}
	set_endpoint(ref);
	return 0;
}

static int take_tag(char *rest, struct reference *ref, const char *whole, struct err *err)
{
	char *slash = strrchr(rest, '/');
	char *colon = strchr(slash ? slash : rest, ':');
	struct quoted q;

	if (!colon)
		return 0;
	*colon++ = '\0';
	if (strlen(colon) >= sizeof(ref->tag))
		return err_set(err, -EINVAL, "the tag of \"%s\" is longer than 128 characters",
			       quote(whole, &q));
	if (!*colon || strchr(".-", *colon) ||
	    strspn(colon, LOWER UPPER DIGIT "_.-") != strlen(colon))
		return err_set(err, -EINVAL,
			       "the tag of \"%s\" is not valid: letters, digits, \"_\", \".\" and "
			       "\"-\", and the first no \".\" or \"-\"",
			       quote(whole, &q));
	text_set(ref->tag, sizeof(ref->tag), colon);
	return 0;
}

static int check_need(const struct reference *ref, enum reference_need need, const char *whole,
		      struct err *err)
{
	struct quoted q;

	switch (need) {
	case REFERENCE_TAG:
		if (!*ref->tag)
			return err_set(err, -EINVAL,
				       "the reference \"%s\" has no tag: write NAME:TAG, such as "
				       "%s:latest",
				       quote(whole, &q), reference_basename(ref));
		return 0;
	case REFERENCE_IMAGE:
		if (!*ref->tag && !*ref->digest.text)
			return err_set(
				err, -EINVAL,
				"the reference \"%s\" has no tag and no digest: write NAME:TAG "
				"or NAME@sha256:DIGEST",
				quote(whole, &q));
		return 0;
	case REFERENCE_REPOSITORY:
		if (*ref->tag || *ref->digest.text)
			return err_set(err, -EINVAL,
				       "\"%s\" must be a repository, without a tag or a digest",
				       quote(whole, &q));
		return 0;
	}
	return 0;
}

int reference_parse(const char *text, enum reference_need need, struct reference *ref,
		    struct err *err)
{
	_cleanup_free_ char *copy = NULL;
	const char *library;
	char *rest;
	char *at;
	struct quoted q;
	int r;

	*ref = (struct reference){0};
	if (strlen(text) >= REFERENCE_TEXT_MAX)
		return err_set(err, -EINVAL, "the reference \"%s\" is too long", quote(text, &q));
	if (strstr(text, "://"))
		return err_set(err, -EINVAL,
			       "the reference \"%s\" has a scheme: write REGISTRY/NAME:TAG only",
			       quote(text, &q));
	rest = copy = strdup(text);
	if (!copy)
		return err_set(err, -ENOMEM, "no memory for a reference");
	at = strchr(rest, '@');
	if (at) {
		*at = '\0';
		r = digest_parse(at + 1, strlen(at + 1), &ref->digest, err);
		if (r < 0)
			return err_prefix(err, "the reference \"%s\"", quote(text, &q));
	}
	r = take_registry(&rest, ref, text, err);
	if (r >= 0)
		r = take_tag(rest, ref, text, err);
	if (r >= 0)
		r = check_repository(rest, text, err);
	if (r < 0)
		return r;
	library = strcmp(ref->registry, HUB) == 0 && !strchr(rest, '/') ? "library/" : "";
	if (strlen(ref->registry) + 1 + strlen(library) + strlen(rest) >= REFERENCE_NAME_MAX)
		return err_set(err, -EINVAL, "the name of \"%s\" is longer than 255 characters",
			       quote(text, &q));
	snprintf(ref->repository, sizeof(ref->repository), "%s%s", library, rest);
	return check_need(ref, need, text, err);
}

void reference_text(const struct reference *ref, char text[REFERENCE_TEXT_MAX])
{
	snprintf(text, REFERENCE_TEXT_MAX, "%s/%s%s%s%s%s", ref->registry, ref->repository,
		 *ref->tag ? ":" : "", ref->tag, *ref->digest.text ? "@" : "", ref->digest.text);
}

const char *reference_target(const struct reference *ref)
{
	return *ref->digest.text ? ref->digest.text : ref->tag;
}

const char *reference_basename(const struct reference *ref)
{
	const char *slash = strrchr(ref->repository, '/');

	return slash ? slash + 1 : ref->repository;
}

int reference_file(const struct reference *ref, char name[REFERENCE_FILE_MAX], struct err *err)
{
	int len;

	if (!*ref->tag)
		return err_set(err, -EINVAL, "\"%s\" has no tag, and a template is named by it",
			       ref->repository);
	len = snprintf(name, REFERENCE_FILE_MAX, "%s_%s.tar", reference_basename(ref), ref->tag);
	if (len >= REFERENCE_FILE_MAX)
		return err_set(err, -EINVAL,
			       "a template of %s:%s would have a name of more than %d characters",
			       reference_basename(ref), ref->tag, REFERENCE_FILE_MAX - 1);
	return 0;
}
