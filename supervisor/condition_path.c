#include "supervisor/condition_kinds.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "common/cleanup.h"

#define GLOB_DEPTH 64

/* ROOT/path; too long a path is none. */
static const char *below(const struct condition_world *w, const char *path, char buf[PATH_MAX])
{
	return snprintf(buf, PATH_MAX, "%s%s", w->root, path) < PATH_MAX ? buf : "";
}

bool condition_read(const struct condition_world *w, const char *path, char *text, size_t size)
{
	char buf[PATH_MAX];
	/* O_NONBLOCK: what lies there may be a FIFO. */
	_cleanup_close_ int fd = open(below(w, path, buf), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	size_t len = 0;
	ssize_t n = fd < 0 ? -1 : 1;

	while (n > 0 && len < size - 1) {
		n = read(fd, text + len, size - 1 - len);
		len += n > 0 ? (size_t)n : 0;
	}
	text[len] = '\0';
	return n >= 0 || len > 0;
}

bool condition_there(const struct condition_world *w, const char *path)
{
	char buf[PATH_MAX];

	return access(below(w, path, buf), F_OK) == 0;
}

static bool stat_of(const struct condition_world *w, const char *path, struct stat *st)
{
	char buf[PATH_MAX];

	return stat(below(w, path, buf), st) == 0;
}

CONDITION_QUESTION(condition_path_exists)
{
	return condition_there(w, arg);
}

/*
 * What glob(3) does, a component at a time: libc's own would bring in the look-up of users for a
 * "~". `path` is what is found so far, `rest` the pattern behind it.
 */
static bool glob_below(char path[PATH_MAX], size_t len, const char *rest, unsigned depth)
{
	_cleanup_closedir_ DIR *d = NULL;
	char part[NAME_MAX + 1];
	struct dirent *entry;
	size_t n;

	while (*rest == '/')
		rest++;
	n = strcspn(rest, "/");
	if (!n)
		return access(len ? path : "/", F_OK) == 0;
	if (n > NAME_MAX || depth > GLOB_DEPTH || !(d = opendir(len ? path : "/")))
		return false;
	memcpy(part, rest, n);
	part[n] = '\0';
	while ((entry = readdir(d))) {
		size_t room = PATH_MAX - len;
		int more;

		if (fnmatch(part, entry->d_name, FNM_PERIOD) != 0)
			continue;
		more = snprintf(path + len, room, "/%s", entry->d_name);
		if ((size_t)more < room &&
		    glob_below(path, len + (size_t)more, rest + n, depth + 1))
			return true;
		path[len] = '\0';
	}
	return false;
}

CONDITION_QUESTION(condition_path_exists_glob)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s", w->root) >= PATH_MAX)
		return false;
	return glob_below(path, strlen(path), arg, 0);
}

CONDITION_QUESTION(condition_path_is_directory)
{
	struct stat st;

	return stat_of(w, arg, &st) && S_ISDIR(st.st_mode);
}

CONDITION_QUESTION(condition_path_is_socket)
{
	struct stat st;

	return stat_of(w, arg, &st) && S_ISSOCK(st.st_mode);
}

CONDITION_QUESTION(condition_path_is_symbolic_link)
{
	char buf[PATH_MAX];
	struct stat st;

	return lstat(below(w, arg, buf), &st) == 0 && S_ISLNK(st.st_mode);
}

CONDITION_QUESTION(condition_path_is_mount_point)
{
	char buf[PATH_MAX];
	struct statx stx;

	/* Since Linux 5.8; before, a mount point is not told from a directory. */
	return statx(AT_FDCWD, below(w, arg, buf), AT_STATX_DONT_SYNC, STATX_TYPE, &stx) == 0 &&
	       stx.stx_attributes & STATX_ATTR_MOUNT_ROOT;
}

/* As systemd's, also true of a path that is not there: nothing about it is read-only. */
CONDITION_QUESTION(condition_path_is_read_write)
{
	char buf[PATH_MAX];
	struct statvfs st;

	below(w, arg, buf);
	if (statvfs(buf, &st) == 0 && st.f_flag & ST_RDONLY)
		return false;
	return access(buf, W_OK) == 0 || errno != EROFS;
}

/* Hidden files and what editors and dpkg leave do not count, as in systemd's dir_is_empty(). */
static bool is_leftover(const char *name)
{
	size_t len = strlen(name);

	return *name == '.' || name[len - 1] == '~' || strstr(name, ".dpkg-");
}

CONDITION_QUESTION(condition_directory_not_empty)
{
	char buf[PATH_MAX];
	_cleanup_closedir_ DIR *d = opendir(below(w, arg, buf));
	struct dirent *entry;

	while (d && (entry = readdir(d)))
		if (!is_leftover(entry->d_name))
			return true;
	return false;
}

CONDITION_QUESTION(condition_file_is_executable)
{
	struct stat st;

	return stat_of(w, arg, &st) && S_ISREG(st.st_mode) && st.st_mode & 0111;
}

CONDITION_QUESTION(condition_file_not_empty)
{
	struct stat st;

	return stat_of(w, arg, &st) && S_ISREG(st.st_mode) && st.st_size > 0;
}
