/*
 * watch.c - what a service tells by other means than its end: the pipe that tells of an execve, and
 * the output of StatusExec=.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "supervisor/manager.h"

#define STATUS_READY_FACTOR 10 /* a service that is up is asked so much more seldom */
#define STATUS_FIRST_USEC   (2 * USEC_PER_SEC)

static void exec_pipe_ready(void *owner, uint32_t events)
{
	struct service *s = owner;

	loop_remove(&s->manager->loop, &s->exec_source);
	close(s->exec_pipe);
	s->exec_pipe = -1;
	/* Closed by the execve, or by the end of a child that could not: then its end tells. */
	if (s->main.slot >= 0 &&
	    board_load(&s->manager->board->slot[s->main.slot].exec_stage) == EXEC_OK)
		service_event(s, EVENT_EXECED);
}

void exec_pipe_watch(struct service *s, int fd)
{
	if (s->exec_pipe >= 0) {
		loop_remove(&s->manager->loop, &s->exec_source);
		close(s->exec_pipe);
	}
	s->exec_pipe = fd;
	loop_add(&s->manager->loop, &s->exec_source, fd, EPOLLIN, exec_pipe_ready, s, NULL);
}

/* StatusExec=: a command that is asked now and then what there is to say about the service. */
void status_on(struct service *s)
{
	s->status_text[0] = '\0';
	if (s->unit->status_exec.path)
		service_timer_set(s, TIMER_STATUS, now_us() + STATUS_FIRST_USEC);
}

void status_due(struct service *s)
{
	uint64_t interval = s->unit->status_interval_usec;
	struct err err = {0};

	if (s->main.slot < 0 || s->manager->stopping || !s->unit->status_exec.path)
		return;
	if (service_is_up(s->machine.state))
		interval *= STATUS_READY_FACTOR;
	service_timer_set(s, TIMER_STATUS, now_us() + interval);
	/* The last one still runs: it is given the same time again, then it is ended. */
	if (s->status.slot >= 0) {
		task_end(s->manager, &s->status);
		return;
	}
	if (launch_status(s, &err) < 0)
		snprintf(s->status_text, sizeof(s->status_text), "StatusExec=: %s", err.text);
}

/* Keeps the last whole line of what was read so far. */
static void status_take(struct service *s, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\n') {
			snprintf(s->status_text, sizeof(s->status_text), "%.*s", (int)s->status_len,
				 s->status_buf);
			s->status_len = 0;
			s->told = false;
		} else if (s->status_len < sizeof(s->status_buf) - 1) {
			s->status_buf[s->status_len++] = text[i];
		}
	}
}

static void status_close(struct service *s)
{
	loop_remove(&s->manager->loop, &s->status_source);
	if (s->status_pipe >= 0)
		close(s->status_pipe);
	s->status_pipe = -1;
	s->status_len = 0;
}

static void status_ready(void *owner, uint32_t events)
{
	struct service *s = owner;
	char buf[1024];
	ssize_t n = read(s->status_pipe, buf, sizeof(buf));

	if (n > 0)
		status_take(s, buf, (size_t)n);
	else if (n == 0 || errno != EAGAIN)
		status_close(s);
}

void status_watch(struct service *s, int fd)
{
	status_close(s);
	s->status_pipe = fd;
	fcntl(fd, F_SETFL, O_NONBLOCK);
	loop_add(&s->manager->loop, &s->status_source, fd, EPOLLIN, status_ready, s, NULL);
}

void status_ended(struct service *s)
{
	/* What it wrote before it ended is in the pipe still. */
	if (s->status_pipe >= 0)
		status_ready(s, EPOLLIN);
}
