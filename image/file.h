/*
 * file.h - whole small files: read with a limit, and written so that a reader sees the old or the
 * new one.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/err.h"

/* Reads a regular file of at most `max` bytes; *text has a NUL behind it, and the caller frees it.
 * The error's code is the system's, so that a caller can tell -ENOENT. */
int file_read(const char *path, size_t max, char **text, size_t *len, struct err *err);

/* Writes a file of this mode beside `path`, to the disk, and renames it over `path`. */
int file_replace(const char *path, mode_t mode, const void *bytes, size_t len, struct err *err);

/* Makes what happened in the directory of `path` (a rename, an unlink) survive a power cut. */
int file_sync_directory(const char *path, struct err *err);

/* All `len` bytes at `offset`. Negative errno; -ENODATA when the file ends before. */
int file_pread(int fd, void *bytes, size_t len, uint64_t offset);
int file_pwrite(int fd, const void *bytes, size_t len, uint64_t offset);
