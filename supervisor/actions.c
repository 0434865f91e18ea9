/*
 * actions.c - carries out what the state machine asks for. Every action may lead to the next event
 * at once: who calls it must not hold on to what it knew before.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "supervisor/manager.h"
#include "supervisor/sockets.h"
#include "supervisor/spawn.h"

#define SPAWN_AGAIN_USEC 100000 /* fork said EAGAIN */

static const struct command *command_of(const struct service *s, unsigned action)
{
	const struct commands *list = launch_commands(s->unit, action);

	return s->machine.command < list->n ? &list->v[s->machine.command] : NULL;
}

static void spawn_action(struct service *s, unsigned action)
{
	const struct command *command = command_of(s, action);
	struct err err = {0};
	int r = launch_command(s, action, &err);

	if (r == 0) {
		s->spawn_action = 0;
		if (action & DO_SPAWN_MAIN && s->policy.type == TYPE_SIMPLE)
			service_event(s, EVENT_SPAWNED);
		return;
	}
	if (r == -EAGAIN || r == -ENOMEM) {
		/* No process, no memory for now: wait and try the same again (the state's own
		 * deadline still counts). */
		if (s->spawn_action != action)
			service_set_error(s, "%s; trying again", err.text);
		s->spawn_action = action;
		service_timer_in(s, TIMER_SPAWN, SPAWN_AGAIN_USEC);
		return;
	}
	s->spawn_action = 0;
	service_set_error(s, "%s", err.text);
	if (r == SPAWN_NO_PROGRAM && command && command->ignore_failure) {
		service_event(s, action & DO_SPAWN_MAIN && s->policy.type != TYPE_FORKING
					 ? EVENT_MAIN_OK
					 : EVENT_CONTROL_OK);
		return;
	}
	if (action & DO_SPAWN_RELOAD) {
		service_event(s, EVENT_SPAWN_FAILED);
		return;
	}
	service_end_text(s, "%s", err.text);
	if (s->machine.result == RESULT_SUCCESS)
		s->machine.result = r == SPAWN_NO_PROGRAM ? RESULT_EXEC : RESULT_RESOURCES;
	service_event(s, EVENT_SPAWN_FAILED);
}

static void carry_out_signals(struct service *s, unsigned actions)
{
	if (actions & DO_END_CONTROL)
		task_signal(s->manager, &s->control, SIGKILL);
	if (actions & DO_ABORT)
		service_end(s, END_ABORT);
	if (actions & DO_TERM)
		service_end(s, END_TERM);
	if (actions & DO_KILL)
		service_end(s, END_KILL);
	if (actions & DO_RELOAD_SIGNAL)
		task_signal(s->manager, &s->main, s->unit->life.reload_signal);
}

static void carry_out_timers(struct service *s, unsigned actions)
{
	const struct unit *unit = s->unit;

	if (actions & DO_TIMER_START)
		service_timer_in(s, TIMER_STATE, unit->timeout_start_usec);
	if (actions & DO_TIMER_STOP)
		service_timer_set(s, TIMER_STATE,
				  service_stop_deadline(s, unit->timeout_stop_usec));
	if (actions & DO_TIMER_ABORT)
		service_timer_set(s, TIMER_STATE,
				  service_stop_deadline(s, unit->life.timeout_abort_usec));
	if (actions & DO_TIMER_RESTART)
		service_restart_in(s);
}

static void listen_action(struct service *s)
{
	struct err err = {0};

	if (sockets_listen(s, &err) == 0)
		return;
	service_set_error(s, "%s", err.text);
	s->machine.result = RESULT_RESOURCES;
	service_event(s, EVENT_SPAWN_FAILED);
}

/* The order of the bits is the order of the actions, but that a spawn comes behind what is only
 * noted: it may lead to the next event. */
void service_carry_out(struct service *s, unsigned actions)
{
	if (actions & DO_TIMER_OFF)
		service_timer_set(s, TIMER_STATE, 0);
	if (actions & DO_PROBE_OFF) {
		probe_off(s);
		health_off(s);
	}
	carry_out_signals(s, actions);
	carry_out_timers(s, actions);
	if (actions & DO_PROBE_ON)
		probe_on(s);
	if (actions & DO_UP) {
		s->ready_us = now_us();
		/* A run that is up has no error any more: the last one stays in the log. */
		s->error[0] = '\0';
		health_on(s);
	}
	if (actions & DO_SPAWN) {
		service_timer_set(s, TIMER_SPAWN, 0);
		spawn_action(s, actions & DO_SPAWN);
	}
	if (actions & DO_FIND_MAIN) {
		s->find_checks = 0;
		s->find_guess = 0;
		adopt_find(s);
	}
	if (actions & DO_WATCH)
		adopt_witness(s);
	if (actions & DO_CHECK_EMPTY) {
		s->empty_checks = 0;
		service_check_empty(s);
	}
	if (actions & DO_UNLISTEN)
		sockets_unlisten(s);
	if (actions & DO_LISTEN)
		listen_action(s);
}
