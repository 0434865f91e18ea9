#include "supervisor/service.h"

#include <math.h>
#include <string.h>

static bool should_restart(const struct service_policy *policy, const struct service_machine *m)
{
	if (m->stop_requested)
		return false;
	switch (policy->restart) {
	case RESTART_NO:
		return false;
	case RESTART_ALWAYS:
		return true;
	case RESTART_ON_SUCCESS:
		return m->result == RESULT_SUCCESS;
	case RESTART_ON_FAILURE:
		return m->result != RESULT_SUCCESS;
	case RESTART_ON_ABNORMAL:
		return m->result == RESULT_SIGNAL || m->result == RESULT_TIMEOUT;
	case RESTART_ON_ABORT:
		return m->result == RESULT_SIGNAL;
	case RESTART_ON_WATCHDOG:
		return false;
	}
	return false;
}

static unsigned enter_main(struct service_machine *m)
{
	m->state = SERVICE_START;
	return DO_SPAWN_MAIN | DO_TIMER_START;
}

static unsigned enter_up(const struct service_policy *policy, struct service_machine *m)
{
	if (policy->has_probe) {
		m->state = SERVICE_READY_WAIT;
		return DO_PROBE_ON;
	}
	m->state = SERVICE_RUNNING;
	m->was_up = true;
	return DO_TIMER_OFF | DO_UP;
}

/* A simple service is up as soon as it is forked: DO_SPAWN_MAIN and what follows are one step. */
static unsigned enter_main_of_type(const struct service_policy *policy, struct service_machine *m)
{
	unsigned actions = enter_main(m);

	if (policy->type == TYPE_SIMPLE) {
		actions |= enter_up(policy, m);
		/* Ready at once needs no deadline. */
		if (m->state == SERVICE_RUNNING)
			actions &= ~(unsigned)DO_TIMER_START;
	}
	return actions;
}

static unsigned enter_start(const struct service_policy *policy, struct service_machine *m)
{
	m->result = RESULT_SUCCESS;
	m->stop_requested = false;
	m->start_again = false;
	m->was_up = false;
	m->command = 0;
	if (policy->n_start_pre) {
		m->state = SERVICE_START_PRE;
		return DO_SPAWN_PRE | DO_TIMER_START;
	}
	return enter_main_of_type(policy, m);
}

static unsigned enter_waiting(struct service_machine *m)
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
		return enter_waiting(m);
	if (should_restart(policy, m)) {
		m->state = SERVICE_AUTO_RESTART;
		return DO_TIMER_OFF | DO_PROBE_OFF | DO_TIMER_RESTART |
		       (m->was_up ? 0 : DO_SETTLED);
	}
	m->state = m->result == RESULT_SUCCESS ? SERVICE_DEAD : SERVICE_FAILED;
	return DO_TIMER_OFF | DO_PROBE_OFF | DO_SETTLED;
}

static unsigned enter_term(struct service_machine *m)
{
	m->state = SERVICE_STOP_SIGTERM;
	return DO_PROBE_OFF | DO_TERM | DO_TIMER_STOP | DO_CHECK_EMPTY;
}

static unsigned enter_kill(struct service_machine *m)
{
	m->state = SERVICE_STOP_SIGKILL;
	return DO_PROBE_OFF | DO_KILL | DO_TIMER_STOP | DO_CHECK_EMPTY;
}

static unsigned enter_stop(const struct service_policy *policy, struct service_machine *m)
{
	m->stop_requested = true;
	if (policy->n_stop && m->main_alive && m->was_up) {
		m->state = SERVICE_STOP;
		m->command = 0;
		return DO_PROBE_OFF | DO_SPAWN_STOP | DO_TIMER_STOP;
	}
	return enter_term(m);
}

/* It goes wrong: what is left of it is ended, and then finish() decides. */
static unsigned fail(struct service_machine *m, enum service_result result)
{
	if (m->result == RESULT_SUCCESS)
		m->result = result;
	return enter_term(m);
}

