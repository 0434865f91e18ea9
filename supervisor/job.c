/*
 * job.c - how long a unit may be on its way up or down: JobTimeoutSec=, JobRunningTimeoutSec=. A
 * job begins with the word to start or stop, not with the first command, and its end by time does
 * nothing to what runs already (systemd.unit(5)).
 */
#include "supervisor/control.h"
#include "supervisor/manager.h"

/* On its way, by somebody's word: what falls by itself has no job. */
static bool has_job(const struct service *s, enum service_state state)
{
	const struct service_machine *machine = &s->machine;

	return s->stop_pending || state == SERVICE_WAITING || service_is_starting(state) ||
	       (service_is_stopping(state) && (machine->stop_requested || machine->start_again));
}

static void sooner(struct service *s, uint64_t usec)
{
	uint64_t at;

	/* 0: a unit without a file. */
	if (!usec || usec == USEC_INFINITY || __builtin_add_overflow(now_us(), usec, &at))
		return;
	if (!s->timers[TIMER_JOB] || at < s->timers[TIMER_JOB])
		service_timer_set(s, TIMER_JOB, at);
}

/* Mostly there is none. */
static void timer_off(struct service *s)
{
	if (s->timers[TIMER_JOB])
		service_timer_set(s, TIMER_JOB, 0);
}

void job_begin(struct service *s)
{
	s->job = JOB_GOES;
	timer_off(s);
	sooner(s, s->unit->life.job_timeout_usec);
}

void job_follow(struct service *s)
{
	enum service_state state = s->machine.state;
	bool runs = service_is_starting(state) || service_is_stopping(state);

	if (!has_job(s, state)) {
		timer_off(s);
		/* Who waited for a start that was late hears of that, not of what came of it. */
		s->job = JOB_NONE;
		return;
	}
	if (s->job == JOB_NONE)
		job_begin(s);
	if (runs && s->job == JOB_GOES) {
		s->job = JOB_RUNS;
		sooner(s, s->unit->life.job_running_timeout_usec);
	}
}

void job_anew(struct service *s)
{
	s->job = JOB_NONE;
	job_follow(s);
}

void job_due(struct service *s)
{
	struct manager *m = s->manager;
	const char *what = s->job == JOB_RUNS ? "goes on, and nobody waits for it" : "is given up";

	/* The container's own limit counts then. */
	if (m->stopping || !has_job(s, s->machine.state))
		return;
	service_set_error(s,
			  "its job took longer than JobTimeoutSec= or JobRunningTimeoutSec= "
			  "allows and %s",
			  what);
	if (s->job == JOB_RUNS || s->stop_pending)
		s->job = JOB_LATE;
	m->dirty = true;
	if (s->stop_pending) {
		s->stop_pending = false;
	} else if (s->machine.state == SERVICE_WAITING) {
		service_end_text(s, "its job has timed out");
		service_event(s, EVENT_TIMEOUT);
	}
	/* Those that wait for it are to be looked at. */
	s->order_moved = true;
	order_touch(m, s);
	service_job_action(s);
}
