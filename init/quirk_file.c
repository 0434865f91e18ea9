#include "init/quirk_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "init/format.h"

#define PATH_SIZE 512

static int path_below(char path[PATH_SIZE], const char *root, const char *name)
{
	return format_text(path, PATH_SIZE, "%s%s", root, name) >= PATH_SIZE ? -ENAMETOOLONG : 0;
}

ssize_t file_read(const char *root, const char *path, char *buf, size_t size)
{
	char full[PATH_SIZE];
	size_t len = 0;
	ssize_t n = 0;
	int fd;

	buf[0] = '\0';
	if (path_below(full, root, path) < 0)
		return -ENAMETOOLONG;
	fd = open(full, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	while (len < size - 1 && (n = read(fd, buf + len, size - 1 - len)) > 0)
		len += (size_t)n;
	if (n < 0)
		n = -errno;
	close(fd);
	buf[len] = '\0';
	return n < 0 ? n : (ssize_t)len;
}

bool file_exists(const char *root, const char *path)
{
	char full[PATH_SIZE];
	struct stat st;

	return path_below(full, root, path) == 0 && lstat(full, &st) == 0;
}

int64_t file_number(const char *root, const char *path)
{
	char text[64];

	if (file_read(root, path, text, sizeof(text)) <= 0 || text[0] < '0' || text[0] > '9')
		return -1;
	return strtoll(text, NULL, 10);
}

int file_set(const char *root, const char *path, const char *text)
{
	char full[PATH_SIZE];
	int r = 0;
	int fd;

	if (path_below(full, root, path) < 0)
		return -ENAMETOOLONG;
	fd = open(full, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		r = -errno;
	close(fd);
	return r;
}

int file_replace(const char *root, const char *path, const char *text, size_t len, mode_t mode)
{
	char full[PATH_SIZE];
	char temporary[PATH_SIZE + 8];
	ssize_t n;
	int r = 0;
	int fd;

	if (path_below(full, root, path) < 0)
		return -ENAMETOOLONG;
	/* Always the same name: what a killed life has left of it is taken away here. */
	format_text(temporary, sizeof(temporary), "%s.hakim~", full);
	if (unlink(temporary) < 0 && errno != ENOENT)
		return -errno;
	fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	if (fd < 0)
		return -errno;
	n = write(fd, text, len);
	if (n != (ssize_t)len)
		r = n < 0 ? -errno : -ENOSPC;
	else if (fchmod(fd, mode) < 0)
		r = -errno;
	close(fd);
	if (r == 0 && rename(temporary, full) < 0)
		r = -errno;
	if (r < 0)
		unlink(temporary);
	return r;
}

/*
 * Calls `each` with the mount point and the rest of each line of /proc/self/mountinfo (proc(5): id,
 * parent, device, root, mount point, options, optional fields, "-", …), read by pieces: the file
 * has no limit.
 */
static void each_mount(void (*each)(char *point, char *rest, void *data), void *data)
{
	char buf[4096];
	size_t have = 0;
	bool skip = false;
	ssize_t n;
	int fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	while ((n = read(fd, buf + have, sizeof(buf) - 1 - have)) > 0) {
		char *line = buf;
		char *end;

		have += (size_t)n;
		buf[have] = '\0';
		while ((end = strchr(line, '\n'))) {
			char *at = line;

			*end = '\0';
			for (int field = 0; field < 4 && at; field++)
				at = strchr(at, ' ') ? strchr(at, ' ') + 1 : NULL;
			if (at && !skip) {
				char *rest = strchr(at, ' ');

				if (rest) {
					*rest = '\0';
					each(at, rest + 1, data);
				}
			}
			skip = false;
			line = end + 1;
		}
		have = (size_t)(buf + have - line);
		memmove(buf, line, have);
		/* A line that does not fit: its point is long, and none that is asked for. */
		if (have == sizeof(buf) - 1) {
			have = 0;
			skip = true;
		}
	}
	close(fd);
}

struct mount_question {
	const char *path;
	size_t len;
	bool below, found, shared;
};

static void ask_mount(char *point, char *rest, void *data)
{
	struct mount_question *q = data;
	char *end;

	if (q->below ? strncmp(point, q->path, q->len) != 0 || point[q->len] != '/'
		     : strcmp(point, q->path) != 0)
		return;
	q->found = true;
	end = strstr(rest, " - ");
	if (end)
		*end = '\0';
	q->shared = strstr(rest, " shared:") != NULL;
}

bool mount_at(const char *path, bool below)
{
	struct mount_question q = {.path = path, .len = strlen(path), .below = below};

	each_mount(ask_mount, &q);
	return q.found;
}

bool mount_is_shared(const char *path)
{
	struct mount_question q = {.path = path, .len = strlen(path)};

	each_mount(ask_mount, &q);
	return q.shared;
}
