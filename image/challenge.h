/*
 * challenge.h - the WWW-Authenticate headers of an answer (RFC 9110, 11.6.1). Pure.
 *
 * One header may hold several challenges, an answer may have several headers, and values may be
 * quoted with escapes. What does not fit or is malformed ends the reading of that header; what was
 * read before it counts. A value never has a control character.
 */
#pragma once

#include <stddef.h>

#define CHALLENGES_MAX 8

struct challenge {
	char scheme[32]; /* lower case: "bearer", "basic" … */
	char realm[1024];
	char service[256];
	char error[64]; /* "insufficient_scope" … */
};

/* Reads one header's value behind the `n` challenges that are in the list, which holds
 * CHALLENGES_MAX. Returns how many there are then. */
size_t challenge_read(const char *header, struct challenge *list, size_t n);

/* The first of this scheme, or NULL. */
const struct challenge *challenge_find(const struct challenge *list, size_t n, const char *scheme);