/* States in which nothing of the service runs. */
static unsigned step_at_rest(const struct service_policy *policy, struct service_machine *m,
			     enum service_event event)
{
	switch (event) {
	case EVENT_START:
	case EVENT_RESTART:
		return m->state == SERVICE_WAITING ? 0 : enter_waiting(m);
	case EVENT_RESTART_DUE:
		return m->state == SERVICE_AUTO_RESTART ? enter_start(policy, m) : 0;
	case EVENT_GO:
		return m->state == SERVICE_WAITING ? enter_start(policy, m) : 0;
	case EVENT_CONDITION_UNMET:
		if (m->state != SERVICE_WAITING)
			return 0;
		m->state = SERVICE_SKIPPED;
		m->result = RESULT_CONDITION;
		return DO_SETTLED;
	case EVENT_DEPENDENCY_FAILED:
	case EVENT_ASSERT_FAILED:
		if (m->state != SERVICE_WAITING)
			return 0;
		m->state = SERVICE_FAILED;
		m->result = event == EVENT_ASSERT_FAILED ? RESULT_ASSERT : RESULT_DEPENDENCY;
		return DO_SETTLED;
	case EVENT_STOP:
		if (m->state == SERVICE_WAITING || m->state == SERVICE_AUTO_RESTART) {
			m->state = SERVICE_DEAD;
			return DO_TIMER_OFF | DO_SETTLED;
		}
		return 0;
	default:
		return 0;
	}
}

static unsigned step_start_pre(const struct service_policy *policy, struct service_machine *m,
			       enum service_event event)
{
	switch (event) {
	case EVENT_CONTROL_OK:
		if (++m->command < policy->n_start_pre)
			return DO_SPAWN_PRE;
		return enter_main_of_type(policy, m);
	case EVENT_CONTROL_BAD:
		return fail(m, RESULT_EXIT_CODE);
	case EVENT_SPAWN_FAILED:
		return fail(m, RESULT_RESOURCES);
	case EVENT_TIMEOUT:
		return fail(m, RESULT_TIMEOUT);
	case EVENT_STOP:
		return enter_stop(policy, m);
	case EVENT_RESTART:
		m->start_again = true;
		return enter_stop(policy, m);
	default:
		return 0;
	}
}

/* START, READY_WAIT and RUNNING: ExecStart= was spawned. */
static unsigned step_alive(const struct service_policy *policy, struct service_machine *m,
			   enum service_event event)
{
	switch (event) {
	case EVENT_EXECED:
		return m->state == SERVICE_START && policy->type == TYPE_EXEC ? enter_up(policy, m)
									      : 0;
	case EVENT_NOTIFY_READY:
		return m->state == SERVICE_START && policy->type == TYPE_NOTIFY
			       ? enter_up(policy, m)
			       : 0;
	case EVENT_PROBE_OK:
		if (m->state != SERVICE_READY_WAIT)
			return 0;
		m->state = SERVICE_RUNNING;
		m->was_up = true;
		return DO_TIMER_OFF | DO_PROBE_OFF | DO_UP;
	case EVENT_MAIN_OK:
		if (m->state == SERVICE_START && policy->type == TYPE_NOTIFY)
			return fail(m, RESULT_PROTOCOL);
		if (m->state == SERVICE_START && policy->type == TYPE_ONESHOT)
			m->was_up = true;
		/* What it left behind goes first, as KillMode= says. */
		return enter_term(m);
	case EVENT_MAIN_BAD:
		return fail(m, RESULT_EXIT_CODE);
	case EVENT_SPAWN_FAILED:
		return fail(m, RESULT_RESOURCES);
	case EVENT_TIMEOUT:
		return m->state == SERVICE_RUNNING ? 0 : fail(m, RESULT_TIMEOUT);
	case EVENT_STOP:
		return enter_stop(policy, m);
	case EVENT_RESTART:
		m->start_again = true;
		return enter_stop(policy, m);
	default:
		return 0;
	}
}

