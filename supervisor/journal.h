/*
 * journal.h - the log of each service: from its pipe into its file, by a thread of its own, so that
 * neither a slow disk nor a service that writes as fast as it can holds up the loop.
 *
 * No line is lost, torn or doubled when the supervisor is killed at any instruction: bytes are
 * duplicated out of the pipe by tee(2), written to the file with pwrite(2) at the offset in the
 * cursor, and only then read away; the cursor lies in the state memfd that outlives us and tells,
 * to the instruction, whether the reading away has happened (see struct journal_cursor). A record
 * is "2026-11-24T03:07:08.123456Z " + the line + "\n" (journal_record.h has the marks of stderr,
 * levels and long lines).
 *
 * This room never starts or stops anything and never touches a cursor of another stream.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "common/err.h"
#include "supervisor/journal_record.h"

#define JOURNAL_STREAMS 1024

/* 128 bytes in the state memfd for each stream; all-zero means: never used. See journal.c for the
 * protocol. */
struct journal_cursor {
	uint64_t words[16]; /* laid out by journal.c */
};

struct journal;

struct journal_config {
	/* /var/log/hakim; made with mode 0755 if it is missing */
	const char *dir;
	/* JOURNAL_STREAMS of them, in shared memory that outlives this process */
	struct journal_cursor *cursors;
	/* an eventfd that the thread adds to after new lines of a watched stream, and when a line
	 * has come that is waited for; or -1 */
	int wake_fd;
	/* of the files (mode 0640): the coder user's; (gid_t)-1: leave it */
	gid_t group;
	/* the container's console for streams with `forward`, O_NONBLOCK, if it is above 0 */
	int console_fd;
	/* a program may have it in raw mode */
	bool console_raw;
	/* hakim-log-zstd, for streams with `compress`; NULL: none is */
	const char *compressor;
};

struct journal_stream {
	/* unit name; the file is DIR/NAME-without-.service.log */
	const char *name;
	/* Which cursor: the caller gives each name one, and the same one after a restart. */
	unsigned index;
	/* Read end of the pipe; the journal owns a dup of it, made in journal_add(). */
	int fd;
	/* Another one, of stderr, if it is above 0; dup'ed as well. */
	int err_fd;
	struct record_rules rules;
	/*
	 * Rotate when the file would grow over this; 0: never. A line is not divided between two
	 * files unless the file is at twice this size.
	 */
	uint64_t max_bytes;
	/* rotated files NAME.log.1 … NAME.log.K */
	unsigned keep;
	/* Rotate when the first record in the file is as old, remove old files when their last is;
	 * seconds, 0: never. */
	uint64_t rotate_s, max_age_s;
	/* Old files become NAME.log.N.zst. */
	bool compress;
	/* The name of its lines on the console; NULL: they do not go there. */
	const char *forward;
	/* Add to config.wake_fd after new lines. */
	bool watched;
	/* The stream was running before this supervisor started: trust the cursor. */
	bool taken_over;
};

struct journal_counters {
	/* written by this process */
	uint64_t lines, bytes;
	/* read away without being written: disk full or file not to be opened */
	uint64_t lost_bytes;
	/* of the last write that failed, 0 if the last one went well */
	int last_errno;
	/* lines that were over the rate */
	uint64_t suppressed;
	/* bytes that the console did not take */
	uint64_t console_dropped;
	/* the last old file could not be compressed */
	bool compress_failed;
};

/*
 * Starts the thread. Without a writable directory it still runs: pipes are drained, lines kept for
 * tails only, the loss is counted.
 */
int journal_start(struct journal **journal, const struct journal_config *config, struct err *err);
/*
 * Until journal_remove() the thread alone writes the cursor; it is reset here when the stream is
 * not taken over. A cursor may have another stream as soon as journal_remove() has returned, but
 * its memory is not the caller's to clear: the old stream may still be drained.
 */
int journal_add(struct journal *journal, const struct journal_stream *stream, struct err *err);
/* Drains what is in the pipe now, then forgets the stream. Does not wait. */
void journal_remove(struct journal *journal, unsigned index);
/*
 * The last whole lines of the stream that fit into buf (NUL-terminated, "\n" between); also from
 * before a restart.
 */
size_t journal_tail(struct journal *journal, unsigned index, char *buf, size_t size);
/*
 * Waits for a line (pattern.h) of what is written to the pipe after this call; NULL: for none any
 * more. With `since` (CLOCK_REALTIME) also of what the file has of that time or later: the caller
 * has taken over from another. When it has come, wake_fd is added to, and journal_matched() is
 * true until the next call.
 */
int journal_match(struct journal *journal, unsigned index, const char *pattern,
		  const struct timespec *since, struct err *err);
bool journal_matched(struct journal *journal, unsigned index);
void journal_counters(struct journal *journal, unsigned index, struct journal_counters *counters);
/*
 * Opens the file of a stream for reading (CLOEXEC); `older` 0 is the current file, 1 the newest
 * rotated one …
 */
int journal_open(struct journal *journal, unsigned index, unsigned older);
/*
 * Drains all pipes as far as they are filled now and writes it, then ends the thread; gives up
 * after timeout_ms.
 */
void journal_stop(struct journal *journal, int timeout_ms);
