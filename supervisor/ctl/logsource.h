/*
 * logsource.h - where the files of logs come from: the supervisor hands them out as fds, so that a
 * person needs no right on /var/log/hakim. Where no supervisor answers they are opened there.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"
#include "common/strv.h"
#include "supervisor/journal_file.h"

#define LOG_FILES_MAX (LOG_KEEP_MAX + 1)
#define LOG_UNIT_MAX  256

/* The files of one log. */
struct log_files {
	char unit[LOG_UNIT_MAX]; /* the whole name */
	int fds[LOG_FILES_MAX];  /* newest first; owned */
	size_t n;
	bool current; /* the first one is written to; not so in the middle of a rotation */
};
void log_files_free(struct log_files *files);
/* Are both fds of one file? */
bool log_same_file(int a, int b);

struct log_source {
	bool direct;    /* nobody answers: read the directory */
	struct err why; /* … for this reason */
	char dir[128];  /* where the logs are, as far as it is known; "": not yet */
};

/*
 * The files of the unit, or of "hakim", what the supervisor itself says. None is no error, as long
 * as there is such a unit. Errors are those of client_ask(); when nobody answers, that of the
 * supervisor, unless there is a log of that name.
 */
int log_source_files(struct log_source *s, const char *name, struct log_files *files,
		     struct err *err);
/* "NAME" of "NAME.log", by which its unit is asked for; false: it is no current file of a log. */
bool log_source_stem(const char *file, char stem[static LOG_UNIT_MAX]);
/* Adds the names of all that have or may have a log and match one of the patterns (fnmatch(3), the
 * ".service" may be left out). */
int log_source_names(struct log_source *s, const char *pattern, struct strv *names,
		     struct err *err);
