#include "supervisor/service_steps.h"

/* All of it that could run has ended well: RemainAfterExit= holds it up, else it is stopped. */
static unsigned enter_over(const struct service_policy *policy, struct service_machine *m)
{
	unsigned control = m->state == SERVICE_RELOAD ? DO_END_CONTROL : 0;
	bool was_up = service_is_up(m->state);

	if (!policy->remain_after_exit)
		return service_enter_stop(policy, m);
	m->state = SERVICE_EXITED;
	m->was_up = true;
	return control | DO_TIMER_OFF | DO_PROBE_OFF | (was_up ? 0 : DO_UP);
}

static bool has_process(const struct service_policy *policy, const struct service_machine *m)
{
	return policy->type != TYPE_ONESHOT && !m->main_ended;
}

static unsigned enter_up(const struct service_policy *policy, struct service_machine *m)
{
	m->was_up = true;
	if (!has_process(policy, m))
		return enter_over(policy, m);
	m->state = SERVICE_RUNNING;
	return DO_TIMER_OFF | DO_PROBE_OFF | DO_UP | (m->mainless ? DO_WATCH : 0);
}

static unsigned enter_ready_wait(const struct service_policy *policy, struct service_machine *m)
{
	if (!policy->has_probe || !has_process(policy, m))
		return enter_up(policy, m);
	m->state = SERVICE_READY_WAIT;
	return DO_PROBE_ON | (m->mainless ? DO_WATCH : 0);
}

/* Up as Type= has it. */
static unsigned enter_started(const struct service_policy *policy, struct service_machine *m)
{
	m->command = 0;
	if (!policy->n_start_post)
		return enter_ready_wait(policy, m);
	m->state = SERVICE_START_POST;
	return DO_SPAWN_POST;
}

static unsigned enter_main(const struct service_policy *policy, struct service_machine *m)
{
	unsigned actions = DO_SPAWN_MAIN | DO_TIMER_START;

	m->command = 0;
	m->state = SERVICE_START;
	if (policy->type == TYPE_ONESHOT && !policy->n_start) {
		actions = enter_started(policy, m);
		return actions | (m->state == SERVICE_START_POST ? DO_TIMER_START : 0);
	}
	/* A simple service is up as soon as it is forked: that and what follows are one step, where
	 * no other process is to be started in it. */
	if (policy->type == TYPE_SIMPLE && !policy->n_start_post) {
		actions |= enter_started(policy, m) & ~(unsigned)DO_PROBE_OFF;
		/* Ready at once needs no deadline. */
		if (m->state == SERVICE_RUNNING)
			actions &= ~(unsigned)DO_TIMER_START;
	}
	return actions;
}

static unsigned enter_start_pre(const struct service_policy *policy, struct service_machine *m)
{
	m->command = 0;
	if (!policy->n_start_pre)
		return enter_main(policy, m);
	m->state = SERVICE_START_PRE;
	return DO_SPAWN_PRE | DO_TIMER_START;
}

static unsigned enter_start(const struct service_policy *policy, struct service_machine *m)
{
	*m = (struct service_machine){.state = SERVICE_CONDITION, .main_alive = m->main_alive};
	if (!policy->n_condition)
		return enter_start_pre(policy, m);
	return DO_SPAWN_CONDITION | DO_TIMER_START;
}

static unsigned give_up(struct service_machine *m, enum service_state state,
			enum service_result result)
{
	m->state = state;
	m->result = result;
	return DO_TIMER_OFF | DO_SETTLED;
}

/* States in which nothing of the service runs. */
static unsigned step_at_rest(const struct service_policy *policy, struct service_machine *m,
			     enum service_event event)
{
	bool waiting = m->state == SERVICE_WAITING;
	bool pausing = m->state == SERVICE_AUTO_RESTART;

