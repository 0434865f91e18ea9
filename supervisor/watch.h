/*
 * watch.h - asks a service's questions, Ready…= or Health…=, one after the other: a round is good
 * when each was answered well, and bad with the first that was not, or not in time.
 *
 * It costs nothing while it is off, one timer and one fd while a question is under way, and a
 * process only for …Exec=. It decides nothing: what a round means is ready.c's and health.c's.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "supervisor/manager.h"
#include "supervisor/output_line.h"
#include "supervisor/probe.h"

#define WATCH_TEXT 256

struct watch {
	struct service *service;
	const struct unit_watch *unit; /* what is asked; of service->unit */
	enum service_timer timer;
	enum board_role role;
	void (*done)(struct service *s, bool good); /* a round is over; it sets the next one */

	struct probe_target **targets; /* http, tcp and sockets of the unit, in this order */
	size_t n_targets;
	bool on;
	unsigned bad_rounds; /* since it is asked; its owner counts */
	size_t next;         /* the question that is asked or comes next: targets, then commands */
	struct probe probe;  /* under way where probe.fd >= 0 */
	struct source source;
	struct task task; /* the command that runs */
	bool stale;       /* … whose end means nothing any more */
	bool adopted;     /* … of an earlier supervisor: nobody reads what it prints */
	struct output_line output;
	char text[WATCH_TEXT]; /* what was answered last, a sentence */
	char bad[WATCH_TEXT];  /* why there is no target where one is NULL */
};

/* True when there is a question to be asked. */
bool watch_has(const struct unit_watch *unit);

struct watch *watch_new(struct service *s, enum service_timer timer, enum board_role role,
			void (*done)(struct service *s, bool good));
void watch_free(struct watch *w);
/* The unit has changed: its questions. Stops the round that is under way. */
void watch_set_unit(struct watch *w, const struct unit_watch *unit);

void watch_start(struct watch *w, uint64_t at_us); /* a round at this time */
void watch_stop(struct watch *w);
/* Its timer has come. */
void watch_due(struct watch *w);
/* The process of w->task has ended, and the task is free again. */
void watch_task_ended(struct watch *w, const struct board_slot *slot, const char *how);
/* After a takeover: goes on with a command that runs still. False: there is none. */
bool watch_resume(struct watch *w);
