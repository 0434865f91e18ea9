/*
 * download.h - one try to have what the server offers: one GET (and its redirects), into a partial
 * file.
 *
 * What comes is looked at as early as possible: a login page or a program for another machine is
 * not downloaded. Nothing is executed here, and nothing is verified yet when it is done.
 */
#pragma once

#include "common/err.h"
#include "modules/coder-agent/elf.h"
#include "modules/coder-agent/http.h"
#include "modules/coder-agent/partial.h"
#include "modules/coder-agent/progress.h"

struct download {
	/* in */
	const struct http *http;
	const struct machine *machine;
	struct store *store;
	struct progress *progress;
	uint64_t answer_ms;   /* the patience for the first byte of an answer */
	const char *rejected; /* a SHA-1 that was downloaded whole and is no agent; may be empty */
	/* in and out: what is there already, and what came in addition */
	struct partial *partial;
	/* out */
	bool answered;            /* the server (or what is before it) said something */
	char unchanged[SHA1_HEX]; /* 304: this one of the store is what the server has; else empty
				   */
	char server_version[64];  /* X-Coder-Build-Version */
};

/*
 * 0: `unchanged` is set, or *partial has all bytes and must be finished and checked. Else a
 * sentence, and *partial is left as far as it is good for being resumed.
 */
int download_try(struct download *download, struct err *err);
