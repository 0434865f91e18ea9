/*
 * timers.c - the deadlines of the services: a few a service, whose earliest is in the heap of all.
 */
#include <string.h>
#include <sys/random.h>

#include "supervisor/manager.h"
#include "supervisor/watch.h"

#define EMPTY_FIRST_USEC 2000
#define EMPTY_MAX_USEC   100000

void service_timer_set(struct service *s, enum service_timer timer, uint64_t at_us)
{
	uint64_t first = 0;

	s->timers[timer] = at_us;
	for (unsigned t = 0; t < SERVICE_TIMERS; t++)
		if (s->timers[t] && (!first || s->timers[t] < first))
			first = s->timers[t];
	timer_heap_set(&s->manager->timers, &s->due, first);
}

void service_timer_in(struct service *s, enum service_timer timer, uint64_t usec)
{
	uint64_t at = 0;

	if (usec == USEC_INFINITY || __builtin_add_overflow(now_us(), usec, &at))
		at = 0;
	service_timer_set(s, timer, at);
}

uint64_t manager_next_timer(const struct manager *m)
{
	const struct timer_node *first = timer_heap_first(&m->timers);

	return first ? first->at : 0;
}

uint64_t service_stop_deadline(const struct service *s, uint64_t timeout_usec)
{
	uint64_t now = now_us();
	uint64_t by = board_load(&s->manager->board->stop_by_ns) / 1000;
	uint64_t at = 0;
	uint64_t left;

	if (!s->manager->stopping)
		return timeout_usec == USEC_INFINITY ||
				       __builtin_add_overflow(now, timeout_usec, &at)
			       ? 0
			       : at;
	/* The container's own limit caps every TimeoutStopSec=; the last tenth is kept for SIGKILL
	 * and its effect. */
	left = by > now ? by - now : 0;
	left -= left / 10;
	return now + (timeout_usec < left ? timeout_usec : left);
}

void service_restart_in(struct service *s)
{
	uint32_t random = 0;
	uint64_t delay;

	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) < 0)
		random = 0;
	delay = service_restart_pause(s->unit, s->restarts_in_row + 1, random);
	/* Zero means at once, but through the loop: a crash loop must not keep it from anything
	 * else. */
	service_timer_in(s, TIMER_STATE, delay ? delay : 1);
}

void service_check_empty(struct service *s)
{
	uint64_t wait;

	if (service_is_empty(s)) {
		s->empty_checks = 0;
		service_timer_set(s, TIMER_EMPTY, 0);
		/* A session's number may be another's later on. */
		if (s->unit->kill_mode != KILL_PROCESS && s->unit->kill_mode != KILL_NONE)
			memset(s->sessions, 0, sizeof(s->sessions));
		service_event(s, EVENT_EMPTY);
		return;
	}
	service_kill_rest(s);
	wait = EMPTY_FIRST_USEC << (s->empty_checks < 6 ? s->empty_checks : 6);
	s->empty_checks++;
	service_timer_in(s, TIMER_EMPTY, wait < EMPTY_MAX_USEC ? wait : EMPTY_MAX_USEC);
}

static bool is_watched(enum service_state state)
{
	return state == SERVICE_START_POST || state == SERVICE_READY_WAIT || service_is_up(state);
}

void service_watchdog_fed(struct service *s)
{
	if (s->watchdog_usec && is_watched(s->machine.state))
		service_timer_in(s, TIMER_WATCHDOG, s->watchdog_usec);
}

static uint64_t runtime_max(const struct service *s)
{
	const struct unit_life *life = &s->unit->life;
	uint64_t random = 0;
	uint64_t sum;

	if (life->runtime_max_usec == USEC_INFINITY || !life->runtime_extra_usec)
		return life->runtime_max_usec;
	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) < 0)
		random = 0;
	if (__builtin_add_overflow(life->runtime_max_usec, random % life->runtime_extra_usec, &sum))
		return USEC_INFINITY;
	return sum;
}

void service_follow_up(struct service *s, enum service_state old)
{
	enum service_state state = s->machine.state;

	job_follow(s);
	if (is_watched(state) && !is_watched(old))
		service_watchdog_fed(s);
	else if (!is_watched(state) || state == SERVICE_EXITED)
		service_timer_set(s, TIMER_WATCHDOG, 0);
	if (service_is_up(state) && !service_is_up(old))
		service_timer_in(s, TIMER_RUNTIME, runtime_max(s));
	else if (!service_is_up(state))
		service_timer_set(s, TIMER_RUNTIME, 0);
}

static void state_due(struct service *s)
{
	enum service_state state = s->machine.state;

	if (state == SERVICE_AUTO_RESTART) {
		if (service_start_limited(s))
			return;
		s->restarts++;
		s->restarts_in_row++;
		service_event(s, EVENT_RESTART_DUE);
		return;
	}
	if (service_is_up(state)) {
		service_set_error(s, "its reload took longer than allowed and is given up");
	} else {
		const char *what = service_is_stopping(state) ? "stop" : "start";

		service_set_error(s, "it took longer than allowed to %s and is ended", what);
		service_end_text(s, "took longer than allowed to %s", what);
	}
	service_event(s, EVENT_TIMEOUT);
}

static void timer_due(struct service *s, enum service_timer timer)
{
	service_timer_set(s, timer, 0);
	switch (timer) {
	case TIMER_STATE:
		state_due(s);
		break;
	case TIMER_SPAWN:
		service_carry_out(s, s->spawn_action);
		break;
	case TIMER_PROBE:
		if (s->ready)
			watch_due(s->ready);
		break;
	case TIMER_HEALTH:
		if (s->health)
			watch_due(s->health);
		break;
	case TIMER_STATUS:
		status_due(s);
		break;
	case TIMER_EMPTY:
		service_check_empty(s);
		break;
	case TIMER_UPHOLD:
		order_uphold_due(s);
		break;
	case TIMER_FIND:
		adopt_find(s);
		break;
	case TIMER_ADOPTED:
		adopt_due(s);
		break;
	case TIMER_WATCHDOG:
		service_set_error(s, "it has not sent WATCHDOG=1 for longer than %llu ms",
				  (unsigned long long)s->watchdog_usec / 1000);
		service_end_text(s, "the watchdog has run out");
		service_event(s, EVENT_WATCHDOG);
		break;
	case TIMER_RUNTIME:
		service_set_error(s, "it has run for RuntimeMaxSec= and is stopped");
		service_end_text(s, "RuntimeMaxSec= was over");
		service_event(s, EVENT_RUNTIME_MAX);
		break;
	case TIMER_BUS:
		bus_due(s);
		break;
	case TIMER_JOB:
		job_due(s);
		break;
	case TIMER_SOCKET:
		s->manager->sockets_pending = true;
		break;
	case SERVICE_TIMERS:
		break;
	}
}

void service_timers_due(struct manager *m)
{
	const struct timer_node *first;
	uint64_t now = now_us();

	/* What becomes due by this mostly waits for the next round; that it could come again and
	 * again must not keep the loop here. */
	for (size_t left = m->timers.n; left; left--) {
		struct service *s;

		first = timer_heap_first(&m->timers);
		if (!first || first->at > now)
			return;
		s = first->owner;
		for (unsigned t = 0; t < SERVICE_TIMERS; t++)
			if (s->timers[t] && s->timers[t] <= now)
				timer_due(s, (enum service_timer)t);
	}
}
