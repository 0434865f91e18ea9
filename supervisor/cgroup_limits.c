#include "supervisor/cgroup_limits.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "supervisor/cgroup.h"

static const struct {
	const char *directive, *file, *controller;
} limits[CGROUP_LIMITS] = {
	[CGROUP_TASKS_MAX] = {"TasksMax=", "pids.max", "pids"},
	[CGROUP_MEMORY_MAX] = {"MemoryMax=", "memory.max", "memory"},
	[CGROUP_MEMORY_HIGH] = {"MemoryHigh=", "memory.high", "memory"},
	[CGROUP_MEMORY_LOW] = {"MemoryLow=", "memory.low", "memory"},
	[CGROUP_MEMORY_MIN] = {"MemoryMin=", "memory.min", "memory"},
	[CGROUP_SWAP_MAX] = {"MemorySwapMax=", "memory.swap.max", "memory"},
	[CGROUP_CPU_QUOTA] = {"CPUQuota=", "cpu.max", "cpu"},
	[CGROUP_CPU_WEIGHT] = {"CPUWeight=", "cpu.weight", "cpu"},
	[CGROUP_IO_WEIGHT] = {"IOWeight=", "io.weight", "io"},
};

bool cgroup_limits_wanted(const struct unit_cgroup *unit)
{
	for (unsigned i = 0; i < CGROUP_LIMITS; i++)
		if (unit->v[i].kind)
			return true;
	return unit->delegate;
}

