/*
 * view.h - what the supervisor tells of itself and of a unit, read out of its JSON: what is
 * missing, or is not what it should be, is NULL or -1. Pure. The strings belong to the JSON, and
 * are not cleaned.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "supervisor/ctl/show.h"

struct manager_view {
	const char *version, *state, *place;
	int64_t init_pid, supervisor_pid, supervisor_starts;
	int64_t boot_realtime_us, now_us, setup_us, settled_us, console_dropped;
	const json_t *notes; /* array, or NULL */
};

struct unit_view {
	const char *name, *description, *file, *active, *sub, *result, *last_error, *status, *log;
	bool ready;
	int64_t since_us, pid, restarts, memory, tasks, cpu_us, cpu_run_us, log_lost,
		log_suppressed;
	const char *log_error;
	int64_t queued_us, started_us, exec_us, ready_us;
	const char *health, *health_text; /* NULL: nobody asks */
	int64_t health_failures;
	int64_t accepted, connections;     /* of a socket with Accept=yes */
	const json_t *notes, *tail, *ends; /* arrays, or NULL; so are these: */
	const json_t *conditions, *listen, *members;
};

struct manager_view view_manager(const json_t *object); /* NULL gives a view of nothing */
struct unit_view view_unit(const json_t *object);

/* The state in one word, and how it looks. "?" where there is none. */
struct view_state {
	const char *word;
	enum style style;
};
struct view_state view_state(const struct unit_view *unit);
/* systemd's "active": up, or about to say that it is not any more. */
bool view_is_active(const struct unit_view *unit);
/* From the first command of its last start until it was ready; -1: that is not known, or it is not
 * ready yet. */
int64_t view_ready_after_us(const struct unit_view *unit);
/* The one thing that a table should say of it: why it failed, else what it says itself. NULL:
 * nothing. */
const char *view_remark(const struct unit_view *unit);
/* The name without ".service", into buf. */
#define VIEW_NAME 256
const char *view_short_name(char buf[static VIEW_NAME], const char *name);