	switch (event) {
	case EVENT_START:
	case EVENT_RESTART:
		return waiting ? 0 : service_enter_waiting(m);
	case EVENT_RESTART_DUE:
		return pausing ? enter_start(policy, m) : 0;
	case EVENT_GO:
		return waiting ? enter_start(policy, m) : 0;
	case EVENT_CONDITION_UNMET:
		return waiting ? give_up(m, SERVICE_SKIPPED, RESULT_CONDITION) : 0;
	case EVENT_DEPENDENCY_FAILED:
		return waiting ? give_up(m, SERVICE_FAILED, RESULT_DEPENDENCY) : 0;
	case EVENT_TIMEOUT: /* of its job: the state itself has no deadline */
		return waiting ? give_up(m, SERVICE_FAILED, RESULT_TIMEOUT) : 0;
	case EVENT_ASSERT_FAILED:
		return waiting ? give_up(m, SERVICE_FAILED, RESULT_ASSERT) : 0;
	case EVENT_START_LIMIT:
		return waiting || pausing ? give_up(m, SERVICE_FAILED, RESULT_START_LIMIT) : 0;
	case EVENT_STOP:
		return waiting || pausing ? give_up(m, SERVICE_DEAD, m->result) : 0;
	default:
		return 0;
	}
}

/* What means the same in all states between the first command and being up. */
static unsigned step_starting_common(const struct service_policy *policy, struct service_machine *m,
				     enum service_event event)
{
	switch (event) {
	case EVENT_SPAWN_FAILED:
		return service_fail(m, RESULT_RESOURCES);
	case EVENT_TIMEOUT:
		return service_fail_by_timeout(policy, m, policy->start_timeout_mode);
	case EVENT_WATCHDOG:
		service_set_result(m, RESULT_WATCHDOG);
		return service_enter_abort(m);
	case EVENT_UNHEALTHY:
		return service_fail(m, RESULT_UNHEALTHY);
	case EVENT_MAIN_BAD:
		return service_fail(m, RESULT_EXIT_CODE);
	case EVENT_MAIN_FOUND:
		m->mainless = !m->main_alive;
		return 0;
	case EVENT_STOP:
		m->stop_requested = true;
		return service_enter_term(m);
	case EVENT_RESTART:
		m->stop_requested = m->start_again = true;
		return service_enter_term(m);
	default:
		return 0;
	}
}

/* CONDITION and START_PRE: nothing of ExecStart= was spawned. */
static unsigned step_before_main(const struct service_policy *policy, struct service_machine *m,
				 enum service_event event)
{
	bool condition = m->state == SERVICE_CONDITION;

	switch (event) {
	case EVENT_CONTROL_OK:
		if (++m->command < (condition ? policy->n_condition : policy->n_start_pre))
			return condition ? DO_SPAWN_CONDITION : DO_SPAWN_PRE;
		return condition ? enter_start_pre(policy, m) : enter_main(policy, m);
	case EVENT_CONTROL_SKIP:
		return condition ? service_fail(m, RESULT_EXEC_CONDITION)
				 : service_fail(m, RESULT_EXIT_CODE);
	case EVENT_CONTROL_BAD:
		return service_fail(m, RESULT_EXIT_CODE);
	default:
		return step_starting_common(policy, m, event);
	}
}

static bool is_notify(const struct service_policy *policy)
{
	return policy->type == TYPE_NOTIFY || policy->type == TYPE_NOTIFY_RELOAD;
}

static unsigned step_start(const struct service_policy *policy, struct service_machine *m,
			   enum service_event event)
{
	bool forking = policy->type == TYPE_FORKING;

