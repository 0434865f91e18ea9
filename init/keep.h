/*
 * keep.h - fds that must outlive the supervisor, by name: read ends of log pipes, listening
 * sockets, notify sockets. The other side of common/keeper.h. It never looks into what it keeps.
 */
#pragma once

#include <stdbool.h>

#include "common/keeper.h"

struct kept {
	char name[KEEPER_NAME_MAX];
	int fd; /* valid where name[0] */
};

struct keep {
	unsigned high_water;
	int fd_limit;  /* no fd at or above it is kept: a supervisor must still be startable */
	bool draining; /* log pipes are watched by `epoll_fd`, as drain_base + their index */
	int epoll_fd;
	uint32_t drain_base;
	bool exit_asked; /* KEEPER_EXIT has come */
	int exit_status; /* and the status that it asked for */
	struct kept v[KEEPER_FDS_MAX];
};

/* Keeps `fd` (owned from here on, also on failure) under `name`; 0, -ENOSPC, -EINVAL. */
int keep_store(struct keep *keep, const char *name, int fd);
/* Closes it; 0 or -ENOENT. */
int keep_drop(struct keep *keep, const char *name);

/* Watches the slot, if it is a log pipe, so that PID 1 can read it away. */
void keep_drain(const struct keep *keep, const struct kept *slot);

/* What a request of the supervisor means for PID 1, beyond the keeping. */
enum keeper_event {
	KEEPER_EVENT_NONE = 0, /* nothing more to do */
	KEEPER_EVENT_READY,
	KEEPER_EVENT_STOPPED,
	KEEPER_EVENT_SHUTDOWN,
	KEEPER_EVENT_REEXEC,
	KEEPER_EVENT_EMPTY, /* no packet is there */
	KEEPER_EVENT_GONE,  /* the other end is closed */
};

/* Takes one packet from the socket, answers it, and says what it was. Never blocks. */
enum keeper_event keep_serve(struct keep *keep, int sock, const char *secrets, size_t secrets_len);
