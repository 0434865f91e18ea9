/*
 * systemctl_options.h - the command line of systemctl(1): its options may stand anywhere. Prints
 * only what getopt_long(3) prints about an option that is not there.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/strv.h"

#define SC_LINES_DEFAULT 10

struct systemctl_options {
	bool help, version;
	bool user; /* --user: the coder user's own units */
	bool quiet, no_block, now, all, value, plain, no_legend, force, runtime, failed;
	bool global; /* --global: the units of all users */
	bool json;   /* --output=json and its kin */
	bool wait, reverse, after, before;
	bool enable_only; /* --preset-mode=enable-only */
	uint64_t lines;
	const char *signal; /* NULL: SIGTERM */
	const char *whom;   /* NULL: all */
	struct strv properties, types, states;
	char **words; /* the command and what follows it; points into argv */
	size_t n_words;
};

/* Sorts argv: options first. -EINVAL: it was said what is wrong (getopt), or *err says it. */
int systemctl_options_parse(int argc, char **argv, struct systemctl_options *options,
			    struct err *err);
void systemctl_options_free(struct systemctl_options *options);
