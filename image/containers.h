/*
 * containers.h - the containers of all nodes, as far as templates and homes are concerned.
 *
 * Read from the configurations in /etc/pve, which every node of a cluster has of all, or asked of
 * the API. A configuration that cannot be read is an error and never a container less: what nobody
 * seems to use is removed by prune.
 */
#pragma once

#include <stdbool.h>

#include "common/err.h"
#include "common/strv.h"
#include "image/proxmox.h"

/* Pure: adds what is behind "template-" in each tag of a configuration, its snapshots' too. */
int container_tags(const char *config, struct strv *tags);
/* Pure: the mount source of `where` ("/home/coder") in a configuration, to be freed; NULL when
 * there is none. Snapshots do not count. */
char *container_mount(const char *config, const char *where);
/* Pure: the tag of a template as Proxmox keeps it among a container's tags: in lower case. */
bool container_tag_is(const char *kept, const char *tag);

/* Those of all nodes. `proxmox` is NULL where /etc/pve is read. */
int containers_tags(struct proxmox *proxmox, struct strv *tags, struct err *err);
/* The mount source, to be freed; -ENOENT when there is no such container or it has no such mount.
 */
int containers_home(struct proxmox *proxmox, const char *ctid, char **source, struct err *err);
