/*
 * args.h - the words behind `hakimctl COMMAND`: options and names. Pure: prints nothing, changes
 * nothing in argv.
 *
 * As in GNU programs options may stand between names, short ones may be put together ("-fn20"), and
 * "--" ends them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

/* The options that there are, as bits; args.c has their names and what their values may be. The
 * same letter or name may be another option for another command. */
enum args_option {
	ARGS_HELP = 1ull << 0,         /* -h, --help; every command has it */
	ARGS_JSON = 1ull << 1,         /* --json */
	ARGS_NO_BLOCK = 1ull << 2,     /* --no-block */
	ARGS_FOLLOW = 1ull << 3,       /* -f, --follow */
	ARGS_LINES = 1ull << 4,        /* -n N, --lines=N */
	ARGS_SIGNAL = 1ull << 5,       /* -s SIG, --signal=SIG */
	ARGS_WHOM = 1ull << 6,         /* --whom=main|control|all */
	ARGS_ALL = 1ull << 7,          /* -a, --all */
	ARGS_REVERSE = 1ull << 8,      /* -r, --reverse */
	ARGS_PROPERTY = 1ull << 9,     /* -p NAME[,NAME…], --property=NAME; may be repeated */
	ARGS_VALUE = 1ull << 10,       /* --value */
	ARGS_SVG = 1ull << 11,         /* --svg[=FILE] */
	ARGS_ONCE = 1ull << 12,        /* -1, --once */
	ARGS_ROUNDS = 1ull << 13,      /* -n N, --rounds=N */
	ARGS_DELAY = 1ull << 14,       /* -d SECONDS, --delay=SECONDS */
	ARGS_SORT = 1ull << 15,        /* -s ORDER, --sort=cpu|memory|name|… */
	ARGS_TIMEOUT = 1ull << 16,     /* --timeout=SECONDS */
	ARGS_NOW = 1ull << 17,         /* --now */
	ARGS_DRY_RUN = 1ull << 18,     /* -n, --dry-run */
	ARGS_NO_RESTART = 1ull << 19,  /* --no-restart */
	ARGS_SINCE = 1ull << 20,       /* -S TIME, --since=TIME */
	ARGS_UNTIL = 1ull << 21,       /* -U TIME, --until=TIME */
	ARGS_GREP = 1ull << 22,        /* -g PATTERN, --grep=PATTERN */
	ARGS_IGNORE_CASE = 1ull << 23, /* -i, --ignore-case */
	ARGS_OUTPUT = 1ull << 24,      /* -o FORMAT, --output=FORMAT */
	ARGS_NO_PAGER = 1ull << 25,    /* --no-pager */
	ARGS_FIX = 1ull << 26,         /* --fix */
	ARGS_LAST = ARGS_FIX,
};

#define ARGS_LINES_ALL UINT64_MAX
#define ARGS_ANY       UINT32_MAX /* of max_names */

/* What a command takes. */
struct args_spec {
	uint64_t options; /* enum args_option, without ARGS_HELP */
	unsigned min_names, max_names;
};

/* An option as it was given. */
struct args_given {
	uint64_t option;
	const char *value; /* points into argv; NULL where an optional one is not there */
};

struct args {
	uint64_t given;     /* enum args_option */
	uint64_t lines;     /* of -n; ARGS_LINES_ALL for "all" */
	const char **names; /* point into argv; the list is owned: args_free() */
	size_t n_names;
	struct args_given *values; /* in their order; owned */
	size_t n_values;
};

/* `argv` begins behind the command's name. -EINVAL and a sentence: a person has mistyped. */
int args_parse(const struct args_spec *spec, int argc, char *const *argv, struct args *args,
	       struct err *err);
void args_free(struct args *args);

/* The value of an option, the last where it was given more than once; NULL: it was not given, or
 * has none. */
const char *args_value(const struct args *args, uint64_t option);
/* A number of an option that counts or is a time (in milliseconds); `otherwise` where it was not
 * given. */
uint64_t args_number(const struct args *args, uint64_t option, uint64_t otherwise);
