/*
 * option_walk.h - walks a command line as getopt_long(3) does with a + before its options: they end
 * at the first word that is none, and at "--". The C library's own prints by stdio, which nothing
 * else here needs.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct option_word {
	char letter; /* -x, and what option_next() returns; below a space: it has no short form */
	bool takes_value; /* -x VALUE, -xVALUE, --name VALUE, --name=VALUE */
	const char *name; /* without --; NULL: it has no long form */
};

struct option_walk {
	int argc;
	char **argv;
	bool abbreviate;    /* a long name may be cut as long as it is clear which is meant */
	int at;             /* the caller sets 1; afterwards the first word that is no option */
	const char *letter; /* within -abc: what is next */
	const char *value;  /* of the option that was returned, NULL: it takes none */
	char problem[128];  /* one clause, when '?' was returned */
};

/* The letter of the next option of `words` (ends with a letter of 0); 0 at the end of the options;
 * '?' with a problem when there is no such option, or not so. */
int option_next(struct option_walk *walk, const struct option_word *words);
