/*
 * url.h - CODER_AGENT_URL and what is built from it. A URL may hold a password: only what
 * url_shown() gives may be printed.
 */
#pragma once

#include <stdbool.h>

#include "common/err.h"

/*
 * CODER_AGENT_URL, with or without a "/" at its end, and a path below it → the URL to ask. A
 * doubled slash would be a 404. Query and fragment are dropped. Only http and https; the text is
 * never in *err.
 */
int url_build(const char *base, const char *path, char **full, struct err *err);
/* The same URL without user, password and query; NULL when there is no memory or it is none. */
char *url_shown(const char *url);
/* The same scheme, host and port: only there go headers that may be secret. */
bool url_same_origin(const char *a, const char *b);
/* Is it http(s), and not http after https? */
int url_check_redirect(const char *from, const char *to, struct err *err);
