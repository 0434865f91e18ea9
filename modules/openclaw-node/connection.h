/*
 * connection.h - does a process, or one that it has started, have an established TCP connection to
 * a port of another: from /proc/net/tcp, /proc/PID/stat and /proc/PID/fd (proc(5)).
 *
 * `proc` is "/proc", or a directory of a test. A connection whose other end is gone without a word
 * counts as established until the kernel gives it up.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

bool openclaw_connection_has(const char *proc, pid_t pid, uint16_t port);