static unsigned step_stopping(const struct service_policy *policy, struct service_machine *m,
			      enum service_event event)
{
	switch (event) {
	case EVENT_CONTROL_OK:
	case EVENT_CONTROL_BAD:
	case EVENT_SPAWN_FAILED:
		if (m->state != SERVICE_STOP)
			return DO_CHECK_EMPTY;
		if (event == EVENT_CONTROL_OK && ++m->command < policy->n_stop)
			return DO_SPAWN_STOP;
		return enter_term(m);
	case EVENT_MAIN_OK:
	case EVENT_MAIN_BAD:
		/* Ended because it was told to: how it ended is no failure. */
		if (m->stop_requested && m->result != RESULT_TIMEOUT)
			m->result = RESULT_SUCCESS;
		return m->state == SERVICE_STOP ? 0 : DO_CHECK_EMPTY;
	case EVENT_TIMEOUT:
		if (m->state == SERVICE_STOP)
			return enter_term(m);
		if (m->result == RESULT_SUCCESS)
			m->result = RESULT_TIMEOUT;
		if (m->state == SERVICE_STOP_SIGTERM)
			return enter_kill(m);
		/* Not even SIGKILL: a process in the kernel's hands. We do not wait for it for
		 * ever. */
		return finish(policy, m);
	case EVENT_EMPTY:
		return m->state == SERVICE_STOP ? 0 : finish(policy, m);
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

/* A target or a socket: no process is its own, so there is nothing between at rest and up. */
static unsigned step_passive(const struct service_policy *policy, struct service_machine *m,
			     enum service_event event)
{
	bool socket = policy->kind == KIND_SOCKET;

	if (m->state == SERVICE_WAITING && event == EVENT_GO) {
		m->state = SERVICE_RUNNING;
		m->result = RESULT_SUCCESS;
		m->was_up = true;
		return (socket ? DO_LISTEN : 0) | DO_UP;
	}
	if (m->state != SERVICE_RUNNING)
		return step_at_rest(policy, m, event);
	switch (event) {
	case EVENT_STOP:
		m->state = SERVICE_DEAD;
		return (socket ? DO_UNLISTEN : 0) | DO_SETTLED;
	case EVENT_RESTART:
		return (socket ? DO_UNLISTEN : 0) | enter_waiting(m);
	case EVENT_SPAWN_FAILED:
		m->state = SERVICE_FAILED;
		if (m->result == RESULT_SUCCESS)
			m->result = RESULT_RESOURCES;
		return (socket ? DO_UNLISTEN : 0) | DO_SETTLED;
	default:
		return 0;
	}
}

unsigned service_step(const struct service_policy *policy, struct service_machine *m,
		      enum service_event event)
{
	if (policy->kind != KIND_SERVICE)
		return step_passive(policy, m, event);
	if (m->state == SERVICE_CONDITION || m->state == SERVICE_START_PRE)
		return step_start_pre(policy, m, event);
	if (service_is_starting(m->state) || service_is_up(m->state))
		return step_alive(policy, m, event);
	if (service_is_stopping(m->state))
		return step_stopping(policy, m, event);
	return step_at_rest(policy, m, event);
}

uint64_t service_restart_delay(const struct unit *unit, unsigned n)
{
	double first = (double)unit->restart_usec;
	double last = (double)unit->restart_max_delay_usec;

	/* systemd.service(5), RestartSteps=: both must be set, and RestartMaxDelaySec= be the
	 * larger. */
	if (!unit->restart_steps || unit->restart_max_delay_usec == USEC_INFINITY ||
	    unit->restart_max_delay_usec <= unit->restart_usec || n <= 1 || first == 0)
		return unit->restart_usec;
	if (n > unit->restart_steps)
		return unit->restart_max_delay_usec;
	return (uint64_t)(first * pow(last / first, (double)(n - 1) / unit->restart_steps));
}

/* What a state is, whatever its details. */
enum phase {
	PHASE_REST = 0,
	PHASE_QUEUED,
	PHASE_STARTING,
	PHASE_UP,
	PHASE_STOPPING,
	PHASE_PAUSE,
};

static const struct {
	const char *sub, *active;
	enum phase phase;
} names[SERVICE_STATES] = {
	[SERVICE_DEAD] = {"dead", "inactive", PHASE_REST},
	[SERVICE_SKIPPED] = {"skipped", "inactive", PHASE_REST},
	[SERVICE_WAITING] = {"waiting", "activating", PHASE_QUEUED},
	[SERVICE_CONDITION] = {"condition", "activating", PHASE_STARTING},
	[SERVICE_START_PRE] = {"start-pre", "activating", PHASE_STARTING},
	[SERVICE_START] = {"start", "activating", PHASE_STARTING},
	[SERVICE_START_POST] = {"start-post", "activating", PHASE_STARTING},
	[SERVICE_READY_WAIT] = {"ready-wait", "activating", PHASE_STARTING},
	[SERVICE_RUNNING] = {"running", "active", PHASE_UP},
	[SERVICE_EXITED] = {"exited", "active", PHASE_UP},
	[SERVICE_RELOAD] = {"reload", "reloading", PHASE_UP},
	[SERVICE_RELOAD_SIGNAL] = {"reload-signal", "reloading", PHASE_UP},
	[SERVICE_RELOAD_NOTIFY] = {"reload-notify", "reloading", PHASE_UP},
	[SERVICE_STOP] = {"stop", "deactivating", PHASE_STOPPING},
	[SERVICE_STOP_WATCHDOG] = {"stop-watchdog", "deactivating", PHASE_STOPPING},
	[SERVICE_STOP_SIGTERM] = {"stop-sigterm", "deactivating", PHASE_STOPPING},
	[SERVICE_STOP_SIGKILL] = {"stop-sigkill", "deactivating", PHASE_STOPPING},
	[SERVICE_STOP_POST] = {"stop-post", "deactivating", PHASE_STOPPING},
	[SERVICE_FINAL_SIGTERM] = {"final-sigterm", "deactivating", PHASE_STOPPING},
	[SERVICE_FINAL_SIGKILL] = {"final-sigkill", "deactivating", PHASE_STOPPING},
	[SERVICE_AUTO_RESTART] = {"auto-restart", "activating", PHASE_PAUSE},
	[SERVICE_FAILED] = {"failed", "failed", PHASE_REST},
};

static enum phase phase_of(enum service_state state)
{
	return (unsigned)state < SERVICE_STATES ? names[state].phase : PHASE_REST;
}

const char *service_state_name(enum service_state state)
{
	return (unsigned)state < SERVICE_STATES ? names[state].sub : "?";
}

const char *service_sub_name(enum unit_kind kind, enum service_state state)
{
	if (state == SERVICE_RUNNING && kind != KIND_SERVICE)
		return kind == KIND_SOCKET ? "listening" : "active";
	return service_state_name(state);
}

const char *service_active_name(enum service_state state)
{
	return (unsigned)state < SERVICE_STATES ? names[state].active : "?";
}

static const char *const results[SERVICE_RESULTS] = {
	[RESULT_SUCCESS] = "success",
	[RESULT_EXIT_CODE] = "exit-code",
	[RESULT_SIGNAL] = "signal",
	[RESULT_TIMEOUT] = "timeout",
	[RESULT_EXEC] = "exec",
	[RESULT_RESOURCES] = "resources",
	[RESULT_PROTOCOL] = "protocol",
	[RESULT_CONDITION] = "condition",
	[RESULT_DEPENDENCY] = "dependency",
	[RESULT_WATCHDOG] = "watchdog",
	[RESULT_UNHEALTHY] = "unhealthy",
	[RESULT_CORE_DUMP] = "core-dump",
	[RESULT_OOM_KILL] = "oom-kill",
	[RESULT_START_LIMIT] = "start-limit-hit",
	[RESULT_TRIGGER_LIMIT] = "trigger-limit-hit",
	[RESULT_SERVICE_LIMIT] = "service-start-limit-hit",
	[RESULT_EXEC_CONDITION] = "exec-condition",
	[RESULT_ASSERT] = "assert",
};

const char *service_result_name(enum service_result result)
{
	return (unsigned)result < SERVICE_RESULTS ? results[result] : "?";
}

enum service_state service_state_parse(const char *name, enum service_state none)
{
	for (enum service_state s = 0; s < SERVICE_STATES; s++)
		if (strcmp(names[s].sub, name) == 0)
			return s;
	return none;
}

enum service_result service_result_parse(const char *name, enum service_result none)
{
	for (enum service_result r = 0; r < SERVICE_RESULTS; r++)
		if (strcmp(results[r], name) == 0)
			return r;
	return none;
}

bool service_settled(enum service_state state)
{
	enum phase phase = phase_of(state);

	return phase == PHASE_REST || phase == PHASE_UP || phase == PHASE_PAUSE;
}

bool service_is_at_rest(enum service_state state)
{
	return phase_of(state) == PHASE_REST;
}

bool service_is_starting(enum service_state state)
{
	return phase_of(state) == PHASE_STARTING;
}

bool service_is_up(enum service_state state)
{
	return phase_of(state) == PHASE_UP;
}

bool service_is_stopping(enum service_state state)
{
	return phase_of(state) == PHASE_STOPPING;
}

bool service_is_active(enum service_state state)
{
	return service_is_starting(state) || service_is_up(state) || service_is_stopping(state);
}

bool service_is_failed(enum service_state state)
{
	return state == SERVICE_FAILED || state == SERVICE_AUTO_RESTART;
}