static int write_at(int dir_fd, const char *name, const char *text)
{
	_cleanup_close_ int fd = openat(dir_fd, name, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	return write(fd, text, strlen(text)) < 0 ? -errno : 0;
}

/* True when the word is in the list of a file: cgroup.controllers, cgroup.subtree_control. */
static bool lists(int dir_fd, const char *file, const char *word)
{
	_cleanup_close_ int fd = openat(dir_fd, file, O_RDONLY | O_CLOEXEC);
	char buf[512];
	ssize_t n = fd >= 0 ? read(fd, buf, sizeof(buf) - 1) : -1;
	char *save = NULL;

	if (n < 0)
		return false;
	buf[n] = '\0';
	for (char *at = strtok_r(buf, " \n", &save); at; at = strtok_r(NULL, " \n", &save))
		if (strcmp(at, word) == 0)
			return true;
	return false;
}

/* A group with controllers for those below may have no processes itself (cgroup-v2.rst, "No
 * Internal Process Constraint"): PID 1 and who else is in ours get one below. */
static int make_room(int top_fd, const char *base)
{
	_cleanup_close_ int fd = openat(top_fd, "cgroup.procs", O_RDONLY | O_CLOEXEC);
	_cleanup_fclose_ FILE *f = fd >= 0 ? fdopen(fd, "re") : NULL;
	_cleanup_close_ int init_fd = -EBADF;
	char path[300], line[24];
	int r = 0;

	if (!f)
		return -errno;
	steal_fd(&fd);
	snprintf(path, sizeof(path), "%s/init", base);
	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		return -errno;
	init_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (init_fd < 0)
		return -errno;
	while (r == 0 && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		/* A process of another pid namespace is 0 to us; written, 0 is who writes. */
		if (strcmp(line, "0") == 0)
			continue;
		r = write_at(init_fd, "cgroup.procs", line);
		/* It has ended meanwhile. */
		if (r == -ESRCH)
			r = 0;
	}
	return r;
}

/* A controller for the groups of the services: through ours and the one that holds them. */
static int enable(const struct cgroups *cgroups, const char *controller)
{
	char path[sizeof(cgroups->base)], word[32];
	_cleanup_close_ int base_fd = -EBADF, top_fd = -EBADF;
	int r;

	snprintf(path, sizeof(path), "%s", cgroups->base);
	*strrchr(path, '/') = '\0';
	snprintf(word, sizeof(word), "+%s", controller);
	base_fd = open(cgroups->base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	top_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (base_fd < 0 || top_fd < 0)
		return -errno;
	if (lists(base_fd, "cgroup.subtree_control", controller))
		return 0;
	if (!lists(top_fd, "cgroup.controllers", controller))
		return -ENOENT;
	if (!lists(top_fd, "cgroup.subtree_control", controller)) {
		r = write_at(top_fd, "cgroup.subtree_control", word);
		if (r == -EBUSY) {
			r = make_room(top_fd, cgroups->base);
			if (r == 0)
				r = write_at(top_fd, "cgroup.subtree_control", word);
		}
		if (r < 0)
			return r;
	}
	return write_at(base_fd, "cgroup.subtree_control", word);
}

void cgroup_limit_text(const struct unit_cgroup *unit, enum cgroup_limit limit, uint64_t total,
		       char *text, unsigned size)
{
	const struct cgroup_value *v = &unit->v[limit];
	uint64_t value = v->value;

	if (limit == CGROUP_CPU_QUOTA) {
		if (v->kind == CGROUP_INFINITY)
			snprintf(text, size, "max %" PRIu64, unit->quota_period_usec);
		else
			snprintf(text, size, "%" PRIu64 " %" PRIu64,
				 value * unit->quota_period_usec / 10000, unit->quota_period_usec);
		return;
	}
	if (v->kind == CGROUP_PERCENT)
		value = (uint64_t)((unsigned __int128)total * value / 10000);
	if (v->kind == CGROUP_INFINITY)
		snprintf(text, size, "max");
	else if (v->kind == CGROUP_IDLE)
		snprintf(text, size, "1");
	else if (limit == CGROUP_IO_WEIGHT)
		snprintf(text, size, "default %" PRIu64, value);
	else
		snprintf(text, size, "%" PRIu64, value);
}

/* What 100 % are: the memory, or the number of tasks, of the machine as the container sees it. */
static uint64_t total_of(enum cgroup_limit limit)
{
	struct sysinfo info;

	if (limit == CGROUP_TASKS_MAX) {
		_cleanup_fclose_ FILE *f = fopen("/proc/sys/kernel/threads-max", "re");
		char line[32];

		return f && fgets(line, sizeof(line), f) ? strtoull(line, NULL, 10) : 32768;
	}
	if (sysinfo(&info) < 0)
		return 0;
	return (uint64_t)(limit == CGROUP_SWAP_MAX ? info.totalswap : info.totalram) *
	       info.mem_unit;
}

static int apply_one(const struct cgroups *cgroups, int dir_fd, const struct unit_cgroup *unit,
		     enum cgroup_limit limit)
{
	char text[64];
	int r;

	if (faccessat(dir_fd, limits[limit].file, W_OK, 0) < 0) {
		r = enable(cgroups, limits[limit].controller);
		if (r < 0)
			return r;
	}
	if (limit == CGROUP_CPU_WEIGHT && unit->v[limit].kind == CGROUP_IDLE)
		return write_at(dir_fd, "cpu.idle", "1");
	cgroup_limit_text(unit, limit, total_of(limit), text, sizeof(text));
	return write_at(dir_fd, limits[limit].file, text);
}

/* systemd's unit_cgroup_delegate(). */
static int delegate(int dir_fd, uid_t uid)
{
	static const char *const files[] = {"cgroup.procs", "cgroup.subtree_control",
					    "cgroup.threads"};

	if (fchown(dir_fd, uid, (gid_t)-1) < 0)
		return -errno;
	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		if (fchownat(dir_fd, files[i], uid, (gid_t)-1, 0) < 0 && errno != ENOENT)
			return -errno;
	return 0;
}

int cgroup_limits_apply(const struct cgroups *cgroups, int dir_fd, const struct unit_cgroup *unit,
			uid_t uid, bool strict, struct err *err)
{
	int r = 0;

	if (dir_fd < 0)
		return strict && cgroup_limits_wanted(unit)
			       ? err_set(err, -ENOENT,
					 "there is no cgroup for its limits in this container")
			       : 0;
	for (unsigned i = 0; i < CGROUP_LIMITS; i++) {
		if (!unit->v[i].kind)
			continue;
		/* "infinity" asks for nothing that is not so without a controller. */
		if (unit->v[i].kind == CGROUP_INFINITY &&
		    faccessat(dir_fd, limits[i].file, W_OK, 0) < 0)
			continue;
		r = apply_one(cgroups, dir_fd, unit, (enum cgroup_limit)i);
		/* The container's, and not the value's fault. */
		if (!strict && (r == -ENOENT || r == -EBUSY || r == -EACCES || r == -EPERM ||
				r == -EROFS || r == -EOPNOTSUPP))
			r = 0;
		if (r < 0)
			return err_sys(err, r, "%s cannot be set", limits[i].directive);
	}
	if (unit->delegate && uid) {
		r = delegate(dir_fd, uid);
		if (r < 0 && strict)
			return err_sys(err, r, "Delegate=");
	}
	return 0;
}

bool cgroup_limits_missing(int dir_fd, const struct unit_cgroup *unit, unsigned *at, char *text,
			   unsigned size)
{
	for (; *at < CGROUP_LIMITS; (*at)++) {
		unsigned i = *at;

		if (!unit->v[i].kind || unit->v[i].kind == CGROUP_INFINITY)
			continue;
		if (dir_fd >= 0 && faccessat(dir_fd, limits[i].file, W_OK, 0) == 0)
			continue;
		if (dir_fd < 0)
			snprintf(text, size, "%s: there is no cgroup for it in this container",
				 limits[i].directive);
		else
			snprintf(text, size, "%s: no %s controller is delegated to this container",
				 limits[i].directive, limits[i].controller);
		(*at)++;
		return true;
	}
	if (*at == CGROUP_LIMITS && unit->delegate && dir_fd < 0) {
		snprintf(text, size, "Delegate=: there is no cgroup for it in this container");
		(*at)++;
		return true;
	}
	return false;
}
