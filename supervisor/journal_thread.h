/*
 * journal_thread.h - the inside of the journal, for journal.c (the callers) and journal_thread.c
 * (its thread); nobody else includes it.
 */
#pragma once

#include <pthread.h>

#include "supervisor/apart.h"
#include "supervisor/journal_compress.h"
#include "supervisor/journal_pump.h"

enum order_kind {
	ORDER_ADD = 0,
	ORDER_REMOVE, /* drain it and free it */
	ORDER_MATCH,  /* a line is waited for: it may be in the file */
};

/* What the thread is to do with a stream; done in the order in which they came. */
struct order {
	enum order_kind kind;
	struct entry *entry;
	struct order *next;
};

struct entry;

/* One pipe of a log; what the epoll knows. */
struct side {
	struct entry *entry;
	unsigned which;
	bool polled; /* in the epoll */
};

struct entry {
	struct stream stream;
	struct side sides[RECORD_STREAMS];
	unsigned index;
	bool taken_over, watched;
	/* They lie here so that giving an order cannot fail. */
	struct order add, remove, match;
	bool match_ordered; /* under pump.lock */
};

struct journal {
	char *dir;
	struct cursor *cursors;
	gid_t group;
	int wake_fd; /* the caller's */
	int epoll, command;
	pthread_t thread;
	struct apart apart;                     /* where entries lie */
	struct pump pump;                       /* its lock is also for all from here … */
	struct entry *entries[JOURNAL_STREAMS]; /* those added and not removed */
	struct order *first, **last;
	pthread_cond_t ended_cond;
	bool stop, ended;                       /* … to here */
	struct entry *running[JOURNAL_STREAMS]; /* the thread's own, as what follows */
	unsigned n_timed;                       /* of them with something that becomes due */
	struct compress compress;
};

/* The thread: pthread_create()'s function, of a struct journal. */
void *journal_main(void *arg);
void entry_free(struct journal *j, struct entry *e);
