#include "supervisor/loop.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "common/cleanup.h"

int loop_open(struct loop *loop, struct err *err)
{
	struct epoll_event e = {.events = EPOLLIN, .data.ptr = NULL};

	*loop = (struct loop){.epoll_fd = epoll_create1(EPOLL_CLOEXEC), .timer_fd = -1};
	if (loop->epoll_fd < 0)
		return err_sys(err, -errno, "epoll cannot be had");
	loop->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (loop->timer_fd < 0 || epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, loop->timer_fd, &e) < 0)
		return err_sys(err, -errno, "a timerfd cannot be had");
	return 0;
}

int loop_add(struct loop *loop, struct source *source, int fd, uint32_t events,
	     void (*ready)(void *, uint32_t), void *owner, struct err *err)
{
	struct epoll_event e = {.events = events, .data.ptr = source};

	*source = (struct source){.fd = fd, .ready = ready, .owner = owner};
	if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &e) < 0) {
		source->fd = -1;
		return err_sys(err, -errno, "an fd cannot be watched");
	}
	return 0;
}

void loop_modify(struct loop *loop, struct source *source, uint32_t events)
{
	struct epoll_event e = {.events = events, .data.ptr = source};

	if (source->fd >= 0)
		epoll_ctl(loop->epoll_fd, EPOLL_CTL_MOD, source->fd, &e);
}

void loop_remove(struct loop *loop, struct source *source)
{
	if (source->fd < 0)
		return;
	epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, source->fd, NULL);
	source->fd = -1;
	/* Its owner may be freed before this round is over. */
	if (loop->n_gone < ARRAY_LEN(loop->gone))
		loop->gone[loop->n_gone++] = source;
	else
		loop->gone_overflow = true;
}

static bool is_gone(const struct loop *loop, const struct source *source)
{
	for (unsigned i = 0; i < loop->n_gone; i++)
		if (loop->gone[i] == source)
			return true;
	/* Too many to remember: all further events of this round wait for the next, epoll tells
	 * them again. */
	return loop->gone_overflow;
}

static void arm(struct loop *loop, uint64_t at_us)
{
	struct itimerspec when = {
		.it_value = {.tv_sec = (time_t)(at_us / 1000000),
			     .tv_nsec = (long)(at_us % 1000000) * 1000},
	};

	if (at_us == loop->armed_us)
		return;
	loop->armed_us = at_us;
	timerfd_settime(loop->timer_fd, TFD_TIMER_ABSTIME, &when, NULL);
}

void loop_run_once(struct loop *loop, uint64_t deadline_us)
{
	struct epoll_event events[32];
	int n;

	arm(loop, deadline_us);
	loop->n_gone = 0;
	loop->gone_overflow = false;
	n = epoll_wait(loop->epoll_fd, events, ARRAY_LEN(events), -1);
	loop->round++;
	for (int i = 0; i < n; i++) {
		struct source *source = events[i].data.ptr;
		uint64_t times;

		if (!source) {
			if (read(loop->timer_fd, &times, sizeof(times)) > 0)
				loop->armed_us = 0;
		} else if (!is_gone(loop, source)) {
			source->ready(source->owner, events[i].events);
		}
	}
}
