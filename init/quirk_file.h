/*
 * quirk_file.h - small files, as the quirks read and write them: whole, from a fixed buffer, never
 * waiting for a FIFO and never through a link where something is written.
 *
 * Every path is below `root`, which is "" but in tests. Errors are negative errno.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* The text with a NUL behind it, cut where it does not fit; its length. */
ssize_t file_read(const char *root, const char *path, char *buf, size_t size);
bool file_exists(const char *root, const char *path);
/* The number that a file begins with; -1: there is no file, or it begins with none ("max"). */
int64_t file_number(const char *root, const char *path);
/* Into a file that is there (a sysctl). */
int file_set(const char *root, const char *path, const char *text);
/* A new file in the place of the old one, whole or not at all, also when we are killed. */
int file_replace(const char *root, const char *path, const char *text, size_t len, mode_t mode);

/* Is there a mount point at `path`, or with `below` somewhere below it? */
bool mount_at(const char *path, bool below);
/* The optional fields of the mount at `path` (proc(5): "shared:1 master:2"), of the topmost one. */
bool mount_is_shared(const char *path);
