#include "supervisor/user_namespace.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/cleanup.h"

static void map_self(char *text, size_t size, unsigned ours, unsigned theirs)
{
	int n = snprintf(text, size, "%u %u 1\n", ours, ours);

	if (theirs != ours)
		snprintf(text + n, size - (size_t)n, "%u %u 1\n", theirs, theirs);
}

void user_map_make(struct user_map *map, enum private_users kind, const struct identity *id)
{
	/* systemd's own: two lines for all, since one line is for the kernel the initial one. */
	static const char *const fixed[] = {
		[PRIVATE_USERS_IDENTITY] = "0 0 65536\n",
		[PRIVATE_USERS_FULL] = "0 0 1\n1 1 4294967294\n",
	};

	*map = (struct user_map){.wanted = kind != PRIVATE_USERS_NO,
				 .groups = kind == PRIVATE_USERS_FULL};
	if (kind == PRIVATE_USERS_SELF) {
		map_self(map->uid, sizeof(map->uid), geteuid(), id->set ? id->uid : geteuid());
		map_self(map->gid, sizeof(map->gid), getegid(), id->set ? id->gid : getegid());
	} else if (kind != PRIVATE_USERS_NO) {
		snprintf(map->uid, sizeof(map->uid), "%s", fixed[kind]);
		snprintf(map->gid, sizeof(map->gid), "%s", fixed[kind]);
	}
}

/* "/proc/PID/NAME" without libc: only system calls are safe here. */
static void proc_path(char *path, long pid, const char *name)
{
	char digits[24];
	size_t n = sizeof(digits);

	for (; pid > 0; pid /= 10)
		digits[--n] = (char)('0' + pid % 10);
	memcpy(path, "/proc/", 6);
	memcpy(path + 6, digits + n, sizeof(digits) - n);
	path += 6 + sizeof(digits) - n;
	*path++ = '/';
	memcpy(path, name, strlen(name) + 1);
}

static int put(long pid, const char *name, const char *text)
{
	char path[64];
	_cleanup_close_ int fd = -EBADF;

	proc_path(path, pid, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	/* The kernel takes a map by one write or not at all. */
	return write(fd, text, strlen(text)) < 0 ? -errno : 0;
}

static int open_mapped(long pid, const struct user_map *map)
{
	char path[64];
	int r = map->groups ? 0 : put(pid, "setgroups", "deny");
	int fd;

	if (r == 0)
		r = put(pid, "gid_map", map->gid);
	if (r == 0)
		r = put(pid, "uid_map", map->uid);
	if (r < 0)
		return r;
	proc_path(path, pid, "ns/user");
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int user_namespace_make(const struct user_map *map)
{
	int hold[2], fd, status;
	char byte;
	long pid;

	if (pipe2(hold, O_CLOEXEC) < 0)
		return -errno;
	/* A process that does nothing but be in it. The pipe ends it, also when this one is killed.
	 */
	pid = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, NULL);
	if (pid == 0) {
		close(hold[1]);
		_exit(read(hold[0], &byte, 1) == 0 ? 0 : 1);
	}
	fd = pid < 0 ? -errno : open_mapped(pid, map);
	close(hold[0]);
	close(hold[1]);
	while (pid > 0 && syscall(SYS_wait4, pid, &status, 0, NULL) < 0 && errno == EINTR)
		;
	return fd;
}
