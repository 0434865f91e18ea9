/*
 * pull.h - the run of `hakim pull` over all targets, on one node.
 *
 * The others are done when one fails. The state has the digest of a template only after it is
 * there, and the old template is there until then.
 */
#pragma once

#include <stdbool.h>

#include "common/err.h"
#include "image/options.h"
#include "image/report.h"
#include "image/target.h"

struct pull_counts {
	unsigned pulled, skipped, failed;
};

/* Asked often: true ends the run. */
typedef bool pull_cancelled_fn(void *arg);

/* Negative with a sentence when nothing was begun: the store or the way is no good. */
int pull_run(const struct options *options, const struct targets *targets, const char *node,
	     struct report *report, pull_cancelled_fn *cancelled, struct pull_counts *counts,
	     struct err *err);

/* The name of the way, for people. */
const char *pull_way_name(enum way way);
/* The state file of this run: the one that was named, else the script's, else (--output) one in
 * the directory. To be freed. */
char *pull_state_file(const struct options *options);
