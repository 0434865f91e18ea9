/*
 * service_down.c - the way down of the state machine: what goes wrong, stops and signals, and what
 * comes after the end. Pure, as service.c.
 */
#include "supervisor/service_steps.h"

/* A clean end is no failure, and neither is a condition that says no. */
static bool should_restart(const struct service_policy *policy, const struct service_machine *m)
{
	bool good = m->result == RESULT_SUCCESS;

	/* systemd.service(5), the table of Restart=, and what stands above it. */
	if (m->stop_requested || m->verdict == VERDICT_PREVENT ||
	    m->result == RESULT_EXEC_CONDITION)
		return false;
	if (m->verdict == VERDICT_FORCE)
		return true;
	switch (policy->restart) {
	case RESTART_NO:
		return false;
	case RESTART_ALWAYS:
		return true;
	case RESTART_ON_SUCCESS:
		return good;
	case RESTART_ON_FAILURE:
		return !good;
	case RESTART_ON_ABNORMAL:
		return !good && m->result != RESULT_EXIT_CODE && m->result != RESULT_EXEC;
	case RESTART_ON_ABORT:
		return m->result == RESULT_SIGNAL || m->result == RESULT_CORE_DUMP;
	case RESTART_ON_WATCHDOG:
		return m->result == RESULT_WATCHDOG || m->result == RESULT_UNHEALTHY;
	}
	return false;
}

unsigned service_enter_waiting(struct service_machine *m)
{
	m->state = SERVICE_WAITING;
	m->stop_requested = false;
	m->start_again = false;
	return DO_TIMER_OFF | DO_WAIT;
}

/* Nothing of it is left: rest, or go again. */
static unsigned finish(const struct service_policy *policy, struct service_machine *m)
{
	if (m->start_again)
		return service_enter_waiting(m);
	if (should_restart(policy, m)) {
		m->state = SERVICE_AUTO_RESTART;
		return DO_TIMER_OFF | DO_PROBE_OFF | DO_TIMER_RESTART |
		       (m->was_up ? 0 : DO_SETTLED);
	}
	if (m->result == RESULT_EXEC_CONDITION)
		m->state = SERVICE_SKIPPED;
	else
		m->state = m->result == RESULT_SUCCESS ? SERVICE_DEAD : SERVICE_FAILED;
	return DO_TIMER_OFF | DO_PROBE_OFF | DO_SETTLED;
}

unsigned service_enter_term(struct service_machine *m)
{
	m->state = SERVICE_STOP_SIGTERM;
	return DO_PROBE_OFF | DO_TERM | DO_TIMER_STOP | DO_CHECK_EMPTY;
}

/* Its processes have gone, or are given up: ExecStopPost= has the last word. */
static unsigned enter_stop_post(const struct service_policy *policy, struct service_machine *m)
{
	if (!policy->n_stop_post)
		return finish(policy, m);
	m->state = SERVICE_STOP_POST;
	m->command = 0;
	return DO_PROBE_OFF | DO_SPAWN_STOP_POST | DO_TIMER_STOP;
}

static unsigned enter_kill(const struct service_policy *policy, struct service_machine *m)
{
	if (policy->no_sigkill)
		return enter_stop_post(policy, m);
	m->state = SERVICE_STOP_SIGKILL;
	return DO_PROBE_OFF | DO_KILL | DO_TIMER_STOP | DO_CHECK_EMPTY;
}

unsigned service_enter_abort(struct service_machine *m)
{
	m->state = SERVICE_STOP_WATCHDOG;
	return DO_PROBE_OFF | DO_ABORT | DO_TIMER_ABORT | DO_CHECK_EMPTY;
}

static unsigned enter_final_term(struct service_machine *m)
{
	m->state = SERVICE_FINAL_SIGTERM;
	return DO_PROBE_OFF | DO_TERM | DO_TIMER_STOP | DO_CHECK_EMPTY;
}

static unsigned enter_final_kill(const struct service_policy *policy, struct service_machine *m)
{
	if (policy->no_sigkill)
		return finish(policy, m);
	m->state = SERVICE_FINAL_SIGKILL;
	return DO_PROBE_OFF | DO_KILL | DO_TIMER_STOP | DO_CHECK_EMPTY;
}

void service_set_result(struct service_machine *m, enum service_result result)
{
	if (m->result == RESULT_SUCCESS)
		m->result = result;
}

/* It goes wrong: what is left of it is ended, and then finish() decides. */
unsigned service_fail(struct service_machine *m, enum service_result result)
{
	service_set_result(m, result);
	return service_enter_term(m);
}

