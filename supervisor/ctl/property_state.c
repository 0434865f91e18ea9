/*
 * property_state.c - the properties that the supervisor tells of a unit, and where its files are.
 */
#include <string.h>

#include "common/cleanup.h"
#include "supervisor/ctl/property.h"

static void put_number(FILE *out, int64_t n, const char *otherwise)
{
	if (n < 0)
		fputs(otherwise, out);
	else
		fprintf(out, "%lld", (long long)n);
}

static bool is_up(const struct property_of *of)
{
	return strcmp(sc_active(of->state), "active") == 0;
}

/* A number of the view: `words` where it is not known. */
static PRINTER(count)
{
	put_number(of->out, PROPERTY_FIELD(int64_t), p->words);
}

static PRINTER(id)
{
	property_put(of->out, of->state->name);
}
static PRINTER(description)
{
	const char *text = of->state->view.description;

	if (!text && of->unit)
		text = of->unit->description;
	property_put(of->out, text ? text : of->state->name);
}
static PRINTER(load_state)
{
	property_put(of->out, sc_load_name(of->state->load));
}
static PRINTER(active_state)
{
	property_put(of->out, sc_active(of->state));
}
static PRINTER(sub_state)
{
	property_put(of->out, sc_sub(of->state));
}
static PRINTER(result)
{
	const char *result = of->state->view.result;

	property_put(of->out, result ? result : "success");
}

/* Of its last start. `words` is the result of one that did not come to it. */
static PRINTER(was_met)
{
	const char *result = of->state->view.result;

	property_put_yes(of->out, of->state->view.queued_us >= 0 &&
					  !(result && strcmp(result, p->words) == 0));
}

enum {
	WHEN_CHANGED = 0,
	WHEN_UP,
	WHEN_DOWN,
	WHEN_EXEC,
	WHEN_READY,
	WHEN_MONOTONIC = 0x100
};

static PRINTER(when)
{
	const struct unit_view *view = &of->state->view;
	int64_t us = -1;
	char text[SHOW_TIME];

	switch (p->arg & ~(unsigned)WHEN_MONOTONIC) {
	case WHEN_UP:
		us = is_up(of) ? view->since_us : -1;
		break;
	case WHEN_DOWN:
		us = is_up(of) ? -1 : view->since_us;
		break;
	case WHEN_EXEC:
		us = view->exec_us;
		break;
	case WHEN_READY:
		us = view->ready_us;
		break;
	default:
		us = view->since_us;
		break;
	}
	if (p->arg & WHEN_MONOTONIC)
		put_number(of->out, us, "0");
	else
		fputs(sc_time(text, of->state, us), of->out);
}

static PRINTER(cpu)
{
	const struct unit_view *view = &of->state->view;
	int64_t us = view->cpu_run_us >= 0 ? view->cpu_run_us : view->cpu_us;

	put_number(of->out, us < 0 || us > INT64_MAX / 1000 ? -1 : us * 1000, "[not set]");
}
static PRINTER(can_start)
{
	property_put_yes(of->out, of->state->load == SC_LOADED &&
					  !(of->unit && (p->arg ? of->unit->refuse_manual_stop
								: of->unit->refuse_manual_start)));
}
static PRINTER(can_reload)
{
	property_put_yes(of->out, of->unit && (of->unit->life.reload.n ||
					       of->unit->type == TYPE_NOTIFY_RELOAD));
}

#define AT(field)          offsetof(struct sc_unit, field)
#define COUNT(field, none) count, AT(view.field), 0, none, NULL
#define TEXT(field)        property_string, AT(field), 0, NULL, NULL
#define WHEN(what)         when, 0, WHEN_##what, NULL, NULL
#define MONOTONIC(what)    when, 0, WHEN_##what | WHEN_MONOTONIC, NULL, NULL
#define OWN(print)         print, 0, 0, NULL, NULL

static const struct property rows[] = {
	{"Id", OWN(id)},
	{"Names", OWN(id)},
	{"Description", OWN(description)},
	{"LoadState", OWN(load_state)},
	{"ActiveState", OWN(active_state)},
	{"SubState", OWN(sub_state)},
	{"Result", OWN(result)},
	{"FragmentPath", TEXT(file)},
	{"DropInPaths", property_list, AT(dropins), 0, NULL, NULL},
	{"SourcePath", property_constant, 0, 0, "", NULL},
	{"UnitFileState", TEXT(enabled)},
	{"UnitFilePreset", TEXT(enabled)},
	{"MainPID", COUNT(pid, "0")},
	{"ExecMainPID", COUNT(pid, "0")},
	{"ExecMainStartTimestamp", WHEN(EXEC)},
	{"ExecMainStartTimestampMonotonic", MONOTONIC(EXEC)},
	{"NRestarts", COUNT(restarts, "0")},
	{"StatusText", TEXT(view.status)},
	{"StateChangeTimestamp", WHEN(CHANGED)},
	{"StateChangeTimestampMonotonic", MONOTONIC(CHANGED)},
	{"ActiveEnterTimestamp", WHEN(UP)},
	{"ActiveEnterTimestampMonotonic", MONOTONIC(UP)},
	{"InactiveEnterTimestamp", WHEN(DOWN)},
	{"InactiveEnterTimestampMonotonic", MONOTONIC(DOWN)},
	{"MemoryCurrent", COUNT(memory, "[not set]")},
	{"TasksCurrent", COUNT(tasks, "[not set]")},
	{"CPUUsageNSec", OWN(cpu)},
	{"CanStart", can_start, 0, 0, NULL, NULL},
	{"CanStop", can_start, 0, 1, NULL, NULL},
	{"CanReload", OWN(can_reload)},
	{"NeedDaemonReload", property_constant, 0, 0, "no", NULL},
	{"ConditionResult", was_met, 0, 0, "condition", NULL},
	{"AssertResult", was_met, 0, 0, "assert", NULL},
	/* What systemd has no name for. */
	{"ReadyTimestamp", WHEN(READY)},
	{"ReadyTimestampMonotonic", MONOTONIC(READY)},
	{"Health", TEXT(view.health)},
	{"HealthFailures", COUNT(health_failures, "0")},
	{"HealthText", TEXT(view.health_text)},
	{"LastError", TEXT(view.last_error)},
	{"LogFile", TEXT(view.log)},
	{"LogLostBytes", COUNT(log_lost, "0")},
	{"LogSuppressed", COUNT(log_suppressed, "0")},
};

const struct property_area property_area_state = {PROPERTY_STATE, rows, ARRAY_LEN(rows)};
