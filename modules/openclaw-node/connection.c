#include "modules/openclaw-node/connection.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"

#define STATE_ESTABLISHED 0x01
#define DEPTH_MAX         32  /* of processes that have started one another */
#define SOCKETS_MAX       256 /* to one port */

struct sockets {
	unsigned long long inode[SOCKETS_MAX];
	size_t n;
};

/* "  0: 0100007F:E4EC 0100007F:4966 01 00000000:00000000 00:00000000 00000000  1000  0 12345 …" */
static void find_sockets(const char *path, uint16_t port, struct sockets *found)
{
	_cleanup_fclose_ FILE *f = fopen(path, "re");
	char line[512];

	while (f && found->n < SOCKETS_MAX && fgets(line, sizeof(line), f)) {
		unsigned remote, state;
		unsigned long long inode;

		if (sscanf(line,
			   " %*u: %*[0-9A-Fa-f]:%*x %*[0-9A-Fa-f]:%x %x %*s %*s %*s %*u %*u %llu",
			   &remote, &state, &inode) == 3 &&
		    remote == port && state == STATE_ESTABLISHED)
			found->inode[found->n++] = inode;
	}
}

static bool has_one(const char *directory, const struct sockets *sockets)
{
	_cleanup_closedir_ DIR *dir = opendir(directory);
	const struct dirent *d;

	while (dir && (d = readdir(dir))) {
		unsigned long long inode;
		char link[64];
		ssize_t n = readlinkat(dirfd(dir), d->d_name, link, sizeof(link) - 1);

		if (n < 0)
			continue;
		link[n] = '\0';
		if (sscanf(link, "socket:[%llu]", &inode) != 1)
			continue;
		for (size_t i = 0; i < sockets->n; i++)
			if (sockets->inode[i] == inode)
				return true;
	}
	return false;
}

/* 0: it is gone. The name in the parentheses may hold anything. */
static pid_t parent_of(const char *proc, pid_t pid)
{
	_cleanup_fclose_ FILE *f = NULL;
	char path[300], line[512];
	const char *end;
	int parent;

	snprintf(path, sizeof(path), "%s/%d/stat", proc, pid);
	f = fopen(path, "re");
	if (!f || !fgets(line, sizeof(line), f))
		return 0;
	end = strrchr(line, ')');
	return end && sscanf(end, ") %*c %d", &parent) == 1 ? parent : 0;
}

static bool descends(const char *proc, pid_t pid, pid_t ancestor)
{
	for (int depth = 0; pid > 0 && depth < DEPTH_MAX; depth++) {
		if (pid == ancestor)
			return true;
		pid = parent_of(proc, pid);
	}
	return false;
}

bool openclaw_connection_has(const char *proc, pid_t pid, uint16_t port)
{
	static const char *const tables[] = {"net/tcp", "net/tcp6"};
	_cleanup_closedir_ DIR *dir = NULL;
	struct sockets sockets = {.n = 0};
	const struct dirent *d;
	char path[600];

	for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
		snprintf(path, sizeof(path), "%s/%s", proc, tables[i]);
		find_sockets(path, port, &sockets);
	}
	if (sockets.n == 0)
		return false;
	dir = opendir(proc);
	while (dir && (d = readdir(dir))) {
		pid_t one = (pid_t)strtol(d->d_name, NULL, 10);

		if (one <= 0 || !descends(proc, one, pid))
			continue;
		snprintf(path, sizeof(path), "%s/%d/fd", proc, one);
		if (has_one(path, &sockets))
			return true;
	}
	return false;
}
