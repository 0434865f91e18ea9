/*
 * service_names.c - what the states and results are called, which phase of a life a state belongs
 * to, and the numbers of Restart= and StartLimit…=. Pure, as service.c.
 */
#include <math.h>
#include <string.h>

#include "supervisor/service.h"

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

uint64_t service_restart_pause(const struct unit *unit, unsigned n, uint32_t random)
{
	uint64_t delay = service_restart_delay(unit, n);

	/* The first one is RestartSec= to the letter, and so is one that does not grow. */
	if (n <= 1 || !unit->restart_steps)
		return delay;
	return delay - (uint64_t)((double)delay / 10 * random / UINT32_MAX);
}

bool start_limit_hit(struct start_limit *limit, const struct unit *unit, uint64_t now_us)
{
	const struct unit_life *life = &unit->life;

	if (!life->start_limit_usec || !life->start_limit_burst)
		return false;
	if (!limit->starts || (life->start_limit_usec != USEC_INFINITY &&
			       now_us - limit->since_us >= life->start_limit_usec))
		*limit = (struct start_limit){.since_us = now_us};
	if (limit->starts >= life->start_limit_burst)
		return true;
	limit->starts++;
	return false;
}

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
