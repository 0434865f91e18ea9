#include "modules/docker/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"

#define MOUNT  "/sys/fs/cgroup"
#define ROUNDS 3 /* of moving: a process may fork meanwhile */

static int open_at(const char *top, const char *name, int flags)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), MOUNT "%s/%s", top, name);
	return open(path, flags | O_CLOEXEC);
}

static int write_word(const char *top, const char *name, const char *word)
{
	_cleanup_close_ int fd = open_at(top, name, O_WRONLY);

	return fd < 0 || write(fd, word, strlen(word)) < 0 ? -errno : 0;
}

/* The group that holds all of the container: ours is below its "hakim". */
static bool find_top(char *top, size_t size)
{
	_cleanup_fclose_ FILE *f = fopen("/proc/self/cgroup", "re");
	char line[PATH_MAX];

	while (f && fgets(line, sizeof(line), f)) {
		char *ours = strncmp(line, "0::", 3) == 0 ? strstr(line, "/hakim/") : NULL;

		if (!ours)
			continue;
		*ours = '\0';
		return (size_t)snprintf(top, size, "%s", line + 3) < size;
	}
	return false;
}

/* No process may be in a group whose children have controllers (cgroup-v2.rst, "No Internal Process
 * Constraint"). */
static void make_room(const char *top)
{
	_cleanup_close_ int fd = open_at(top, "cgroup.procs", O_RDONLY);
	_cleanup_fclose_ FILE *f = fd >= 0 ? fdopen(fd, "re") : NULL;
	char path[PATH_MAX], line[24];

	if (!f)
		return;
	steal_fd(&fd);
	snprintf(path, sizeof(path), MOUNT "%s/hakim/init", top);
	mkdir(path, 0755);
	while (fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		/* 0 is one of another pid namespace, and would be taken for ourselves. */
		if (strcmp(line, "0") != 0)
			write_word(top, "hakim/init/cgroup.procs", line);
	}
}

static int enable(const char *top, const char *controller)
{
	char word[40];
	int r = 0;

	snprintf(word, sizeof(word), "+%.30s", controller);
	for (int round = 0; round < ROUNDS; round++) {
		r = write_word(top, "cgroup.subtree_control", word);
		if (r != -EBUSY)
			return r;
		make_room(top);
	}
	return r;
}

void cgroup_prepare(char *missing, size_t size)
{
	char top[PATH_MAX / 2], names[512] = "";
	_cleanup_close_ int fd = -EBADF;
	size_t len = 0;
	char *save = NULL;

	*missing = '\0';
	if (!find_top(top, sizeof(top)))
		return;
	fd = open_at(top, "cgroup.controllers", O_RDONLY);
	if (fd < 0 || read(fd, names, sizeof(names) - 1) < 0)
		return;
	for (char *at = strtok_r(names, " \n", &save); at; at = strtok_r(NULL, " \n", &save))
		if (enable(top, at) < 0 && len < size)
			len += (size_t)snprintf(missing + len, size - len, " %s", at);
}
