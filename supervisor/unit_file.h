/*
 * unit_file.h - from a file to its assignments, through inih: sections, comments, continuation
 * lines, line numbers.
 *
 * This room knows the syntax of a unit file and no directive. It never blocks on what lies under a
 * name (a FIFO, a device), never reads more than a megabyte, and never hands on text that is not
 * clean UTF-8.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"

#define TEXT_FILE_MAX (1024u * 1024u)

struct text_file {
	char *text; /* NUL-terminated; the caller frees it */
	size_t len;
};

/* A regular file of at most TEXT_FILE_MAX bytes; /dev/null is an empty one. */
int text_file_read(const char *path, struct text_file *file, struct err *err);

/* Where the parts of a unit file go. A negative return ends the reading and is returned. */
struct unit_file_sink {
	void *arg;
	/* `line` is where the entry begins, also when it goes on over several lines. */
	int (*assign)(void *arg, const char *section, const char *name, const char *value,
		      unsigned line);
	int (*mistake)(void *arg, unsigned line, const char *text);
};

/* Takes the text apart; it is changed on the way. Every mistake is told and the reading goes on
 * behind it. */
int unit_file_parse(struct text_file *file, const struct unit_file_sink *sink, struct err *err);

/* True when the text is valid UTF-8 without control characters (but tabs). */
bool text_clean(const char *text, size_t len);
