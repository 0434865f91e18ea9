/*
 * ready.c - Ready…=: asks until all of it holds at once; and ReadyLog=, which the journal answers.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "supervisor/watch.h"

#define FIRST_USEC 1000 /* the first question at once: what is ready in no time is seen so */
/* The next ones soon, too, each pause twice the one before up to ReadyIntervalSec=: most programs
 * are ready in some 10 ms, or take their time. A command costs a process each time. */
#define SOON_USEC      4000
#define SOON_EXEC_USEC 32000

static bool waits_for_log(const struct service *s)
{
	return s->unit->ready.log && !s->log_matched;
}

static void all_good(struct service *s)
{
	s->ready->on = false;
	service_event(s, EVENT_PROBE_OK);
}

static uint64_t pause_usec(const struct watch *w)
{
	uint64_t usec = w->unit->exec.n ? SOON_EXEC_USEC : SOON_USEC;

	for (unsigned i = 1; i < w->bad_rounds && usec < w->unit->interval_usec; i++)
		usec *= 2;
	return usec < w->unit->interval_usec ? usec : w->unit->interval_usec;
}

static void done(struct service *s, bool good)
{
	if (good && !waits_for_log(s)) {
		all_good(s);
	} else if (!waits_for_log(s)) {
		s->ready->bad_rounds++;
		watch_start(s->ready, now_us() + pause_usec(s->ready));
	}
}

static struct watch *watch_of(struct service *s)
{
	if (!s->ready)
		s->ready = watch_new(s, TIMER_PROBE, ROLE_READY, done);
	return s->ready;
}

struct task *ready_task(struct service *s)
{
	return watch_of(s) ? &s->ready->task : NULL;
}

bool ready_has(const struct unit *unit)
{
	return unit->ready.log || watch_has(&unit->ready);
}

void ready_set_unit(struct service *s)
{
	bool was_on = s->ready && s->ready->on;

	if (s->ready || ready_has(s->unit))
		if (watch_of(s))
			watch_set_unit(s->ready, &s->unit->ready);
	if (was_on && ready_has(s->unit))
		probe_on(s);
}

/* Before the program is started: what it prints from now on counts. */
void ready_log_begin(struct service *s)
{
	struct err err = {0};

	s->log_matched = false;
	if (s->unit->ready.log && s->log.index >= 0 &&
	    journal_match(s->manager->journal, (unsigned)s->log.index, s->unit->ready.log, NULL,
			  &err) < 0)
		service_set_error(s, "ReadyLog=: %s", err.text);
}

/* A dead supervisor may have seen the line and not lived to tell: the file is asked, too. */
static void log_resume(struct service *s)
{
	uint64_t ago = now_us() - s->exec_us;
	struct timespec since;
	int64_t us;

	if (!waits_for_log(s) || s->log.index < 0)
		return;
	clock_gettime(CLOCK_REALTIME, &since);
	us = (int64_t)since.tv_sec * 1000000 + since.tv_nsec / 1000 - (int64_t)ago;
	since.tv_sec = (time_t)(us / 1000000);
	since.tv_nsec = (long)(us % 1000000) * 1000;
	journal_match(s->manager->journal, (unsigned)s->log.index, s->unit->ready.log, &since,
		      NULL);
}

void probe_on(struct service *s)
{
	if (!watch_of(s))
		return;
	s->ready->on = true;
	s->ready->bad_rounds = 0;
	if (waits_for_log(s))
		snprintf(s->ready->text, sizeof(s->ready->text),
			 "waiting for \"%.100s\" in its log", s->unit->ready.log);
	else
		watch_start(s->ready, now_us() + FIRST_USEC);
}

void probe_off(struct service *s)
{
	if (!s->ready)
		return;
	if (s->ready->on && s->unit->ready.log && s->log.index >= 0)
		journal_match(s->manager->journal, (unsigned)s->log.index, NULL, NULL, NULL);
	watch_stop(s->ready);
}

void ready_resume(struct service *s)
{
	if (service_is_starting(s->machine.state) && s->main.slot >= 0)
		log_resume(s);
	if (s->machine.state != SERVICE_READY_WAIT) {
		if (s->ready)
			watch_stop(s->ready);
		return;
	}
	if (watch_of(s) && !watch_resume(s->ready))
		probe_on(s);
}

const char *ready_text(const struct service *s)
{
	return s->ready && s->ready->on && s->ready->text[0] ? s->ready->text : NULL;
}

/* ---- the journal's word ---- */

static void log_news(void *owner, uint32_t events)
{
	struct manager *m = owner;
	uint64_t count;

	if (read(m->journal_source.fd, &count, sizeof(count)) < 0)
		return;
	for (size_t i = 0; i < m->n_services; i++) {
		struct service *s = m->services[i];

		if (s->log.index < 0 || !waits_for_log(s) ||
		    !journal_matched(m->journal, (unsigned)s->log.index))
			continue;
		s->log_matched = true;
		m->dirty = true;
		if (!s->ready || !s->ready->on)
			continue;
		if (watch_has(&s->unit->ready))
			watch_start(s->ready, now_us() + FIRST_USEC);
		else
			all_good(s);
	}
}

int ready_log_open(struct manager *m, struct err *err)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	int r;

	if (fd < 0)
		return err_sys(err, -errno, "an eventfd for the logs cannot be had");
	r = loop_add(&m->loop, &m->journal_source, fd, EPOLLIN, log_news, m, err);
	if (r < 0) {
		close(fd);
		return r;
	}
	return fd;
}
