/*
 * relation.h - what follows for other units from what happens to one, by systemd.unit(5). Pure: a
 * graph and the states of the units in, a list of jobs out; order.c carries them out.
 */
#pragma once

#include "supervisor/graph.h"

enum relation_cause {
	CAUSE_START = 0, /* it is told to start */
	CAUSE_STOP,      /* it is told to stop */
	CAUSE_RESTART,   /* it is told to restart */
	CAUSE_RELOAD,    /* it is told to reload */
	CAUSE_UP,        /* it has come up */
	CAUSE_DOWN,      /* it is not up any more, whatever the reason */
	CAUSE_FAILED,    /* … and that is a failure */
	CAUSE_SUCCEEDED, /* … its run has ended well */
};

enum relation_now {
	NOW_DOWN = 0, /* at rest */
	NOW_COMING,   /* on its way up, or waiting for it */
	NOW_UP,
	NOW_GOING, /* on its way down */
};

enum relation_job {
	JOB_START = 0,
	JOB_STOP,
	JOB_RESTART,
	JOB_RELOAD,
	JOB_REACT,  /* start it because of how another one has ended, but never round and round */
	JOB_UPHOLD, /* start it again, but not in haste */
};

struct relation_task {
	size_t unit;
	enum relation_job job;
};

struct relation_tasks {
	struct relation_task *v;
	size_t n;
};

/* Appends what follows at once; the jobs have consequences of their own. 0 or -ENOMEM. */
int relation_follow(const struct graph *graph, size_t unit, enum relation_cause cause,
		    enum relation_now (*now)(void *arg, size_t unit), void *arg,
		    struct relation_tasks *tasks);
void relation_tasks_free(struct relation_tasks *tasks);
