#include "modules/guard/holder.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"

#define STATE_LISTEN 0x0a

/* "  0: 0100007F:3419 00000000:0000 0A 00000000:00000000 00:00000000 00000000  0  0 12345 …" */
static bool find_inode(const char *path, uint16_t port, uint64_t *inode)
{
	_cleanup_fclose_ FILE *f = fopen(path, "re");
	char line[512];

	while (f && fgets(line, sizeof(line), f)) {
		unsigned local, state;
		unsigned long long found;

		if (sscanf(line,
			   " %*u: %*[0-9A-Fa-f]:%x %*[0-9A-Fa-f]:%*x %x %*s %*s %*s %*u %*u %llu",
			   &local, &state, &found) != 3)
			continue;
		if (local == port && state == STATE_LISTEN) {
			*inode = found;
			return true;
		}
	}
	return false;
}

static bool has_fd(const char *directory, const char *want)
{
	_cleanup_closedir_ DIR *dir = opendir(directory);
	const struct dirent *d;

	while (dir && (d = readdir(dir))) {
		char link[64];
		ssize_t n = readlinkat(dirfd(dir), d->d_name, link, sizeof(link) - 1);

		if (n < 0)
			continue;
		link[n] = '\0';
		if (strcmp(link, want) == 0)
			return true;
	}
	return false;
}

static void read_name(const char *path, char *name, size_t size)
{
	_cleanup_fclose_ FILE *f = fopen(path, "re");

	if (!f || !fgets(name, (int)size, f))
		snprintf(name, size, "?");
	name[strcspn(name, "\n")] = '\0';
}

static void find_process(const char *proc, struct holder *holder)
{
	_cleanup_closedir_ DIR *dir = opendir(proc);
	const struct dirent *d;
	char want[40], path[600];

	snprintf(want, sizeof(want), "socket:[%llu]", (unsigned long long)holder->inode);
	while (dir && (d = readdir(dir))) {
		if (d->d_name[0] < '1' || d->d_name[0] > '9')
			continue;
		snprintf(path, sizeof(path), "%s/%s/fd", proc, d->d_name);
		if (!has_fd(path, want))
			continue;
		holder->pid = (pid_t)strtol(d->d_name, NULL, 10);
		snprintf(path, sizeof(path), "%s/%s/comm", proc, d->d_name);
		read_name(path, holder->name, sizeof(holder->name));
		return;
	}
}

bool holder_find(const char *proc, uint16_t port, struct holder *holder)
{
	static const char *const tables[] = {"net/tcp", "net/tcp6"};
	char path[300];

	*holder = (struct holder){0};
	for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
		snprintf(path, sizeof(path), "%s/%s", proc, tables[i]);
		if (!find_inode(path, port, &holder->inode))
			continue;
		find_process(proc, holder);
		return true;
	}
	return false;
}
