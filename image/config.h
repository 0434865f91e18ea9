/*
 * config.h - the configuration of an image: what it says of its layers, and what a container of it
 * would run. Pure.
 */
#pragma once

#include "common/err.h"
#include "common/strv.h"
#include "image/digest.h"
#include "image/platform.h"

struct config {
	struct platform platform;
	bool has_variant;
	struct strv diff_ids; /* each a valid sha256 digest, of the unpacked layer */
	struct strv env, entrypoint, cmd;
	char *user, *workdir, *stop_signal, *created; /* or NULL */
};

/* -EPROTO with a sentence. */
int config_read(const char *bytes, size_t len, struct config *config, struct err *err);
void config_free(struct config *config); /* also for _cleanup_(config_free) */

/* Whether it is for this platform, and of so many layers. */
int config_check(const struct config *config, const struct platform *platform, size_t layers,
		 struct err *err);
