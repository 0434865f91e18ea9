/*
 * deps.h - who pulls in whom, out of the answer to `status`. Pure. The names belong to the answer
 * or to `out`; the caller frees `out`.
 */
#pragma once

#include <jansson.h>

#include "common/strv.h"

enum deps_kind {
	DEPS_PULLS = 0, /* Requires=, Wants= */
	DEPS_PULLED_BY, /* who requires or wants it */
	DEPS_AFTER,     /* what it starts after */
	DEPS_BEFORE,    /* what starts after it */
};

/* The packet of that unit, or NULL. */
const json_t *deps_unit(const json_t *packets, const char *name);
/* Adds those of one unit, each once. 0 or -ENOMEM. */
int deps_children(const json_t *packets, const char *name, enum deps_kind kind, struct strv *out);
/* Adds the units that no other one of them has below it. 0 or -ENOMEM. */
int deps_roots(const json_t *packets, enum deps_kind kind, struct strv *out);
