/*
 * url.h - what is decided about addresses: where credentials may go, and where a redirect may lead.
 * Pure; libcurl's own parser takes them apart, so that both see the same address.
 */
#pragma once

#include <stdbool.h>

#include "common/err.h"
#include "image/reference.h"

struct url {
	bool https;
	char host[REFERENCE_HOST_MAX]; /* lower case; IPv6 in brackets */
	unsigned port;                 /* never 0 */
};

/* Takes an absolute http or https address apart. -EPROTO for everything else: other schemes, user
 * names in it, control characters. */
int url_read(const char *text, struct url *url, struct err *err);

/* Scheme, host and port. */
bool url_same(const struct url *a, const struct url *b);

/* localhost, or the literal address of a loopback, private, link-local or unspecified network. */
bool url_is_local(const struct url *url);

/* Whether an answer of `from` may lead to `to`: never from https to http, and never from a host of
 * the world to a local one. */
int url_check_redirect(const struct url *from, const struct url *to, struct err *err);

/*
 * Whether a token may be asked for at this realm, which the registry named (CVE-2020-15157's
 * class). It must be https unless the registry is plain http, and no local address unless it is the
 * registry's own. *trusted is set when credentials may go there: it is the registry's host, or is
 * known to belong to it.
 */
int url_check_realm(const struct url *registry, const struct url *realm, bool *trusted,
		    struct err *err);