	switch (event) {
	case EVENT_SPAWNED:
		return policy->type == TYPE_SIMPLE ? enter_started(policy, m) : 0;
	case EVENT_EXECED:
		return policy->type == TYPE_EXEC ? enter_started(policy, m) : 0;
	case EVENT_NOTIFY_READY:
		return is_notify(policy) ? enter_started(policy, m) : 0;
	case EVENT_BUS_NAME:
		return policy->type == TYPE_DBUS ? enter_started(policy, m) : 0;
	case EVENT_CONTROL_OK:
		if (!forking)
			return 0;
		m->searching = true;
		return DO_FIND_MAIN;
	case EVENT_CONTROL_BAD:
	case EVENT_CONTROL_SKIP:
		return forking ? service_fail(m, RESULT_EXIT_CODE) : 0;
	case EVENT_MAIN_FOUND:
		m->mainless = !m->main_alive;
		return m->searching ? enter_started(policy, m) : 0;
	case EVENT_MAIN_LOST:
		return forking ? service_fail(m, RESULT_PROTOCOL) : 0;
	case EVENT_MAIN_OK:
		if (is_notify(policy))
			return service_fail(m, RESULT_PROTOCOL);
		if (policy->type == TYPE_ONESHOT && ++m->command < policy->n_start)
			return DO_SPAWN_MAIN;
		m->main_ended = true;
		/* Without its name it has never been up, and has not failed: as in systemd. */
		if (policy->type == TYPE_DBUS)
			return service_enter_stop(policy, m);
		/* Of a forking service: told by MAINPID= and gone before its parent. */
		return forking ? 0 : enter_started(policy, m);
	default:
		return step_starting_common(policy, m, event);
	}
}

/* START_POST and READY_WAIT: the main process runs, or has ended well. */
static unsigned step_after_main(const struct service_policy *policy, struct service_machine *m,
				enum service_event event)
{
	bool post = m->state == SERVICE_START_POST;

	switch (event) {
	case EVENT_CONTROL_OK:
		if (!post)
			return 0;
		return ++m->command < policy->n_start_post ? DO_SPAWN_POST
							   : enter_ready_wait(policy, m);
	case EVENT_CONTROL_BAD:
	case EVENT_CONTROL_SKIP:
		return post ? service_fail(m, RESULT_EXIT_CODE) : 0;
	case EVENT_PROBE_OK:
		return post ? 0 : enter_up(policy, m);
	case EVENT_MAIN_OK:
		m->main_ended = true;
		return post ? 0 : enter_over(policy, m);
	case EVENT_EMPTY:
		return m->mainless ? service_fail(m, RESULT_PROTOCOL) : 0;
	case EVENT_BUS_LOST:
		return service_enter_stop(policy, m);
	default:
		return step_starting_common(policy, m, event);
	}
}

/* A reload is over, well or not: the service is what it was. */
static unsigned reload_over(const struct service_policy *policy, struct service_machine *m)
{
	m->state = has_process(policy, m) ? SERVICE_RUNNING : SERVICE_EXITED;
	return DO_TIMER_OFF;
}

static unsigned enter_reload(const struct service_policy *policy, struct service_machine *m)
{
	bool signal = policy->type == TYPE_NOTIFY_RELOAD && m->state == SERVICE_RUNNING;

	if (!signal && !policy->n_reload)
		return 0;
	m->command = 0;
	m->reload_seen = 0;
	m->state = policy->n_reload ? SERVICE_RELOAD : SERVICE_RELOAD_SIGNAL;
	return (signal ? DO_RELOAD_SIGNAL : 0) | (policy->n_reload ? DO_SPAWN_RELOAD : 0) |
	       DO_TIMER_START;
}

static unsigned reload_command_done(const struct service_policy *policy, struct service_machine *m)
{
	if (++m->command < policy->n_reload)
		return DO_SPAWN_RELOAD;
	if (policy->type != TYPE_NOTIFY_RELOAD || m->reload_seen == 2)
		return reload_over(policy, m);
	m->state = m->reload_seen ? SERVICE_RELOAD_NOTIFY : SERVICE_RELOAD_SIGNAL;
	return DO_TIMER_START;
}

