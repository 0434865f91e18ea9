/*
 * cgroup_limits.h - TasksMax=, MemoryMax=, CPUQuota= and their kin (systemd.resource-control(5)):
 * written into the files of the service's cgroup, where the container has the controllers. Where it
 * has not, the status says so.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/err.h"

struct cgroups;

enum cgroup_limit {
	CGROUP_TASKS_MAX = 0,
	CGROUP_MEMORY_MAX,
	CGROUP_MEMORY_HIGH,
	CGROUP_MEMORY_LOW,
	CGROUP_MEMORY_MIN,
	CGROUP_SWAP_MAX,
	CGROUP_CPU_QUOTA,
	CGROUP_CPU_WEIGHT,
	CGROUP_IO_WEIGHT,
	CGROUP_LIMITS,
};

enum cgroup_value_kind {
	CGROUP_UNSET = 0,
	CGROUP_NUMBER,
	CGROUP_PERCENT, /* in hundredths of a percent */
	CGROUP_INFINITY,
	CGROUP_IDLE, /* CPUWeight=idle */
};

struct cgroup_value {
	enum cgroup_value_kind kind;
	uint64_t value;
};

struct unit_cgroup {
	struct cgroup_value v[CGROUP_LIMITS];
	uint64_t quota_period_usec; /* CPUQuotaPeriodSec=, default 100 ms */
	bool delegate;              /* the service's user may make groups below its own */
};

/* True when anything is asked for. */
bool cgroup_limits_wanted(const struct unit_cgroup *unit);
/*
 * Before the first process of a run: sees to the controllers and writes the values into the group
 * `dir_fd` (-1: there is none). Whatever the container does not have is left out; with `strict`,
 * and where a value is refused, a negative errno with a sentence.
 */
int cgroup_limits_apply(const struct cgroups *cgroups, int dir_fd, const struct unit_cgroup *unit,
			uid_t uid, bool strict, struct err *err);
/* The next sentence about what is not in force, from index *at on (0 at first); false: no more. */
bool cgroup_limits_missing(int dir_fd, const struct unit_cgroup *unit, unsigned *at, char *text,
			   unsigned size);
/* What goes into the file of a value; for a test. `total`: what a percentage is of. */
void cgroup_limit_text(const struct unit_cgroup *unit, enum cgroup_limit limit, uint64_t total,
		       char *text, unsigned size);
