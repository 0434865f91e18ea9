/*
 * journal_pump.h - moves what services wrote from their pipes into their files: tee, write, read
 * away (see journal_cursor.h). It runs in the thread of the journal, which owns the streams; only
 * what is under `lock` is read by others.
 *
 * A file that cannot be written never stops a pump: bytes are then read away, kept for the tail,
 * and counted.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "supervisor/journal_file.h"
#include "supervisor/journal_forward.h"
#include "supervisor/journal_match.h"
#include "supervisor/journal_record.h"
#include "supervisor/journal_tail.h"

#define PUMP_TURN (64 * 1024)

/* Shared by the streams of a journal. */
struct pump {
	int tee[2];          /* our own pipe; empty between two chunks */
	char *raw, *out;     /* PUMP_TURN bytes each */
	struct timespec now; /* of the chunk */
	struct stamp stamp;
	pthread_mutex_t lock; /* tail and counters of all streams */
	const struct journal_seam *seam;
	struct forward_console console;
};

struct stream {
	struct cursor *cursor;
	struct log_file file;
	int fds[RECORD_STREAMS];       /* stdout's and stderr's pipe, owned; -EBADF: none */
	int pipe_size[RECORD_STREAMS]; /* of them, when they were added */
	struct record_rules rules;
	struct rate rate;
	struct forward *forward;    /* NULL: not to the console */
	bool compress;              /* old files */
	bool uncompressed;          /* … and there may be one that is not */
	time_t rotate_s, max_age_s; /* journal_age.h; 0: never */
	time_t begun;               /* of the first record in the file; 0: not known, or none */
	time_t oldest;              /* last change of the oldest old file; 0: none */
	bool ages_known;            /* `oldest` is right */
	uint64_t max_bytes;
	uint64_t rotate_at; /* max_bytes, or more when the rotation failed */
	unsigned unchecked; /* chunks since log_file_check() */
	time_t checked;     /* when that was */
	time_t retry;       /* a file that cannot be opened is not tried again before */
	int open_error;     /* what it was then */
	uint8_t tail_open;  /* lines.open of what is in `tail` */
	bool refill;        /* `tail` is to be filled from the file when it is opened */

	struct log_match *match; /* that the bytes go through; NULL: nobody waits for a line */

	bool match_news; /* it has matched, and nobody was told yet */

	/* under pump.lock */
	uint64_t taken[RECORD_STREAMS]; /* bytes read away since the stream was added */
	struct log_match *match_next;   /* takes the place of `match` */
	bool match_new;                 /* … even where it is NULL */
	bool matched;                   /* what is waited for has come */
	struct tail tail;
	struct journal_counters counters;
};

int pump_open(struct pump *p, struct err *err);
void pump_close(struct pump *p);
/* Makes the cursor good and opens the file; failing to is no error of the stream (see above). */
void pump_start(struct pump *p, struct stream *s, bool taken_over);
/* Moves what is in one of the pipes, up to PUMP_TURN bytes. Returns their number, -EAGAIN: empty,
 * -EPIPE: and no writer. */
ssize_t pump_turn(struct pump *p, struct stream *s, unsigned which);
/* Moves what is in the pipes at the moment of the call. */
void pump_drain(struct pump *p, struct stream *s);
/* Gives the stream another match (or none, NULL), for what is written from now on; it is the
 * stream's to free. The owner of the stream calls pump_match_begin() soon after. For any thread. */
void pump_match(struct pump *p, struct stream *s, struct log_match *match);
/* Begins with the match that was given last. Returns whether one has come true since the last call
 * that said so. */
bool pump_match_begin(struct pump *p, struct stream *s);
/* Closes the pipes and the file. */
void pump_stop(struct stream *s);
