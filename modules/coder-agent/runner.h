/*
 * runner.h - a small process, forked before the filter is set, that executes `coder --version`: Go
 * aborts where clone is denied, and the downloader must not be able to execute anything.
 *
 * It ends when the other end of its socket is closed, and kills what it runs then.
 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "common/err.h"

#define RUNNER_VERSION_MAX 128

struct runner {
	int fd;
	pid_t pid;
};

int runner_start(struct runner *runner, struct err *err);
/*
 * Does `path --version` speak as Coder's agent does? 0 and its first line; -ENOEXEC when it ran and
 * is something else; another negative errno when it could not be run to its end, which may have
 * passed when it is tried again.
 */
int runner_version(struct runner *runner, const char *path, char version[RUNNER_VERSION_MAX],
		   struct err *err);
void runner_stop(struct runner *runner);
/* Pure: the first line of the output, if it holds "Coder". */
int runner_judge(const char *output, char version[RUNNER_VERSION_MAX], struct err *err);