/* TimeoutStartFailureMode=, TimeoutStopFailureMode=. */
unsigned service_fail_by_timeout(const struct service_policy *policy, struct service_machine *m,
				 enum unit_timeout_mode mode)
{
	service_set_result(m, RESULT_TIMEOUT);
	switch (mode) {
	case TIMEOUT_ABORT:
		return service_enter_abort(m);
	case TIMEOUT_KILL:
		return enter_kill(policy, m);
	case TIMEOUT_TERMINATE:
		break;
	}
	return service_enter_term(m);
}

/* From up: its ExecStop= commands, then the signals. A reload under way is over. */
unsigned service_enter_stop(const struct service_policy *policy, struct service_machine *m)
{
	unsigned control = m->state == SERVICE_RELOAD ? DO_END_CONTROL : 0;

	if (!policy->n_stop)
		return service_enter_term(m);
	m->state = SERVICE_STOP;
	m->command = 0;
	return control | DO_PROBE_OFF | DO_SPAWN_STOP | DO_TIMER_STOP;
}

/* One of the commands of ExecStop= or ExecStopPost= has ended, or a process that was signalled. */
static unsigned step_control_gone(const struct service_policy *policy, struct service_machine *m,
				  bool well)
{
	switch (m->state) {
	case SERVICE_STOP:
		if (well && ++m->command < policy->n_stop)
			return DO_SPAWN_STOP;
		return service_enter_term(m);
	case SERVICE_STOP_POST:
		if (well && ++m->command < policy->n_stop_post)
			return DO_SPAWN_STOP_POST;
		return enter_final_term(m);
	default:
		return DO_CHECK_EMPTY;
	}
}

static unsigned step_main_gone(struct service_machine *m)
{
	m->main_ended = true;
	/* Ended because it was told to: how it ended is no failure. */
	if (m->stop_requested && (m->result == RESULT_EXIT_CODE || m->result == RESULT_SIGNAL ||
				  m->result == RESULT_CORE_DUMP))
		m->result = RESULT_SUCCESS;
	switch (m->state) {
	case SERVICE_STOP:
	case SERVICE_STOP_POST:
		return 0;
	case SERVICE_STOP_WATCHDOG:
		/* WatchdogSignal= was for the main process: the others get theirs now. */
		return service_enter_term(m);
	default:
		return DO_CHECK_EMPTY;
	}
}

static unsigned step_stop_timeout(const struct service_policy *policy, struct service_machine *m)
{
	switch (m->state) {
	case SERVICE_STOP:
		return service_fail_by_timeout(policy, m, policy->stop_timeout_mode);
	case SERVICE_STOP_SIGTERM:
		service_set_result(m, RESULT_TIMEOUT);
		return policy->stop_timeout_mode == TIMEOUT_ABORT ? service_enter_abort(m)
								  : enter_kill(policy, m);
	case SERVICE_STOP_WATCHDOG:
		return enter_kill(policy, m);
	case SERVICE_STOP_POST:
		service_set_result(m, RESULT_TIMEOUT);
		return enter_final_term(m);
	case SERVICE_FINAL_SIGTERM:
		service_set_result(m, RESULT_TIMEOUT);
		return enter_final_kill(policy, m);
	case SERVICE_STOP_SIGKILL:
		/* Not even SIGKILL: a process in the kernel's hands. We do not wait for it for
		 * ever. */
		service_set_result(m, RESULT_TIMEOUT);
		return enter_stop_post(policy, m);
	default:
		service_set_result(m, RESULT_TIMEOUT);
		return finish(policy, m);
	}
}

unsigned service_step_stopping(const struct service_policy *policy, struct service_machine *m,
			       enum service_event event)
{
	bool final = m->state == SERVICE_FINAL_SIGTERM || m->state == SERVICE_FINAL_SIGKILL;

	switch (event) {
	case EVENT_CONTROL_OK:
		return step_control_gone(policy, m, true);
	case EVENT_CONTROL_BAD:
	case EVENT_CONTROL_SKIP:
	case EVENT_SPAWN_FAILED:
		return step_control_gone(policy, m, false);
	case EVENT_MAIN_OK:
	case EVENT_MAIN_BAD:
		return step_main_gone(m);
	case EVENT_TIMEOUT:
		return step_stop_timeout(policy, m);
	case EVENT_EMPTY:
		if (m->state == SERVICE_STOP || m->state == SERVICE_STOP_POST)
			return 0;
		return final ? finish(policy, m) : enter_stop_post(policy, m);
	case EVENT_STOP:
		m->stop_requested = true;
		m->start_again = false;
		return 0;
	case EVENT_START:
	case EVENT_RESTART:
		m->stop_requested = true;
		m->start_again = true;
		return 0;
	default:
		return 0;
	}
}
