/*
 * run.h - runs a program for its output, with a deadline and a limit. Whatever it does, it is over
 * when run_bounded() returns.
 */
#pragma once

#include <stddef.h>

#include "common/err.h"

struct run {
	const char *path;
	char *const *argv;
	char *const *envp;
	unsigned deadline_ms;
	int abort_fd; /* readable or hung up: kill it at once, -ECANCELED; -1 for none */
};

/*
 * Puts its standard output, cut at size-1 bytes and NUL-terminated, into `out`. 0 when it exited
 * with 0; -ENOEXEC … (the errno of execve) when it could not be executed; -ETIMEDOUT; -ECHILD when
 * it exited otherwise; with a sentence.
 */
int run_bounded(const struct run *run, char *out, size_t size, struct err *err);
