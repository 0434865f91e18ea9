/*
 * health.c - Health…=: asks a service that is up whether it is well, and says when it has not been
 * for too long.
 */
#include <stdio.h>
#include <string.h>

#include "common/json.h"
#include "supervisor/watch.h"

static const char *const names[] = {
	[HEALTH_NONE] = "",
	[HEALTH_STARTING] = "starting",
	[HEALTH_HEALTHY] = "healthy",
	[HEALTH_UNHEALTHY] = "unhealthy",
};

const char *health_name(enum health_state state)
{
	return names[state];
}

enum health_state health_parse(const char *name)
{
	for (enum health_state h = HEALTH_STARTING; h <= HEALTH_UNHEALTHY; h++)
		if (strcmp(names[h], name) == 0)
			return h;
	return HEALTH_NONE;
}

static void set(struct service *s, enum health_state state, unsigned failures)
{
	if (s->health_state != state || s->health_failures != failures)
		s->manager->dirty = true;
	s->health_state = state;
	s->health_failures = failures;
}

/* As Docker's: until it was well once, a failure within the start period is none. */
static bool may_fail(const struct service *s)
{
	return s->health_state == HEALTH_STARTING &&
	       now_us() - s->ready_us < s->unit->health_start_usec;
}

static void done(struct service *s, bool good)
{
	if (!service_is_up(s->machine.state)) {
		s->health->on = false;
		return;
	}
	watch_start(s->health, now_us() + s->unit->health.interval_usec);
	if (good) {
		set(s, HEALTH_HEALTHY, 0);
		return;
	}
	if (may_fail(s))
		return;
	set(s, s->health_state, s->health_failures + 1);
	if (s->health_failures < s->unit->health_retries)
		return;
	set(s, HEALTH_UNHEALTHY, s->health_failures);
	watch_stop(s->health);
	service_set_error(s, "it is unhealthy (%u failure%s in a row): %s", s->health_failures,
			  s->health_failures == 1 ? "" : "s", s->health->text);
	service_event(s, EVENT_UNHEALTHY);
}

static struct watch *watch_of(struct service *s)
{
	if (!s->health)
		s->health = watch_new(s, TIMER_HEALTH, ROLE_HEALTH, done);
	return s->health;
}

struct task *health_task(struct service *s)
{
	return watch_of(s) ? &s->health->task : NULL;
}

void health_set_unit(struct service *s)
{
	bool was_on = s->health && s->health->on, has = watch_has(&s->unit->health);
	uint64_t due = s->timers[TIMER_HEALTH], latest = now_us() + s->unit->health.interval_usec;

	if (s->health || has)
		if (watch_of(s))
			watch_set_unit(s->health, &s->unit->health);
	if (!has)
		set(s, HEALTH_NONE, 0);
	/* What is known of a service that was not changed stays known. */
	if (has && was_on)
		watch_start(s->health, due && due < latest ? due : latest);
	else if (has && service_is_up(s->machine.state))
		health_on(s);
}

void health_on(struct service *s)
{
	if (!watch_has(&s->unit->health) || !watch_of(s))
		return;
	s->health->text[0] = '\0';
	set(s, HEALTH_STARTING, 0);
	watch_start(s->health, now_us() + s->unit->health.interval_usec);
}

void health_off(struct service *s)
{
	if (s->health)
		watch_stop(s->health);
}

/* What is known of it stays known. */
void health_resume(struct service *s)
{
	if (!service_is_up(s->machine.state) || !watch_has(&s->unit->health) || !watch_of(s)) {
		health_off(s);
		return;
	}
	if (s->health_state == HEALTH_NONE)
		set(s, HEALTH_STARTING, 0);
	if (!watch_resume(s->health))
		watch_start(s->health, now_us() + s->unit->health.interval_usec);
}

void health_report(const struct service *s, struct json *j)
{
	bool up = service_is_up(s->machine.state) ||
		  (s->health_state == HEALTH_UNHEALTHY && s->machine.state != SERVICE_DEAD);

	if (s->health_state == HEALTH_NONE || !s->health || !up) {
		json_null(j, "health");
		return;
	}
	json_begin_object(j, "health");
	json_string(j, "state", health_name(s->health_state));
	json_int(j, "failures", s->health_failures);
	json_string(j, "text", s->health->text[0] ? s->health->text : NULL);
	json_end_object(j);
}