static unsigned step_reloading(const struct service_policy *policy, struct service_machine *m,
			       enum service_event event, bool *known)
{
	*known = true;
	switch (event) {
	case EVENT_CONTROL_OK:
		return m->state == SERVICE_RELOAD ? reload_command_done(policy, m) : 0;
	case EVENT_CONTROL_BAD:
	case EVENT_CONTROL_SKIP:
	case EVENT_SPAWN_FAILED:
		return m->state == SERVICE_RELOAD ? reload_over(policy, m) : 0;
	case EVENT_TIMEOUT:
		return (m->state == SERVICE_RELOAD ? DO_END_CONTROL : 0) | reload_over(policy, m);
	case EVENT_NOTIFY_RELOADING:
		m->reload_seen = 1;
		if (m->state != SERVICE_RELOAD_SIGNAL)
			return 0;
		m->state = SERVICE_RELOAD_NOTIFY;
		return DO_TIMER_START;
	case EVENT_NOTIFY_READY:
		m->reload_seen = m->reload_seen ? 2 : 0;
		return m->state == SERVICE_RELOAD_NOTIFY ? reload_over(policy, m) : 0;
	case EVENT_RELOAD:
		return 0;
	default:
		*known = false;
		return 0;
	}
}

static unsigned step_up(const struct service_policy *policy, struct service_machine *m,
			enum service_event event)
{
	bool running = m->state == SERVICE_RUNNING;

	if (!running && m->state != SERVICE_EXITED) {
		bool known;
		unsigned actions = step_reloading(policy, m, event, &known);

		if (known)
			return actions;
	}
	switch (event) {
	case EVENT_MAIN_OK:
		m->main_ended = true;
		return enter_over(policy, m);
	case EVENT_MAIN_BAD:
		m->main_ended = true;
		return service_fail(m, RESULT_EXIT_CODE);
	case EVENT_EMPTY:
		if (!m->mainless || m->state == SERVICE_EXITED)
			return 0;
		m->main_ended = true;
		return enter_over(policy, m);
	case EVENT_MAIN_FOUND:
		m->mainless = !m->main_alive;
		return 0;
	case EVENT_SPAWN_FAILED:
		return service_fail(m, RESULT_RESOURCES);
	case EVENT_NOTIFY_RELOADING:
		if (!running)
			return 0;
		m->state = SERVICE_RELOAD_NOTIFY;
		return DO_TIMER_START;
	case EVENT_NOTIFY_STOPPING:
		if (m->state == SERVICE_EXITED)
			return 0;
		/* It stops by itself: it is waited for, and not signalled before its time is over.
		 */
		m->state = SERVICE_STOP_SIGTERM;
		return DO_PROBE_OFF | DO_TIMER_STOP | DO_CHECK_EMPTY;
	case EVENT_RELOAD:
		return enter_reload(policy, m);
	case EVENT_WATCHDOG:
		service_set_result(m, RESULT_WATCHDOG);
		return service_enter_abort(m);
	case EVENT_UNHEALTHY:
		return service_fail(m, RESULT_UNHEALTHY);
	case EVENT_BUS_LOST:
		return m->state == SERVICE_EXITED ? 0 : service_enter_stop(policy, m);
	case EVENT_RUNTIME_MAX:
		service_set_result(m, RESULT_TIMEOUT);
		return service_enter_stop(policy, m);
	case EVENT_STOP:
		m->stop_requested = true;
		return service_enter_stop(policy, m);
	case EVENT_RESTART:
		m->stop_requested = m->start_again = true;
		return service_enter_stop(policy, m);
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
		return (socket ? DO_UNLISTEN : 0) | service_enter_waiting(m);
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
	if (service_is_up(m->state))
		return step_up(policy, m, event);
	if (service_is_stopping(m->state))
		return service_step_stopping(policy, m, event);
	switch (m->state) {
	case SERVICE_CONDITION:
	case SERVICE_START_PRE:
		return step_before_main(policy, m, event);
	case SERVICE_START:
		return step_start(policy, m, event);
	case SERVICE_START_POST:
	case SERVICE_READY_WAIT:
		return step_after_main(policy, m, event);
	default:
		return step_at_rest(policy, m, event);
	}
}
