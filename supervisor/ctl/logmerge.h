/*
 * logmerge.h - several logs as one, by the time of their records. Within a log its own order
 * counts, also where the clock was set back; a line without a stamp stays with its neighbour.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "supervisor/ctl/loggrep.h"
#include "supervisor/ctl/logrecord.h"
#include "supervisor/ctl/logsource.h"
#include "supervisor/ctl/logwalk.h"

struct follow;

/* One log of several. */
struct log {
	char *name; /* as it was asked for; owned */
	struct log_files files;
	struct log_walk walk;
	struct log_spot before; /* where the walk was before `head` */
	struct log_record head; /* the next one … */
	bool has_head;          /* … if there is one */
	int64_t us;             /* its time, or that of its neighbour */
	struct follow *follow;  /* with -f only; owned by logfollow.c */
};

struct log_set {
	struct log *v;        /* is not moved while it is followed */
	size_t n, room;       /* so many fit */
	struct strv patterns; /* who begins to log and matches one of them is followed, too */
	struct log_source source;
	struct log_grep grep;
	struct log_style style;
	struct log_text text; /* on its way out */
	struct log_out out;
};

/* What of them is shown. */
struct log_range {
	bool timed, until_timed;
	int64_t since, until; /* microseconds since 1970, inclusive; where the above say so */
	uint64_t lines;       /* the last so many; UINT64_MAX: all */
	bool reverse;         /* the newest first */
	bool whole;           /* nothing of a last line that has no end yet */
};

/* Is this unit's log one of them? */
bool log_set_has(const struct log_set *set, const char *unit);

/* Prints what is wanted. The walks are at the end of what was there, which is where a follower goes
 * on. */
int log_merge_print(struct log_set *set, const struct log_range *range, struct err *err);
/* Which of them has the earliest head (`backward`: the latest); NULL: none has one. */
struct log *log_merge_pick(struct log_set *set, bool backward);
/* The head is the line now; its time, too. */
void log_head_set(struct log *log, const char *line, size_t len);

/* Shows the head if it is wanted; 1: it was. */
int log_show_head(struct log_set *set, const struct log *log, struct err *err);
/* Writes out what is on its way. */
int log_show_end(struct log_set *set, struct err *err);
