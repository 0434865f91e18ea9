/*
 * keeper.h - the supervisor's end of the line to PID 1 (common/keeper.h). Each call is one question
 * and its answer; PID 1 never blocks, so they are waited for, but never longer than
 * KEEPER_TIMEOUT_MS.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/keeper.h"

#define KEEPER_TIMEOUT_MS 5000

struct keeper {
	int fd;
	uint32_t seq;
};

/* Has PID 1 keep a copy of `fd` under `name`; on 0 it has it for certain. */
int keeper_store(struct keeper *keeper, const char *name, int fd, struct err *err);
int keeper_drop(struct keeper *keeper, const char *name, struct err *err);
/* Calls take() for each kept fd; take() owns the fd. */
int keeper_list(struct keeper *keeper, void (*take)(void *data, const char *name, int fd),
		void *data, struct err *err);
/* The secrets, NAME=VALUE NUL …, in a buffer that the caller frees (after wiping it). */
int keeper_secrets(struct keeper *keeper, char **secrets, size_t *len, struct err *err);
/* READY, STOPPED, SHUTDOWN, REEXEC. */
/* An ordered stop of the container, which then exits with this status; -ENOSYS: PID 1 is older. */
int keeper_exit(struct keeper *keeper, int status, struct err *err);
int keeper_tell(struct keeper *keeper, enum keeper_op op, struct err *err);
