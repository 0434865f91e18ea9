/*
 * way.h - how a store of a node is reached: `--via`, and what `auto` means.
 *
 * `auto` writes into the store's directory where that is right (it is this node's, or shared, and
 * it is there); else the node is asked. A store that cannot have templates is refused whatever the
 * way, by name, before anything is touched.
 */
#pragma once

#include <stdbool.h>

#include "common/err.h"
#include "image/options.h"

struct place {
	enum way way; /* never WAY_AUTO */
	const char *node;
	bool here;       /* the node is this machine */
	bool marked;     /* the store is another one on each node: the state says which */
	char *directory; /* of the templates, where this machine has it; else NULL */
};

/* Whether `node` is this machine: its short host name, or what /etc/pve/local points to. */
bool way_is_here(const char *node);

/* `make`: directories that are missing may be made. `secret`: there are credentials for the
 * registry, which a node would not have. */
int way_choose(const struct options *options, const char *node, bool make, bool secret,
	       struct place *place, struct err *err);
void place_free(struct place *place); /* also for _cleanup_(place_free) */
