/*
 * holder.h - who has a TCP port, from /proc/net/tcp and /proc/PID/fd (proc(5)).
 *
 * `proc` is "/proc", or a directory of a test.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct holder {
	uint64_t inode; /* of the listening socket */
	pid_t pid;      /* 0: a process that we may not look at */
	char name[32];
};

/* True when something listens on the port, at any address. */
bool holder_find(const char *proc, uint16_t port, struct holder *holder);
