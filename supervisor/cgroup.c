#include "supervisor/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "common/cleanup.h"

#define MOUNT "/sys/fs/cgroup"

/* Our own group, "0::/path": "/" in a cgroup namespace. On a host's namespace we stay below what is
 * ours. */
static int own_group(char *path, size_t size)
{
	_cleanup_fclose_ FILE *f = fopen("/proc/self/cgroup", "re");
	char line[256];

	while (f && fgets(line, sizeof(line), f)) {
		if (strncmp(line, "0::/", 4) != 0)
			continue;
		line[strcspn(line, "\n")] = '\0';
		/* "/../x": the namespace's root is not an ancestor of ours; there is no path to it.
		 */
		if (strncmp(line + 3, "/..", 3) == 0)
			return -ENOENT;
		snprintf(path, size, "%s", strcmp(line + 3, "/") == 0 ? "" : line + 3);
		return 0;
	}
	return -ENOENT;
}

/* PID 1's supervisor may itself have been put into "…/hakim/…" by an earlier life: the base is
 * always the same. */
static void strip_own_base(char *path)
{
	char *at = strstr(path, "/hakim/");

	if (at)
		*at = '\0';
}

void cgroups_open(struct cgroups *cgroups)
{
	struct statfs fs;
	char own[160];

	*cgroups = (struct cgroups){.into = true};
	if (statfs(MOUNT, &fs) < 0 || fs.f_type != CGROUP2_SUPER_MAGIC ||
	    own_group(own, sizeof(own)) < 0)
		return;
	strip_own_base(own);
	snprintf(cgroups->base, sizeof(cgroups->base), MOUNT "%s/hakim", own);
	cgroups->available = mkdir(cgroups->base, 0755) == 0 || errno == EEXIST;
	/* EEXIST is also said on a read-only mount: what counts is whether a group can be made in
	 * it. */
	if (cgroups->available && access(cgroups->base, W_OK) < 0)
		cgroups->available = false;
}

int cgroup_open(const struct cgroups *cgroups, const char *unit)
{
	char path[400];

	if (!cgroups->available)
		return -1;
	snprintf(path, sizeof(path), "%s/%s", cgroups->base, unit);
	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		return -1;
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

int cgroup_renew(const struct cgroups *cgroups, const char *unit, int *dir_fd)
{
	char path[400];
	int fresh;

	snprintf(path, sizeof(path), "%s/%s", cgroups->base, unit);
	if (rmdir(path) < 0 && errno != ENOENT)
		return -errno;
	fresh = cgroup_open(cgroups, unit);
	if (fresh < 0)
		return -ENOENT;
	close(*dir_fd);
	*dir_fd = fresh;
	return 0;
}

void cgroup_remove(const struct cgroups *cgroups, const char *unit)
{
	char path[400];

	if (!cgroups->available)
		return;
	snprintf(path, sizeof(path), "%s/%s", cgroups->base, unit);
	rmdir(path);
}

static ssize_t read_file(int dir_fd, const char *name, char *buf, size_t size)
{
	_cleanup_close_ int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, buf, size - 1) : -1;

	if (n < 0)
		return -errno;
	buf[n] = '\0';
	return n;
}

int cgroup_pids(int dir_fd, pid_t *pids, int max)
{
	_cleanup_close_ int fd = openat(dir_fd, "cgroup.procs", O_RDONLY | O_CLOEXEC);
	_cleanup_fclose_ FILE *f = fd >= 0 ? fdopen(fd, "re") : NULL;
	int n = 0;
	int pid;

	if (!f)
		return -errno;
	steal_fd(&fd);
	while (n < max && fscanf(f, "%d", &pid) == 1)
		/* 0 is a process of another pid namespace (lxc-attach from outside has ours, docker
		 * exec too). */
		if (pid > 0)
			pids[n++] = pid;
	return n;
}

int cgroup_is_empty(int dir_fd)
{
	char buf[256];
	ssize_t n = read_file(dir_fd, "cgroup.events", buf, sizeof(buf));

	if (n < 0)
		return (int)n;
	return strstr(buf, "populated 0") ? 1 : 0;
}

int cgroup_kill(int dir_fd)
{
	_cleanup_close_ int fd = openat(dir_fd, "cgroup.kill", O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	return write(fd, "1", 1) < 0 ? -errno : 0;
}

int64_t cgroup_memory(int dir_fd)
{
	char buf[64];

	if (read_file(dir_fd, "memory.current", buf, sizeof(buf)) <= 0)
		return -1;
	return strtoll(buf, NULL, 10);
}

int64_t cgroup_cpu(int dir_fd)
{
	static const char key[] = "usage_usec ";
	char buf[512];
	const char *at;

	if (read_file(dir_fd, "cpu.stat", buf, sizeof(buf)) <= 0)
		return -1;
	at = strstr(buf, key);
	return at ? strtoll(at + strlen(key), NULL, 10) : -1;
}
