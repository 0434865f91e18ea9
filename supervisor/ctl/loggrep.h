/*
 * loggrep.h - which lines of a log are wanted: a POSIX extended regular expression, as journalctl
 * takes it (there it is PCRE). Pure.
 */
#pragma once

#include <regex.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"

struct log_grep {
	bool on; /* off: all are wanted */
	regex_t regex;
};

/* As in journalctl the case counts only if there is a capital letter in it, and never with
 * `ignore_case`. -EINVAL and a sentence: it is no such expression. */
int log_grep_begin(struct log_grep *g, const char *pattern, bool ignore_case, struct err *err);
bool log_grep_has(const struct log_grep *g, const char *text, size_t len);
void log_grep_free(struct log_grep *g);
