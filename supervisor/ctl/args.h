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

/* The options that there are, as bits. */
enum args_option {
	ARGS_HELP = 1u << 0,     /* -h, --help; every command has it */
	ARGS_JSON = 1u << 1,     /* --json */
	ARGS_NO_BLOCK = 1u << 2, /* --no-block */
	ARGS_FOLLOW = 1u << 3,   /* -f, --follow */
	ARGS_LINES = 1u << 4,    /* -n N, --lines=N */
};

#define ARGS_LINES_ALL UINT64_MAX
#define ARGS_ANY       UINT32_MAX /* of max_names */

/* What a command takes. */
struct args_spec {
	unsigned options; /* enum args_option, without ARGS_HELP */
	unsigned min_names, max_names;
};

struct args {
	unsigned given;     /* enum args_option */
	uint64_t lines;     /* of -n; ARGS_LINES_ALL for "all" */
	const char **names; /* point into argv; the list is owned: args_free() */
	size_t n_names;
};

/* `argv` begins behind the command's name. -EINVAL and a sentence: a person has mistyped. */
int args_parse(const struct args_spec *spec, int argc, char *const *argv, struct args *args,
	       struct err *err);
void args_free(struct args *args);
