#include "image/challenge.h"

#include <stdbool.h>
#include <string.h>

#include "common/cleanup.h"
#include "image/text.h"

/* RFC 9110, 5.6.2. */
static bool is_token(char c)
{
	static const char others[] = "!#$%&'*+-.^_`|~";

	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c && strchr(others, c));
}

static const char *skip(const char *s, const char *these)
{
	return s + strspn(s, these);
}

/* A token into `to`; NULL when there is none or it does not fit. */
static const char *take_token(const char *s, char *to, size_t size)
{
	size_t n = 0;

	while (is_token(s[n])) {
		if (n + 1 >= size)
			return NULL;
		to[n] = s[n];
		n++;
	}
	to[n] = '\0';
	return n ? s + n : NULL;
}

/* A quoted string or a token into `to`. NULL: malformed, or too long. */
static const char *take_value(const char *s, char *to, size_t size)
{
	size_t n = 0;

	if (*s != '"')
		return take_token(s, to, size);
	for (s++; *s != '"'; s++) {
		if (*s == '\\')
			s++;
		if ((unsigned char)*s < 0x20 || *s == 0x7f || n + 1 >= size)
			return NULL;
		to[n++] = *s;
	}
	to[n] = '\0';
	return s + 1;
}

/* Where a parameter is kept; NULL for one that nobody asks for. */
static char *place(struct challenge *challenge, const char *name, size_t *size)
{
	const struct {
		const char *name;
		char *at;
		size_t size;
	} rows[] = {
		{"realm", challenge->realm, sizeof(challenge->realm)},
		{"service", challenge->service, sizeof(challenge->service)},
		{"error", challenge->error, sizeof(challenge->error)},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (strcasecmp(rows[i].name, name) == 0) {
			*size = rows[i].size;
			return rows[i].at;
		}
	return NULL;
}

/* `name = value` at s, or NULL when this is none. */
static const char *take_parameter(const char *s, struct challenge *challenge)
{
	char name[64];
	char value[1024];
	size_t size = 0;
	char *at;

	s = take_token(s, name, sizeof(name));
	if (!s)
		return NULL;
	s = skip(s, " \t");
	if (*s != '=')
		return NULL;
	s = take_value(skip(s + 1, " \t"), value, sizeof(value));
	if (!s)
		return NULL;
	at = place(challenge, name, &size);
	/* The first counts: a second one is somebody else's. */
	if (at && !*at)
		text_set(at, size, value);
	return s;
}

size_t challenge_read(const char *header, struct challenge *list, size_t n)
{
	const char *s = skip(header, " \t,");

	while (*s && n < CHALLENGES_MAX) {
		struct challenge *challenge = &list[n];
		const char *next;

		*challenge = (struct challenge){0};
		s = take_token(s, challenge->scheme, sizeof(challenge->scheme));
		if (!s)
			return n;
		text_lower(challenge->scheme);
		n++;
		s = skip(s, " \t,");
		while ((next = take_parameter(s, challenge)) != NULL) {
			s = skip(next, " \t");
			if (*s && *s != ',')
				return n;
			s = skip(s, " \t,");
		}
		/* What is no parameter is the next scheme, or a "token68" that nobody needs. */
		if (*s && !is_token(*s))
			return n;
	}
	return n;
}

const struct challenge *challenge_find(const struct challenge *list, size_t n, const char *scheme)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(list[i].scheme, scheme) == 0)
			return &list[i];
	return NULL;
}
