/*
 * loop.h - epoll and one timerfd. A source is an fd and what to do when something is there; it is
 * part of whoever owns it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"

struct source {
	int fd; /* -1 when it is not watched */
	void (*ready)(void *owner, uint32_t events);
	void *owner;
};

struct loop {
	int epoll_fd, timer_fd;
	uint64_t armed_us;
	uint64_t round; /* counts epoll_wait calls */
	struct source
		*gone[64]; /* sources that were taken out in this round: their events are void */
	unsigned n_gone;
	bool gone_overflow;
};

int loop_open(struct loop *loop, struct err *err);
int loop_add(struct loop *loop, struct source *source, int fd, uint32_t events,
	     void (*ready)(void *, uint32_t), void *owner, struct err *err);
void loop_modify(struct loop *loop, struct source *source, uint32_t events);
/* Stops watching; does not close the fd. Harmless when it is not watched. */
void loop_remove(struct loop *loop, struct source *source);
/* Waits for events or until `deadline_us` (CLOCK_MONOTONIC, 0: none) and calls the sources. */
void loop_run_once(struct loop *loop, uint64_t deadline_us);
