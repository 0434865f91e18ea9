/*
 * property_limits.c - the properties of a service about what it may use: Limit…=, the scheduler,
 * and its cgroup. What is not set is the container's, which is not known here.
 */
#include <inttypes.h>
#include <string.h>
#include <sys/resource.h>

#include "common/cleanup.h"
#include "supervisor/ctl/property.h"

#define NOT_SET "[not set]"

/* `words` is there for the soft one. */
static PRINTER(rlimit)
{
	const struct unit_limits *limits = &of->unit->limits;
	const struct rlimit *limit = &limits->rlimit[p->arg];
	rlim_t value = p->words ? limit->rlim_cur : limit->rlim_max;

	if (!(limits->rlimits >> p->arg & 1))
		fputs(NOT_SET, of->out);
	else if (value == RLIM_INFINITY)
		fputs("infinity", of->out);
	else
		fprintf(of->out, "%" PRIu64, (uint64_t)value);
}

/* The numbers of the kernel, as systemctl(1) has them. */
static PRINTER(number)
{
	if (of->unit->limits.set & p->arg)
		property_int(p, of);
	else
		fputs(NOT_SET, of->out);
}

static PRINTER(reset_on_fork)
{
	property_put_yes(of->out, of->unit->limits.sched_reset_on_fork);
}

static PRINTER(timer_slack)
{
	const struct unit_limits *limits = &of->unit->limits;

	if (limits->set & LIMIT_TIMER_SLACK)
		fprintf(of->out, "%" PRIu64, limits->timer_slack_ns);
	else
		fputs(NOT_SET, of->out);
}

static PRINTER(coredump)
{
	if (of->unit->limits.set & LIMIT_COREDUMP)
		fprintf(of->out, "0x%x", of->unit->limits.coredump_filter);
	else
		fputs(NOT_SET, of->out);
}

static bool has_cpu(const struct unit_limits *limits, unsigned cpu)
{
	return cpu < LIMIT_CPUS && limits->affinity[cpu / 64] >> cpu % 64 & 1;
}

/* "0-3 7" */
static PRINTER(affinity)
{
	const struct unit_limits *limits = &of->unit->limits;
	const char *gap = "";

	for (unsigned cpu = 0; limits->set & LIMIT_AFFINITY && cpu < LIMIT_CPUS; cpu++) {
		unsigned last = cpu;

		if (!has_cpu(limits, cpu))
			continue;
		while (has_cpu(limits, last + 1))
			last++;
		fprintf(of->out, last > cpu ? "%s%u-%u" : "%s%u", gap, cpu, last);
		gap = " ";
		cpu = last;
	}
}

static void put_percent(FILE *out, uint64_t hundredths)
{
	fprintf(out, "%" PRIu64, hundredths / 100);
	if (hundredths % 100)
		fprintf(out, ".%02" PRIu64, hundredths % 100);
	fputc('%', out);
}

/* `words` is what holds where nothing is said. */
static PRINTER(cgroup)
{
	const struct cgroup_value *v = &of->unit->cgroup.v[p->arg];

	switch (v->kind) {
	case CGROUP_UNSET:
		fputs(p->words, of->out);
		return;
	case CGROUP_NUMBER:
		fprintf(of->out, "%" PRIu64, v->value);
		return;
	case CGROUP_PERCENT:
		put_percent(of->out, v->value);
		return;
	case CGROUP_INFINITY:
		fputs("infinity", of->out);
		return;
	case CGROUP_IDLE:
		fputs("idle", of->out);
		return;
	}
}

/* systemd has it as the time of processors in a second: 50 % is 500ms. */
static PRINTER(quota)
{
	const struct cgroup_value *v = &of->unit->cgroup.v[CGROUP_CPU_QUOTA];

	property_put_span(of->out, v->kind == CGROUP_PERCENT ? v->value * 100 : USEC_INFINITY);
}

#define AT(field) offsetof(struct unit, field)
#define RLIMIT(resource)                                                             \
	{"Limit" #resource, rlimit, 0, RLIMIT_##resource, NULL, NULL},               \
	{                                                                            \
		"Limit" #resource "Soft", rlimit, 0, RLIMIT_##resource, "soft", NULL \
	}
#define NUMBER(field, bit)    number, AT(limits.field), LIMIT_##bit, NULL, NULL
#define CGROUP(what, default) cgroup, 0, CGROUP_##what, default

static const struct property rows[] = {
	RLIMIT(CPU),
	RLIMIT(FSIZE),
	RLIMIT(DATA),
	RLIMIT(STACK),
	RLIMIT(CORE),
	RLIMIT(RSS),
	RLIMIT(NOFILE),
	RLIMIT(AS),
	RLIMIT(NPROC),
	RLIMIT(MEMLOCK),
	RLIMIT(LOCKS),
	RLIMIT(SIGPENDING),
	RLIMIT(MSGQUEUE),
	RLIMIT(NICE),
	RLIMIT(RTPRIO),
	RLIMIT(RTTIME),
	{"Nice", NUMBER(nice, NICE)},
	{"OOMScoreAdjust", NUMBER(oom_score_adjust, OOM_SCORE)},
	{"CPUSchedulingPolicy", NUMBER(sched_policy, SCHED_POLICY)},
	{"CPUSchedulingPriority", NUMBER(sched_priority, SCHED_POLICY)},
	{"CPUSchedulingResetOnFork", reset_on_fork, 0, 0, NULL, NULL},
	{"CPUAffinity", affinity, 0, 0, NULL, NULL},
	{"IOSchedulingClass", NUMBER(io_class, IO)},
	{"IOSchedulingPriority", NUMBER(io_priority, IO)},
	{"TimerSlackNSec", timer_slack, 0, 0, NULL, NULL},
	{"CoredumpFilter", coredump, 0, 0, NULL, NULL},
	{"TasksMax", CGROUP(TASKS_MAX, "infinity"), NULL},
	{"MemoryMin", CGROUP(MEMORY_MIN, "0"), NULL},
	{"MemoryLow", CGROUP(MEMORY_LOW, "0"), NULL},
	{"MemoryHigh", CGROUP(MEMORY_HIGH, "infinity"), NULL},
	{"MemoryMax", CGROUP(MEMORY_MAX, "infinity"), "MemoryLimit"},
	{"MemorySwapMax", CGROUP(SWAP_MAX, "infinity"), NULL},
	{"CPUWeight", CGROUP(CPU_WEIGHT, NOT_SET), NULL},
	{"CPUQuotaPerSecUSec", quota, 0, 0, NULL, "CPUQuota"},
	{"CPUQuotaPeriodUSec", property_span, AT(cgroup.quota_period_usec), 0, NULL, NULL},
	{"IOWeight", CGROUP(IO_WEIGHT, NOT_SET), NULL},
	{"Delegate", property_bool, AT(cgroup.delegate), 0, NULL, NULL},
};

const struct property_area property_area_limits = {PROPERTY_SERVICE, rows, ARRAY_LEN(rows)};
