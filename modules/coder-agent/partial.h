/*
 * partial.h - DIR/<sha1>.partial: the download under way. It is written in large pieces, hashed on
 * the way, and left where it is when we are killed: what is in it is always a beginning of the
 * file, or the hash says so at the end.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "modules/coder-agent/hash.h"
#include "modules/coder-agent/store.h"

#define PARTIAL_BUFFER (256u * 1024u)

struct partial {
	struct store *store;
	int fd;              /* < 0: there is none */
	char sha1[SHA1_HEX]; /* what it shall become */
	uint64_t size;       /* hashed; of it, `buffered` bytes are not in the file yet */
	size_t buffered;
	char *buffer;
	struct hash hash;
	unsigned char head[ELF_HEAD];
};

/* Finds one to resume, and hashes it; all others are removed. None is no error: fd stays < 0. */
int partial_find(struct partial *partial, struct store *store, struct err *err);
/* Begins an empty one; one of another SHA-1 is removed. */
int partial_begin(struct partial *partial, struct store *store, const char *sha1, struct err *err);
int partial_add(struct partial *partial, const void *bytes, size_t len, struct err *err);
/* Is it what it shall become? Makes it durable and executable then, and closes it. -EBADMSG: it is
 * something else. */
int partial_finish(struct partial *partial, struct err *err);
/* Has it all bytes already (we were killed between the last byte and the checks)? */
bool partial_is_whole(const struct partial *partial);
/* Writes what is buffered and closes it, to be resumed. */
void partial_leave(struct partial *partial);
/* Removes it. */
void partial_drop(struct partial *partial);
