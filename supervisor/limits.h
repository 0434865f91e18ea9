/*
 * limits.h - what a unit's process may use and how it is scheduled: Limit…=, Nice=,
 * OOMScoreAdjust=, CPUAffinity= and their kin of systemd.exec(5), as numbers.
 *
 * The child applies them between clone and execve, before it changes its identity, by system calls
 * alone. What takes a privilege that this container lacks is left out and written into
 * board_slot.degraded (degrade.h), as systemd does; with Strict=yes that is a failure.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>

struct board_slot;

/* Which of the single values are set, as bits. */
enum limit_set {
	LIMIT_NICE = 1u << 0,
	LIMIT_OOM_SCORE = 1u << 1,
	LIMIT_SCHED_POLICY = 1u << 2,
	LIMIT_AFFINITY = 1u << 3,
	LIMIT_IO = 1u << 4,
	LIMIT_TIMER_SLACK = 1u << 5,
	LIMIT_COREDUMP = 1u << 6,
};

#define LIMIT_CPUS 1024 /* as many as the kernel's cpu_set_t of libc has */

struct unit_limits {
	uint32_t set;                       /* enum limit_set */
	uint32_t rlimits;                   /* bit n: rlimit[n] is set */
	struct rlimit rlimit[RLIM_NLIMITS]; /* by RLIMIT_* */
	int nice;                           /* -20 … 19 */
	int oom_score_adjust;               /* -1000 … 1000 */
	int sched_policy, sched_priority;   /* SCHED_*; 1 … 99 for fifo and rr, else 0 */
	bool sched_reset_on_fork;
	int io_class, io_priority; /* 0 none, 1 realtime, 2 best effort, 3 idle; 0 … 7 */
	unsigned coredump_filter;  /* bits, core(5) */
	uint64_t timer_slack_ns;
	uint64_t affinity[LIMIT_CPUS / 64];
};

/*
 * What a service without OOMScoreAdjust= gets. Where nobody may lower the value (a user namespace),
 * that is more than our own, so that a unit that asks for the container's own or for less is killed
 * last; else 0: it keeps what it inherits.
 */
int limits_oom_default(void);

/* In the child. `nofile` and `oom_default` are what applies where LimitNOFILE= and OOMScoreAdjust=
 * are not set. Returns 0, or a negative errno when the service must not run. */
int limits_apply(const struct unit_limits *limits, const struct rlimit *nofile, int oom_default,
		 bool strict, struct board_slot *slot);
