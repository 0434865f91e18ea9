/*
 * journal_file.h - the file of one log: opened where the cursor says, appended, rotated. At no
 * instruction may a kill lose or double what is in it: the cursor names the inode that its offset
 * is of, so it is seen on the next open that a rotation (or a person) has put another file in the
 * place.
 *
 * Follows no symbolic link below the directory, and touches nothing there but NAME.log, NAME.log.N
 * and NAME.log.N.zst (journal_compress.h makes those).
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "supervisor/journal_cursor.h"

/* "x.log.4294967295" must be a file name. */
#define LOG_NAME_MAX 240

#define LOG_KEEP_MAX 100 /* of LogKeep= */

struct log_rotated {
	char name[LOG_NAME_MAX + 24];
};

struct log_file {
	const char *dir; /* opened anew each time: a person may move it away. Owned by the caller */
	char name[LOG_NAME_MAX + 8]; /* NAME.log */
	gid_t group;                 /* (gid_t)-1: as it is */
	unsigned keep;
	int fd; /* starts at -EBADF */
	uint64_t dev, ino;
	const struct journal_seam *seam;
};

/* NAME.log.N (0: NAME.log), and the same compressed. */
struct log_rotated log_rotated_name(const char *name, unsigned older);
struct log_rotated log_packed_name(const char *name, unsigned older);
/* Makes the file name of a unit: "x.service" is logged in "x.log". -EINVAL if that is no file name.
 */
int log_file_name(struct log_file *f, const char *unit);
/*
 * Opens or makes the file and sets the cursor right (cursor_recover() was called before): the
 * cursor's own file is cut to the cursor's offset, because the bytes behind it are still in the
 * pipe; any other is appended to.
 */
int log_file_open(struct log_file *f, struct cursor *c);
/* What did others do to it? Not there or replaced: it is closed. Cut or appended to: go on at its
 * end. */
void log_file_check(struct log_file *f, struct cursor *c);
/*
 * NAME.log becomes NAME.log.1, and so on, and a new NAME.log is opened. On an error the old file
 * may be open still: the log goes on in it.
 */
int log_file_rotate(struct log_file *f, struct cursor *c);
int log_file_write(const struct log_file *f, uint64_t off, const char *buf, size_t len);
void log_file_close(struct log_file *f);

/* Removes the old files whose last line is older than `before`. Returns the age (time_t) of the
 * oldest that is left, 0: there is none. */
time_t log_file_expire(const struct log_file *f, time_t before);
/* Opens NAME.log (older 0), NAME.log.`older` or its compressed one for reading. Returns the fd or a
 * negative errno. */
int log_file_reader(const char *dir, const char *name, unsigned older);
/* Makes the directory and those above it, as far as they are missing. */
int log_dir_make(const char *dir);
