/*
 * options.h - hakim-init's command line.
 */
#pragma once

#include <stdbool.h>

struct options {
	bool plain;     /* only an init: --plain, or called tini or dumb-init */
	bool group;     /* plain: signals go to the child's process group (-g) */
	bool subreaper; /* plain: -s */
	bool setsid;    /* plain, dumb-init: a session of its own */
	bool quirks;    /* --quirks: ask what this container lacks, and print it */
	bool fix;       /* --quirks --fix: and remedy it */
	char **command; /* NULL-terminated; NULL: none was given */
};

/* 0: go on. Negative: all is said (--help, --version), exit 0. Positive: a usage error, that is the
 * exit status. */
int options_parse(int argc, char **argv, struct options *options);
