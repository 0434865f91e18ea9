/*
 * fetch.h - the policy: try, wait, try again; what is done with what came; and what is used when
 * nothing comes.
 *
 * The server's program is preferred always: a baked agent that is newer than the server loops for
 * ever. Nothing leaves here as "use this" that was not checked: SHA-1 against the ETag, ELF and
 * machine, and last its --version.
 */
#pragma once

#include <stdbool.h>

#include "common/err.h"
#include "modules/coder-agent/elf.h"
#include "modules/coder-agent/http.h"
#include "modules/coder-agent/progress.h"
#include "modules/coder-agent/runner.h"
#include "modules/coder-agent/store.h"

struct fetch {
	struct http http;
	const char *shown; /* the URL, to be printed */
	const struct machine *machine;
	const char *baked; /* the path of the program in the image; it need not be there */
	bool once;
	struct store store;
	struct runner runner;
	struct progress progress;
};

/* Until DIR/current/coder is one to run: 0. With `once`, or when the cache cannot be used at all: a
 * negative errno. */
int fetch_run(struct fetch *fetch, struct err *err);
