/*
 * node_pull.h - a template that a node makes: it pulls the image itself, or gets the archive.
 *
 * Proxmox cannot rename a template. One that is there is replaced only after the new one was made
 * whole under another name, so that a failure costs nothing. Where this machine sees the store's
 * directory, the new one is renamed over the old one; else the old one is removed and the new one
 * made again under its name, and the gap between is said. If that fails, the new one stays under
 * its other name, and the error says which.
 */
#pragma once

#include <stdbool.h>

#include "common/err.h"
#include "image/proxmox.h"
#include "image/way.h"

/* What a template is called while it is made; prune takes old ones away. */
#define NODE_PULL_PREFIX "hakim-tmp-"

struct node_pull {
	struct proxmox *proxmox;
	const struct place *place;
	const char *store;
	const char *reference; /* what the node pulls */
	const char *file;      /* "hakim-js_latest.tar" */
	const char *volid;
	const char *archive;                      /* uploaded instead, or NULL */
	const char *sha256;                       /* of it, in hex */
	bool replace;                             /* it is there already */
	void (*say)(void *arg, const char *text); /* what a person should know */
	void *arg;
};

int node_pull(const struct node_pull *job, struct err *err);
