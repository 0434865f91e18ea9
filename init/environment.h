/*
 * environment.h - PID 1's environment, sorted once at the start: what services get, and secrets,
 * which are overwritten in place in the initial environment (unsetenv would leave them in
 * /proc/1/environ) and kept here alone.
 *
 * Everything lies in static memory; nothing is allocated. Nothing here is ever printed.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/keeper.h"

#define ENVIRONMENT_MAX 2048

/* What was unset, and is set by us. */
enum environment_default {
	ENVIRONMENT_PATH = 1u << 0,
	ENVIRONMENT_LANG = 1u << 1,
	ENVIRONMENT_HOME = 1u << 2,
};

struct environment {
	char *vars[ENVIRONMENT_MAX +
		   1]; /* for execve of the supervisor and the foreground program */
	size_t n;
	char secrets[KEEPER_DATA_MAX]; /* NAME=VALUE NUL … */
	size_t secrets_len;
	char url[2048];           /* "CODER_AGENT_URL=…" out of the bootstrap string */
	char work[8192];          /* room to decode it; wiped after */
	bool agent;               /* there is a URL and something to authenticate with */
	const char *problem;      /* a sentence for console and status, or NULL */
	const char *container;    /* value of $container, or NULL */
	const char *stop_timeout; /* value of $HAKIM_STOP_TIMEOUT, or NULL */
	const char *supervisor;   /* value of $HAKIM_SUPERVISOR, or NULL */
	const char *user;         /* value of $CODER_USER, or NULL */
	const char *quirks;       /* value of $HAKIM_QUIRKS, or NULL */
	bool kubernetes;          /* $KUBERNETES_SERVICE_HOST is set */
	unsigned defaults;        /* bits of enum environment_default */
};

/* Sorts `initial` (PID 1's own environ), wipes the secrets in it and adds the defaults where they
 * are unset. */
void environment_sort(struct environment *env, char **initial);

/*
 * Decodes CODER_AGENT_BOOTSTRAP, base64 of "url|token": *url and *token point into `out` (which
 * must be wiped after). Returns NULL, or the sentence that says what is wrong with it (which holds
 * nothing of the value).
 */
const char *bootstrap_decode(const char *text, char *out, size_t size, const char **url,
			     const char **token);
