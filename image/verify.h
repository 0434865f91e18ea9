/*
 * verify.h - whether a file is an archive that Proxmox takes, and is whole.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "image/config.h"
#include "image/manifest.h"
#include "image/survey.h"

struct verified {
	struct digest manifest;
	struct manifest image;
	struct config config;
	uint64_t size; /* of the file */
};

/* Checks the layout (names, order of nothing, one manifest in index.json), that each blob has its
 * digest and its size, and with `survey` (which begins as {0}) that each layer unpacks to its
 * diff_id, and what is in it. -EBADMSG with a sentence; other errors are the system's. */
int verify_archive(const char *path, struct survey *survey, struct verified *verified,
		   struct err *err);
void verified_free(struct verified *verified); /* also for _cleanup_(verified_free) */

/* What is in the configuration that Proxmox would choke on, each as a sentence. */
int verify_warnings(const struct config *config, struct strv *warnings);
