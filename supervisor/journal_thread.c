/*
 * journal_thread.c - the thread of the journal: it drains the pipes, and sees to the files when
 * there is a time for it.
 */
#include "supervisor/journal_thread.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "supervisor/journal_age.h"

#define EVENTS 64

/*
 * Our fd is one of several of the same pipe (PID 1 keeps one), and epoll forgets a pipe only when
 * the last of them is closed: so it has to be told.
 */
static void unpoll(struct journal *j, struct side *side)
{
	if (side->polled)
		(void)epoll_ctl(j->epoll, EPOLL_CTL_DEL, side->entry->stream.fds[side->which],
				NULL);
	side->polled = false;
}

static void poll_side(struct journal *j, struct side *side)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = side};
	int fd = side->entry->stream.fds[side->which];

	side->polled = fd >= 0 && epoll_ctl(j->epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

void entry_free(struct journal *j, struct entry *e)
{
	pump_stop(&e->stream);
	apart_free(&j->apart, e);
}

static void wake(const struct journal *j)
{
	const uint64_t one = 1;

	if (j->wake_fd >= 0)
		(void)!write(j->wake_fd, &one, sizeof(one));
}

static bool is_timed(const struct entry *e)
{
	return e->stream.rotate_s || e->stream.max_age_s || e->stream.compress;
}

static void run_order(struct journal *j, const struct order *order)
{
	struct entry *e = order->entry;

	if (order->kind == ORDER_ADD) {
		pump_start(&j->pump, &e->stream, e->taken_over);
		compress_clean(&e->stream.file);
		j->running[e->index] = e;
		j->n_timed += is_timed(e);
		for (unsigned i = 0; i < RECORD_STREAMS; i++)
			poll_side(j, &e->sides[i]);
		return;
	}
	if (order->kind == ORDER_MATCH) {
		pthread_mutex_lock(&j->pump.lock);
		e->match_ordered = false;
		pthread_mutex_unlock(&j->pump.lock);
		if (pump_match_begin(&j->pump, &e->stream))
			wake(j);
		return;
	}
	pump_drain(&j->pump, &e->stream);
	for (unsigned i = 0; i < RECORD_STREAMS; i++)
		unpoll(j, &e->sides[i]);
	j->running[e->index] = NULL;
	j->n_timed -= is_timed(e);
	entry_free(j, e);
}

/* Returns whether the thread is to end. */
static bool run_orders(struct journal *j)
{
	struct order *order, *next;
	uint64_t unused;
	bool stop;

	(void)!read(j->command, &unused, sizeof(unused));
	pthread_mutex_lock(&j->pump.lock);
	order = j->first;
	j->first = NULL;
	j->last = &j->first;
	stop = j->stop;
	pthread_mutex_unlock(&j->pump.lock);
	for (; order; order = next) {
		next = order->next;
		run_order(j, order);
	}
	return stop;
}

/* Returns whether somebody wants to be woken for it. */
static bool run_side(struct journal *j, struct side *side)
{
	ssize_t n = pump_turn(&j->pump, &side->entry->stream, side->which);

	/*
	 * Without a writer the pipe would be ready for ever. The supervisor holds a write end
	 * itself, so this is the end of the service; the same goes for a pipe that cannot be read
	 * for another reason.
	 */
	if (n < 0 && n != -EAGAIN)
		unpoll(j, side);
	return (n > 0 && side->entry->watched) | pump_match_begin(&j->pump, &side->entry->stream);
}

/* ---- what becomes of files with time ---- */

/* Looks for an old file that is to be compressed, and starts it; one at a time. */
static void compress_next(struct journal *j)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = &j->compress};
	int r = 0;

	if (!j->compress.program)
		return;
	for (size_t i = 0; i < JOURNAL_STREAMS && r <= 0 && j->compress.pidfd < 0; i++) {
		struct entry *e = j->running[i];

		if (!e || !e->stream.uncompressed)
			continue;
		r = compress_start(&j->compress, &e->stream.file);
		/* After a failure not before the next rotation. */
		e->stream.uncompressed = r > 0;
		if (r < 0) {
			pthread_mutex_lock(&j->pump.lock);
			e->stream.counters.compress_failed = true;
			pthread_mutex_unlock(&j->pump.lock);
		}
	}
	if (r > 0)
		(void)epoll_ctl(j->epoll, EPOLL_CTL_ADD, j->compress.pidfd, &event);
}

static void compress_done(struct journal *j)
{
	char name[sizeof(j->compress.name)];
	int r;

	memcpy(name, j->compress.name, sizeof(name));
	(void)epoll_ctl(j->epoll, EPOLL_CTL_DEL, j->compress.pidfd, NULL);
	r = compress_end(&j->compress, j->dir);
	for (size_t i = 0; i < JOURNAL_STREAMS; i++) {
		struct entry *e = j->running[i];

		if (!e || strcmp(e->stream.file.name, name) != 0)
			continue;
		e->stream.uncompressed = r == 0;
		e->stream.ages_known = false;
		pthread_mutex_lock(&j->pump.lock);
		e->stream.counters.compress_failed = r < 0;
		pthread_mutex_unlock(&j->pump.lock);
	}
}

/* Does what is due; returns how long nothing is, in milliseconds of epoll_wait(2). */
static int run_timed(struct journal *j)
{
	struct timespec now;
	time_t next = 0;

	if (!j->n_timed)
		return -1;
	clock_gettime(CLOCK_REALTIME, &now);
	for (size_t i = 0; i < JOURNAL_STREAMS; i++) {
		struct stream *s = j->running[i] ? &j->running[i]->stream : NULL;
		time_t due = s ? age_due(s) : 0;

		if (due && due <= now.tv_sec) {
			if (age_run(s, now.tv_sec))
				s->uncompressed = s->compress;
			due = age_due(s);
		}
		if (due && (!next || due < next))
			next = due;
	}
	compress_next(j);
	if (!next)
		return -1;
	if (next <= now.tv_sec)
		return 1000;
	/* The clock may be set meanwhile: at least once a day it is looked at. */
	return next - now.tv_sec > 86400
		       ? 86400000
		       : (int)((next - now.tv_sec) * 1000 - now.tv_nsec / 1000000) + 1;
}

void *journal_main(void *arg)
{
	struct journal *j = arg;
	struct epoll_event events[EVENTS];
	bool stop = false;

	while (!stop) {
		/* Level-triggered and a bounded turn each: what is still ready goes to the end of
		 * the kernel's list. */
		int n = epoll_wait(j->epoll, events, EVENTS, run_timed(j));
		bool orders = false, news = false;

		for (int i = 0; i < n; i++) {
			if (events[i].data.ptr == &j->compress)
				compress_done(j);
			else if (events[i].data.ptr)
				news |= run_side(j, events[i].data.ptr);
			else
				orders = true;
		}
		if (news)
			wake(j);
		/* Last: an entry of `events` may be freed by it. */
		if (orders)
			stop = run_orders(j);
	}
	for (size_t i = 0; i < JOURNAL_STREAMS; i++)
		if (j->running[i])
			pump_drain(&j->pump, &j->running[i]->stream);
	pthread_mutex_lock(&j->pump.lock);
	j->ended = true;
	pthread_cond_signal(&j->ended_cond);
	pthread_mutex_unlock(&j->pump.lock);
	return NULL;
}
