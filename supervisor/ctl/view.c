#include "supervisor/ctl/view.h"

#include <string.h>

#include "common/cleanup.h"

static const char *text_of(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

static int64_t number_of(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	return json_is_integer(value) && json_integer_value(value) >= 0 ? json_integer_value(value)
									: -1;
}

static const json_t *array_of(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	return json_is_array(value) ? value : NULL;
}

struct manager_view view_manager(const json_t *object)
{
	return (struct manager_view){
		.version = text_of(object, "version"),
		.state = text_of(object, "state"),
		.place = text_of(object, "place"),
		.init_pid = number_of(object, "init_pid"),
		.supervisor_pid = number_of(object, "supervisor_pid"),
		.supervisor_starts = number_of(object, "supervisor_starts"),
		.boot_realtime_us = number_of(object, "boot_realtime_us"),
		.now_us = number_of(object, "now_us"),
		.setup_us = number_of(object, "setup_us"),
		.settled_us = number_of(object, "settled_us"),
		.console_dropped = number_of(object, "console_dropped"),
		.notes = array_of(object, "notes"),
	};
}

struct unit_view view_unit(const json_t *object)
{
	const json_t *health = json_object_get(object, "health");

	return (struct unit_view){
		.name = text_of(object, "name"),
		.description = text_of(object, "description"),
		.file = text_of(object, "file"),
		.active = text_of(object, "active"),
		.sub = text_of(object, "sub"),
		.result = text_of(object, "result"),
		.health = text_of(health, "state"),
		.health_text = text_of(health, "text"),
		.health_failures = number_of(health, "failures"),
		.last_error = text_of(object, "last_error"),
		.status = text_of(object, "status"),
		.log = text_of(object, "log"),
		.ready = json_is_true(json_object_get(object, "ready")),
		.since_us = number_of(object, "since_us"),
		.pid = number_of(object, "pid"),
		.restarts = number_of(object, "restarts"),
		.memory = number_of(object, "memory"),
		.tasks = number_of(object, "tasks"),
		.cpu_us = number_of(object, "cpu_us"),
		.cpu_run_us = number_of(object, "cpu_run_us"),
		.log_lost = number_of(object, "log_lost"),
		.log_suppressed = number_of(object, "log_suppressed"),
		.log_error = text_of(object, "log_error"),
		.queued_us = number_of(object, "queued_us"),
		.started_us = number_of(object, "started_us"),
		.exec_us = number_of(object, "exec_us"),
		.ready_us = number_of(object, "ready_us"),
		.notes = array_of(object, "notes"),
		.tail = array_of(object, "tail"),
		.ends = array_of(object, "ends"),
		.accepted = number_of(object, "accepted"),
		.connections = number_of(object, "connections"),
		.conditions = array_of(object, "conditions"),
		.listen = array_of(object, "listen"),
		.members = array_of(object, "members"),
	};
}

struct view_state view_state(const struct unit_view *unit)
{
	static const struct {
		const char *sub;
		struct view_state state;
	} states[] = {
		{"running", {"ready", STYLE_GOOD}},
		{"exited", {"done", STYLE_GOOD}},
		{"waiting", {"waiting", STYLE_BUSY}},
		{"condition", {"starting", STYLE_BUSY}},
		{"start-pre", {"starting", STYLE_BUSY}},
		{"start", {"starting", STYLE_BUSY}},
		{"start-post", {"starting", STYLE_BUSY}},
		{"ready-wait", {"starting", STYLE_BUSY}},
		{"reload", {"reloading", STYLE_BUSY}},
		{"reload-signal", {"reloading", STYLE_BUSY}},
		{"reload-notify", {"reloading", STYLE_BUSY}},
		{"stop", {"stopping", STYLE_BUSY}},
		{"stop-watchdog", {"stopping", STYLE_BUSY}},
		{"stop-sigterm", {"stopping", STYLE_BUSY}},
		{"stop-sigkill", {"stopping", STYLE_BUSY}},
		{"stop-post", {"stopping", STYLE_BUSY}},
		{"final-sigterm", {"stopping", STYLE_BUSY}},
		{"final-sigkill", {"stopping", STYLE_BUSY}},
		{"auto-restart", {"restarting", STYLE_BAD}},
		{"failed", {"failed", STYLE_BAD}},
		{"skipped", {"skipped", STYLE_DIM}},
		{"dead", {"inactive", STYLE_DIM}},
	};

	for (size_t i = 0; unit->sub && i < ARRAY_LEN(states); i++)
		if (strcmp(states[i].sub, unit->sub) == 0)
			return states[i].state;
	/* A newer supervisor may know more states. */
	if (unit->sub && *unit->sub)
		return (struct view_state){unit->sub, STYLE_PLAIN};
	return (struct view_state){unit->active && *unit->active ? unit->active : "?", STYLE_PLAIN};
}

bool view_is_active(const struct unit_view *unit)
{
	return unit->active &&
	       (strcmp(unit->active, "active") == 0 || strcmp(unit->active, "reloading") == 0);
}

int64_t view_ready_after_us(const struct unit_view *unit)
{
	int64_t from = unit->started_us >= 0 ? unit->started_us : unit->queued_us;

	/* That it is ready was told of an earlier start where it lies before this one. */
	return unit->ready_us >= 0 && from >= 0 && unit->ready_us >= from ? unit->ready_us - from
									  : -1;
}

const char *view_remark(const struct unit_view *unit)
{
	const char *status = unit->status && *unit->status ? unit->status : NULL;
	const char *error = unit->last_error && *unit->last_error ? unit->last_error : NULL;
	enum style style = view_state(unit).style;

	/* While all is well or on its way, what it says itself is news, and the last error is
	 * history. */
	if (style == STYLE_BAD)
		return error ? error : status;
	return status || unit->ready ? status : error;
}

const char *view_short_name(char buf[static VIEW_NAME], const char *name)
{
	static const char suffix[] = ".service";
	size_t len = name ? strlen(name) : 0;

	if (len > strlen(suffix) && strcmp(name + len - strlen(suffix), suffix) == 0)
		len -= strlen(suffix);
	if (len >= VIEW_NAME)
		len = VIEW_NAME - 1;
	if (len)
		memcpy(buf, name, len);
	buf[len] = '\0';
	return buf;
}
