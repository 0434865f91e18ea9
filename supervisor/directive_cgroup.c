/*
 * directive_cgroup.c - the directives of struct unit_cgroup: text to numbers.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "supervisor/command.h"
#include "supervisor/directive_set.h"

#define SETTER(name) static DIRECTIVE_SETTER(name)

/* "20%", "12.5%" in hundredths; false: it is no percentage. */
static bool percent_parse(const char *text, uint64_t max, uint64_t *value)
{
	char *end;
	unsigned long whole = strtoul(text, &end, 10);
	uint64_t part = 0;
	unsigned tens = 10;

	if (!isdigit((unsigned char)*text) || whole > 1000000)
		return false;
	if (*end == '.')
		for (end++; isdigit((unsigned char)*end) && tens; end++, tens /= 10)
			part += (uint64_t)(*end - '0') * tens;
	*value = whole * 100 + part;
	return strcmp(end, "%") == 0 && *value <= max;
}

static struct cgroup_value *value_of(const struct directive *d, struct directive_context *ctx)
{
	return &ctx->unit->cgroup.v[d->arg];
}

/* Bytes, a percentage of the memory, or infinity. */
SETTER(set_memory)
{
	struct cgroup_value *v = value_of(d, ctx);
	uint64_t bytes;
	int r;

	if (!*value) {
		v->kind = CGROUP_UNSET;
		return 0;
	}
	if (strcmp(value, "infinity") == 0) {
		v->kind = CGROUP_INFINITY;
		return 0;
	}
	if (strchr(value, '%')) {
		if (!percent_parse(value, 10000, &v->value))
			return err_set(err, -EINVAL, "\"%.60s\" is no percentage up to 100%%",
				       value);
		v->kind = CGROUP_PERCENT;
		return 0;
	}
	r = size_parse(value, &bytes, err);
	if (r < 0)
		return r;
	*v = (struct cgroup_value){CGROUP_NUMBER, bytes};
	return 0;
}

SETTER(set_tasks)
{
	struct cgroup_value *v = value_of(d, ctx);
	unsigned n;
	int r;

	if (!*value || strcmp(value, "infinity") == 0 || strchr(value, '%'))
		return set_memory(d, ctx, value, err);
	r = unsigned_parse(value, 1u << 30, &n, err);
	if (r == 0 && n == 0)
		return err_set(err, -ERANGE, "with 0 the service could not start");
	if (r == 0)
		*v = (struct cgroup_value){CGROUP_NUMBER, n};
	return r;
}

/* More than 100 % is more than one processor. */
SETTER(set_quota)
{
	struct cgroup_value *v = value_of(d, ctx);

	v->kind = CGROUP_UNSET;
	if (!*value)
		return 0;
	if (!percent_parse(value, 100000000, &v->value) || !v->value)
		return err_set(err, -EINVAL, "\"%.60s\" is no percentage above 0%%", value);
	v->kind = CGROUP_PERCENT;
	return 0;
}

/* The kernel takes 1 ms to 1 s. */
SETTER(set_period)
{
	uint64_t usec = 100000;
	int r = *value ? timespan_parse(value, &usec, err) : 0;

	if (r == 0)
		ctx->unit->cgroup.quota_period_usec = usec < 1000      ? 1000
						      : usec > 1000000 ? 1000000
								       : usec;
	return r;
}

SETTER(set_weight)
{
	struct cgroup_value *v = value_of(d, ctx);
	unsigned n = 0;
	int r;

	v->kind = CGROUP_UNSET;
	if (!*value)
		return 0;
	if (d->arg == CGROUP_CPU_WEIGHT && strcmp(value, "idle") == 0) {
		v->kind = CGROUP_IDLE;
		return 0;
	}
	r = unsigned_parse(value, 10000, &n, err);
	if (r == 0 && n == 0)
		return err_set(err, -ERANGE, "it must be from 1 to 10000");
	if (r == 0)
		*v = (struct cgroup_value){CGROUP_NUMBER, n};
	return r;
}

/* A list of controllers is a "yes": all that the container has come with it. */
SETTER(set_delegate)
{
	bool yes = *value;

	if (*value && bool_parse(value, &yes, NULL) < 0)
		for (const char *p = value; *p; p++)
			if (!islower((unsigned char)*p) && *p != ' ' && *p != '-')
				return err_set(err, -EINVAL,
					       "\"%.60s\" is neither yes nor no nor a list of "
					       "controllers",
					       value);
	ctx->unit->cgroup.delegate = yes;
	return 0;
}

static const struct directive directives[] = {
	{"CPUQuota", set_quota, 0, CGROUP_CPU_QUOTA, NULL},
	{"CPUQuotaPeriodSec", set_period, 0, 0, NULL},
	{"CPUWeight", set_weight, 0, CGROUP_CPU_WEIGHT, NULL},
	{"Delegate", set_delegate, 0, 0, NULL},
	{"IOWeight", set_weight, 0, CGROUP_IO_WEIGHT, NULL},
	{"MemoryHigh", set_memory, 0, CGROUP_MEMORY_HIGH, NULL},
	{"MemoryLimit", set_memory, 0, CGROUP_MEMORY_MAX, NULL},
	{"MemoryLow", set_memory, 0, CGROUP_MEMORY_LOW, NULL},
	{"MemoryMax", set_memory, 0, CGROUP_MEMORY_MAX, NULL},
	{"MemoryMin", set_memory, 0, CGROUP_MEMORY_MIN, NULL},
	{"MemorySwapMax", set_memory, 0, CGROUP_SWAP_MAX, NULL},
	{"TasksMax", set_tasks, 0, CGROUP_TASKS_MAX, NULL},
};

const struct directive_area directive_area_cgroup = {DIRECTIVES_SERVICE, directives,
						     ARRAY_LEN(directives)};
