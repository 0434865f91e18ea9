/*
 * pattern.h - what ReadyLog= and …HTTPBody= look for: a plain piece of text, or between slashes an
 * extended regular expression. Pure; a pattern may be asked by one thread while another has it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"

#define PATTERN_MAX 512 /* characters */

struct pattern;

/* "ready to serve" or "/^listening on .*:[0-9]+/". */
int pattern_parse(const char *text, struct pattern **pattern, struct err *err);
bool pattern_match(const struct pattern *pattern, const char *bytes, size_t len);
void pattern_free(struct pattern *pattern);
