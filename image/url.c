#include "image/url.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "common/cleanup.h"
#include "image/text.h"

static void free_url(CURLU **handle)
{
	curl_url_cleanup(*handle);
}

static void free_part(char **part)
{
	curl_free(*part);
}

static int refuse(const char *text, struct err *err)
{
	char quoted[100];

	return err_set(err, -EPROTO,
		       "the registry leads to \"%s\", which is no usable address: refused",
		       text_quote(quoted, sizeof(quoted), text, strlen(text)));
}

int url_read(const char *text, struct url *url, struct err *err)
{
	_cleanup_(free_url) CURLU *handle = curl_url();
	_cleanup_(free_part) char *scheme = NULL;
	_cleanup_(free_part) char *host = NULL;
	_cleanup_(free_part) char *port = NULL;
	_cleanup_(free_part) char *user = NULL;

	*url = (struct url){0};
	if (!handle)
		return err_set(err, -ENOMEM, "no memory for an address");
	for (const char *c = text; *c; c++)
		if ((unsigned char)*c <= 0x20 || *c == 0x7f)
			return refuse(text, err);
	if (curl_url_set(handle, CURLUPART_URL, text, CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK ||
	    curl_url_get(handle, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
	    curl_url_get(handle, CURLUPART_HOST, &host, 0) != CURLUE_OK ||
	    curl_url_get(handle, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) != CURLUE_OK)
		return refuse(text, err);
	if (curl_url_get(handle, CURLUPART_USER, &user, 0) == CURLUE_OK)
		return refuse(text, err);
	url->https = strcmp(scheme, "https") == 0;
	if ((!url->https && strcmp(scheme, "http") != 0) || !*host ||
	    !text_set(url->host, sizeof(url->host), host))
		return refuse(text, err);
	text_lower(url->host);
	url->port = (unsigned)atoi(port);
	return url->port ? 0 : refuse(text, err);
}

bool url_same(const struct url *a, const struct url *b)
{
	return a->https == b->https && a->port == b->port && strcmp(a->host, b->host) == 0;
}

static bool local4(const unsigned char *b)
{
	return b[0] == 0 || b[0] == 127 || b[0] == 10 || (b[0] == 172 && (b[1] & 0xf0) == 16) ||
	       (b[0] == 192 && b[1] == 168) || (b[0] == 169 && b[1] == 254) ||
	       (b[0] == 100 && (b[1] & 0xc0) == 64);
}

static bool local6(const unsigned char *b)
{
	static const unsigned char zero[15];
	static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};

	if (memcmp(b, mapped, sizeof(mapped)) == 0)
		return local4(b + 12);
	/* :: and ::1, fe80::/10, fc00::/7 */
	return (memcmp(b, zero, sizeof(zero)) == 0 && b[15] <= 1) ||
	       (b[0] == 0xfe && (b[1] & 0xc0) == 0x80) || (b[0] & 0xfe) == 0xfc;
}

bool url_is_local(const struct url *url)
{
	unsigned char bytes[16];
	char host[REFERENCE_HOST_MAX];
	struct in_addr four;
	size_t len;

	text_set(host, sizeof(host), url->host);
	len = strlen(host);
	if (len && host[len - 1] == '.')
		host[--len] = '\0';
	if (strcmp(host, "localhost") == 0 ||
	    (len > 10 && strcmp(host + len - 10, ".localhost") == 0))
		return true;
	if (len > 2 && host[0] == '[' && host[len - 1] == ']') {
		host[len - 1] = '\0';
		host[1 + strcspn(host + 1, "%")] = '\0';
		return inet_pton(AF_INET6, host + 1, bytes) != 1 || local6(bytes);
	}
	/* Also 127.1, 0x7f000001 and 2130706433, which resolvers take for addresses. */
	if (inet_aton(host, &four) != 1)
		return false;
	return local4((const unsigned char *)&four.s_addr);
}

int url_check_redirect(const struct url *from, const struct url *to, struct err *err)
{
	if (from->https && !to->https)
		return err_set(err, -EPROTO, "%s leads from https to http (at %s): refused",
			       from->host, to->host);
	if (url_is_local(to) && !url_is_local(from))
		return err_set(err, -EPROTO,
			       "%s leads to %s, an address of this machine's networks: refused",
			       from->host, to->host);
	return 0;
}

/* Registries whose token service is another host, as their operators document it. */
static const struct {
	const char *registry, *realm;
} pairs[] = {
	{"registry-1.docker.io", "auth.docker.io"},
	{"registry.gitlab.com", "gitlab.com"},
};

static bool belongs(const struct url *registry, const struct url *realm)
{
	if (strcmp(registry->host, realm->host) == 0)
		return true;
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++)
		if (strcmp(pairs[i].registry, registry->host) == 0 &&
		    strcmp(pairs[i].realm, realm->host) == 0)
			return true;
	return false;
}

int url_check_realm(const struct url *registry, const struct url *realm, bool *trusted,
		    struct err *err)
{
	*trusted = false;
	if (registry->https && !realm->https)
		return err_set(err, -EPROTO,
			       "%s wants a token to be asked for over plain http (at %s): refused",
			       registry->host, realm->host);
	if (url_is_local(realm) &&
	    (strcmp(registry->host, realm->host) != 0 || registry->port != realm->port))
		return err_set(err, -EPROTO,
			       "%s wants a token to be asked for at %s:%u, an address of this "
			       "machine's networks: refused",
			       registry->host, realm->host, realm->port);
	*trusted = belongs(registry, realm);
	return 0;
}
