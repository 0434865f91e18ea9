/*
 * options.h - the command lines: hakim-init's own, and those of tini and dumb-init under their
 * names.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Whose command line, messages and exit codes. */
enum like {
	LIKE_HAKIM = 0,
	LIKE_TINI,      /* called tini, tini-static, or docker-init as Docker does */
	LIKE_DUMB_INIT, /* called dumb-init */
};

/* What only an init has to know. */
struct plain_options {
	enum like like;
	bool group;       /* signals go to the program's process group (tini's -g; dumb-init) */
	bool session;     /* the program gets a session of its own (dumb-init without -c) */
	bool subreaper;   /* tini's -s */
	bool warn_reaped; /* tini's -w: say each orphan that was reaped */
	int verbosity;    /* which levels of plain_words.h are said */
	int death_signal; /* tini's -p: what we get when our parent dies; 0: nothing */
	uint32_t zero[8]; /* tini's -e: exit codes that become 0, as bits */
	/* dumb-init's -r: what goes on for signals 1…31; 0: as it came, -1: nothing. */
	int8_t rewrite[32];
};

struct options {
	bool plain;  /* only an init: --plain, or called tini or dumb-init */
	bool quirks; /* --quirks: ask what this container lacks, and print it */
	bool fix;    /* --quirks --fix: and remedy it */
	struct plain_options how;
	/* NULL-terminated; NULL: none was given. The place before it is free to be written. */
	char **command;
};

/* By the last part of argv[0]. */
enum like options_like(const char *argv0);

/* 0: go on. Negative: all is said (--help, --version), exit 0. Positive: a usage error, that is the
 * exit status. */
int options_parse(int argc, char **argv, struct options *options);
