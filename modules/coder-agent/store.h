/*
 * store.h - the cache of agents: which programs are here, which of them were checked, and which one
 *`current` names.
 *
 *	DIR/.lock              one fetcher at a time
 *	DIR/<sha1>/coder       a program that was checked to its end, 0755
 *	DIR/<sha1>/verified    the record of it (verified.h); its mtime is when it was used last
 *	DIR/<sha1>.partial     a download under way or to be resumed; at most one (partial.h)
 *	DIR/current            -> <sha1>, or the directory of the baked program
 *
 * Every change is a rename, made durable; a kill at any moment leaves what was there before.
 *Nothing here is executed.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "common/err.h"
#include "modules/coder-agent/elf.h"
#include "modules/coder-agent/verified.h"

#define STORE_ENTRIES 64
#define STORE_KEPT    2

struct store_entry {
	char sha1[SHA1_HEX];
	char version[VERIFIED_VERSION_MAX];
	struct timespec used;
};

struct store {
	int fd; /* the directory */
	int lock_fd;
	bool locked;
	char *path;                                /* absolute */
	struct store_entry entries[STORE_ENTRIES]; /* verified ones only */
	size_t n;
	char current[SHA1_HEX]; /* what `current` names, when that is a SHA-1; else empty */
};

/* Opens DIR, and makes it (not its parents). */
int store_open(struct store *store, const char *path, struct err *err);
/* 0, or -EAGAIN when another process has it and `wait` is false. */
int store_lock(struct store *store, bool wait, struct err *err);
/*
 * Fills the entries. A program whose record does not fit its file is hashed again; one that fails
 * is removed, and left-overs of a kill with it: only with the lock; without it nothing is changed.
 */
int store_scan(struct store *store, const struct machine *machine, struct err *err);
/* `current` if it is verified, else the one that was used last; NULL for none. Pure. */
const struct store_entry *store_choose(const struct store *store);
const struct store_entry *store_find(const struct store *store, const char *sha1);
/* Makes DIR/<sha1>.partial, which was checked, DIR/<sha1>/coder with its record. */
int store_publish(struct store *store, const char *sha1, const char *version, struct err *err);
/* `current` names it from here on; all but the last two are removed. */
int store_use(struct store *store, const char *sha1, struct err *err);
/* `current` names a directory that is not ours. */
int store_use_directory(struct store *store, const char *directory, struct err *err);
void store_close(struct store *store);
