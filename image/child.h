/*
 * child.h - runs a program of the host and reads what it says.
 *
 * The words go to execve() as they are: there is no shell. Standard input is empty. What it writes
 * is bounded, and a program that says nothing for too long is killed with all of its group: by a
 * SIGTERM, and by a SIGKILL when it is still there 5 seconds later. A child never gets our secrets:
 * options_parse() took them out of the environment.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"

/* A line of standard output while it runs, without its end. May be NULL. */
typedef void child_line_fn(void *arg, const char *line);

struct child {
	const char *const *argv; /* argv[0] is looked for in PATH */
	unsigned silence;        /* seconds without a byte until it is killed */
	size_t max;              /* bytes that are kept of each of the two */
	child_line_fn *line;
	void *arg;
	bool (*cancelled)(void *arg); /* asked often; true kills it. May be NULL */
	void *cancelled_arg;
};

struct child_result {
	char *out, *errors; /* NUL-terminated; more than `max` is cut */
	size_t out_len;
	bool cut;
	int status; /* its exit status, or 128 + the signal */
};

/* -ENOENT when there is no such program; -ETIMEDOUT, -ECANCELED. */
int child_run(const struct child *child, struct child_result *result, struct err *err);
/* Also for _cleanup_(child_result_free). */
void child_result_free(struct child_result *result);
