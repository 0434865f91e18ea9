/*
 * etag.h - Coder's ETag is the SHA-1 of the uncompressed file, in hex and quotes (coder's
 * site/bin.go).
 *
 * It comes from the network and becomes a part of a path: nothing but 40 hex digits may leave this
 * room.
 */
#pragma once

#include <stdbool.h>

#include "common/err.h"

#define SHA1_HEX 41 /* with the NUL */

/* 40 lower case hex digits and nothing else. */
bool etag_is_sha1(const char *text);
/* From "\"<sha1>\"" or "W/\"<sha1>\"" (a proxy weakens it when it touches the encoding) to lower
 * case hex digits. */
int etag_parse(const char *value, char sha1[SHA1_HEX], struct err *err);
