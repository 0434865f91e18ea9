/*
 * shelf.h - the templates of one store, for the commands that look at them: `list` and `prune`.
 *
 * Read from the store's directory where this machine has it, else asked of the node.
 */
#pragma once

#include <stdbool.h>

#include "common/err.h"
#include "image/options.h"
#include "image/proxmox.h"
#include "image/reference.h"
#include "image/volume.h"
#include "image/way.h"

struct shelf {
	struct place place;
	struct proxmox proxmox;
	bool asks; /* the proxmox is open, and was asked */
	struct volumes volumes;
	char *state; /* the text of the state file */
	char *state_file;
};

int shelf_open(const struct options *options, const char *node, struct shelf *shelf,
	       struct err *err);
void shelf_close(struct shelf *shelf); /* also for _cleanup_(shelf_close) */

/* Pure: takes "hakim-js_latest.tar" apart at its last "_" ("hakim-js", "latest"). False: it is not
 * called as hakim calls templates. */
bool shelf_name(const char *file, char name[REFERENCE_FILE_MAX], char tag[REFERENCE_TAG_MAX]);
