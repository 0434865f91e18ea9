/*
 * secret.h - the secrets that the supervisor hands to a helper command: NAME=VALUE NUL … by the
 * pipe in HAKIM_SECRET_FD. They are overwritten when they are freed, and printed by nobody.
 */
#pragma once

#include <stddef.h>

#include "common/err.h"

struct secrets {
	char *buf;
	size_t len;
};

/* Reads the pipe to its end, at most 5 s and 64 KiB, and closes it. No HAKIM_SECRET_FD: no secrets,
 * no error. */
int secrets_read(struct secrets *secrets, struct err *err);
/* Of the pipe, else of the environment (a person who tries the program by hand); NULL or empty
 * values are NULL. */
const char *secrets_get(const struct secrets *secrets, const char *name);
void secrets_free(struct secrets *secrets);
