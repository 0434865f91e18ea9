/*
 * state.h - what survives the supervisor, in the memfd that PID 1 keeps: the cursors of the logs,
 * which log has which cursor, and a text with what the services were doing, in two copies with
 * generation, version, length and checksum, so that a kill between two stores never tears it.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "supervisor/journal.h"

#define STATE_VERSION  1u
#define STATE_TEXT_MAX (3u << 20)

struct state_copy {
	uint64_t generation; /* 0: not valid; stored last */
	uint32_t version;
	uint32_t length;
	uint64_t checksum; /* over generation, version, length and text */
	char text[];
};

struct state {
	char *base;
	size_t size;
	uint64_t generation;
};

int state_map(struct state *state, int fd, struct err *err);
void state_unmap(struct state *state);

struct journal_cursor *state_cursors(struct state *state);
/* The cursor's index of the log called `name`: its own if it has one, else a new one. -ENOSPC. */
int state_log_index(struct state *state, const char *name);
/* Frees the index of a log that is not written any more. */
void state_log_release(struct state *state, int index);

/* Writes the older copy anew. A text that is too long is -EFBIG and the last one stays. */
int state_write(struct state *state, const char *text, size_t len);
/* The newest whole copy: NULL when there is none, or of a version that we do not know. Not
 * NUL-terminated. */
const char *state_read(struct state *state, size_t *len);
