/*
 * verified.h - the record beside a program that was checked: as long as the file is the same by
 * size, times and inode, it is not hashed again at each boot. Text, so that a person can read it;
 * anything odd in it means "not verified".
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "common/err.h"
#include "modules/coder-agent/etag.h"

#define VERIFIED_VERSION_MAX 128
#define VERIFIED_TEXT_MAX    1024

struct verified {
	char sha1[SHA1_HEX];
	char version[VERIFIED_VERSION_MAX]; /* the first line of --version; may be empty */
	uint64_t size, inode;
	int64_t mtime_sec, mtime_nsec;
	/* A file that was written and whose mtime was set back still has another ctime. */
	int64_t ctime_sec, ctime_nsec;
};

/* What holds for this file now. */
void verified_take(struct verified *v, const struct stat *st, const char *sha1,
		   const char *version);
bool verified_matches(const struct verified *v, const struct stat *st);
/* Returns the length of the text, which always fits. */
size_t verified_print(const struct verified *v, char text[VERIFIED_TEXT_MAX]);
/* `text` is NUL-terminated. Unknown lines are skipped; a line that is missing or broken is
 * -EBADMSG. */
int verified_parse(const char *text, struct verified *v, struct err *err);
