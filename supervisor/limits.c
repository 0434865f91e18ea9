#include "supervisor/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "supervisor/degrade.h"

/* linux/ioprio.h */
#define IOPRIO_WHO_PROCESS 1
#define IOPRIO_CLASS_SHIFT 13

#define OOM_SCORE     "/proc/self/oom_score_adj"
#define OOM_SCORE_MIN (-1000)
#define OOM_SCORE_MAX 1000
#define OOM_STEP      100 /* as much as a tenth of all memory in use (proc(5)) */

static int write_text(const char *path, const char *text, size_t len)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? write(fd, text, len) : -1;
	int error = errno;

	if (fd >= 0)
		close(fd);
	return n < 0 ? -error : 0;
}

/* snprintf() is not async-signal-safe: "[-]digits" or "0x…". */
static size_t number(char *buf, long value, unsigned base)
{
	unsigned long rest = value < 0 ? 0ul - (unsigned long)value : (unsigned long)value;
	char digits[32];
	size_t n = 0, at = 0;

	do {
		digits[n++] = "0123456789abcdef"[rest % base];
		rest /= base;
	} while (rest);
	if (value < 0)
		buf[at++] = '-';
	if (base == 16) {
		buf[at++] = '0';
		buf[at++] = 'x';
	}
	while (n)
		buf[at++] = digits[--n];
	return at;
}

static int set_oom_score(int value)
{
	char text[40];

	return write_text(OOM_SCORE, text, number(text, value, 10));
}

static int apply_oom_score(const struct unit_limits *limits)
{
	return set_oom_score(limits->oom_score_adjust);
}

int limits_oom_default(void)
{
	int fd = open(OOM_SCORE, O_RDONLY | O_CLOEXEC);
	char text[16] = "";
	ssize_t n = fd >= 0 ? read(fd, text, sizeof(text) - 1) : -1;
	int own;

	if (fd >= 0)
		close(fd);
	if (n <= 0)
		return 0;
	own = (int)strtol(text, NULL, 10);
	if (own <= OOM_SCORE_MIN || own >= OOM_SCORE_MAX)
		return 0;
	if (set_oom_score(own - 1) == 0) {
		set_oom_score(own);
		return 0;
	}
	return own > OOM_SCORE_MAX - OOM_STEP ? OOM_SCORE_MAX : own + OOM_STEP;
}

static int apply_coredump(const struct unit_limits *limits)
{
	char text[40];

	return write_text("/proc/self/coredump_filter", text,
			  number(text, (long)limits->coredump_filter, 16));
}

static int apply_nice(const struct unit_limits *limits)
{
	return setpriority(PRIO_PROCESS, 0, limits->nice) < 0 ? -errno : 0;
}

static int apply_scheduling(const struct unit_limits *limits)
{
	struct sched_param param = {.sched_priority = limits->sched_priority};
	int policy = limits->sched_policy;

	if (limits->sched_reset_on_fork)
		policy |= SCHED_RESET_ON_FORK;
	return syscall(SYS_sched_setscheduler, 0, policy, &param) < 0 ? -errno : 0;
}

static int apply_affinity(const struct unit_limits *limits)
{
	return syscall(SYS_sched_setaffinity, 0, sizeof(limits->affinity), limits->affinity) < 0
		       ? -errno
		       : 0;
}

static int apply_io(const struct unit_limits *limits)
{
	int value = limits->io_class << IOPRIO_CLASS_SHIFT | limits->io_priority;

	return syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, value) < 0 ? -errno : 0;
}

static int apply_timer_slack(const struct unit_limits *limits)
{
	return prctl(PR_SET_TIMERSLACK, (unsigned long)limits->timer_slack_ns) < 0 ? -errno : 0;
}

/* In systemd's order (exec_child()). */
static const struct {
	enum limit_set bit;
	enum degrade part;
	int (*apply)(const struct unit_limits *limits);
} values[] = {
	{LIMIT_OOM_SCORE, DEGRADE_OOM_SCORE, apply_oom_score},
	{LIMIT_COREDUMP, DEGRADE_COREDUMP, apply_coredump},
	{LIMIT_NICE, DEGRADE_NICE, apply_nice},
	{LIMIT_SCHED_POLICY, DEGRADE_SCHEDULING, apply_scheduling},
	{LIMIT_AFFINITY, DEGRADE_AFFINITY, apply_affinity},
	{LIMIT_IO, DEGRADE_IO_SCHEDULING, apply_io},
	{LIMIT_TIMER_SLACK, DEGRADE_TIMER_SLACK, apply_timer_slack},
};

/* Above the hard limit without CAP_SYS_RESOURCE: as near as may be (systemd's
 * setrlimit_closest()). */
static int apply_rlimit(int resource, struct rlimit want, bool strict, struct board_slot *slot)
{
	struct rlimit have;

	if (setrlimit((__rlimit_resource_t)resource, &want) == 0)
		return 0;
	if (errno != EPERM || getrlimit((__rlimit_resource_t)resource, &have) < 0)
		return -errno;
	if (want.rlim_cur > have.rlim_max)
		want.rlim_cur = have.rlim_max;
	if (want.rlim_max > have.rlim_max)
		want.rlim_max = have.rlim_max;
	if (setrlimit((__rlimit_resource_t)resource, &want) < 0)
		return -errno;
	return degrade_note(slot, DEGRADE_RLIMIT, EPERM, strict);
}

int limits_apply(const struct unit_limits *limits, const struct rlimit *nofile, int oom_default,
		 bool strict, struct board_slot *slot)
{
	int r = 0;

	/* Best effort: nobody has asked for it. */
	if (oom_default && !(limits->set & LIMIT_OOM_SCORE))
		set_oom_score(oom_default);

	if (nofile->rlim_max && !(limits->rlimits & 1u << RLIMIT_NOFILE) &&
	    setrlimit(RLIMIT_NOFILE, nofile) < 0)
		return -errno;
	for (size_t i = 0; i < ARRAY_LEN(values) && r == 0; i++) {
		if (!(limits->set & values[i].bit))
			continue;
		r = values[i].apply(limits);
		if (r < 0)
			r = degrade_note(slot, values[i].part, -r, strict);
	}
	for (int i = 0; i < RLIM_NLIMITS && r == 0; i++)
		if (limits->rlimits & 1u << i)
			r = apply_rlimit(i, limits->rlimit[i], strict, slot);
	return r;
}
