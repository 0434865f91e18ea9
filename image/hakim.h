/*
 * hakim.h - the host command: its subcommands, and what they share.
 *
 * A result goes to stdout; progress, warnings and errors, each as one sentence, go to stderr
 * without control characters. Nothing here knows the supervisor: image/ uses common/ only.
 */
#pragma once

#include "common/err.h"

/* Exit statuses. */
enum hakim_exit {
	HAKIM_OK = 0,
	HAKIM_FAILED = 1, /* it was tried and failed, or a part of it did */
	HAKIM_USAGE = 2,  /* the command line is wrong; nothing was done */
};

struct hakim_command {
	const char *name;
	int (*run)(int argc, char **argv); /* argv[0] is the subcommand; an exit status */
	const char *synopsis;              /* what follows the name */
	const char *help;                  /* one line */
};

extern const struct hakim_command hakim_commands[];
extern const unsigned hakim_commands_n;

/* "hakim: SENTENCE" on stderr, without control characters. Returns `status`. */
int hakim_complain(int status, const char *fmt, ...) __attribute__((format(printf, 2, 3), cold));

/* The subcommands. */
int hakim_help(int argc, char **argv);
int hakim_version(int argc, char **argv);
int hakim_pull(int argc, char **argv);
int hakim_list(int argc, char **argv);
int hakim_prune(int argc, char **argv);
int hakim_home(int argc, char **argv);
int hakim_inspect(int argc, char **argv);
int hakim_tags(int argc, char **argv);
int hakim_verify(int argc, char **argv);
int hakim_login(int argc, char **argv);
int hakim_logout(int argc, char **argv);
