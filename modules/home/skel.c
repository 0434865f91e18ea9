#include "modules/home/skel.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"

#define NOTE      ".local/state/hakim/skel"
#define PARTIAL   ".hakim-skel.tmp"
#define DEPTH_MAX 16

bool skel_is_fresh(int home)
{
	int fd = openat(home, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_closedir_ DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *d;

	if (!dir)
		return false;
	while ((d = readdir(dir)))
		if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0 &&
		    strcmp(d->d_name, "lost+found") != 0)
			return false;
	return true;
}

/* Whole or not at all: under another name first, and never over what is there. */
static int copy_file(int from, int to, const char *name)
{
	_cleanup_close_ int in = openat(from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	_cleanup_close_ int out = -EBADF;
	struct stat st;
	ssize_t n;

	if (in < 0 || fstat(in, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return 0;
	if (unlinkat(to, PARTIAL, 0) < 0 && errno != ENOENT)
		return -errno;
	out = openat(to, PARTIAL, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		     st.st_mode & 0777);
	if (out < 0)
		return -errno;
	while ((n = sendfile(out, in, NULL, 1 << 20)) > 0)
		;
	if (n < 0 || fsync(out) < 0 || (linkat(to, PARTIAL, to, name, 0) < 0 && errno != EEXIST)) {
		int error = errno;

		unlinkat(to, PARTIAL, 0);
		return -error;
	}
	return unlinkat(to, PARTIAL, 0) < 0 ? -errno : 0;
}

static int copy_link(int from, int to, const char *name)
{
	char target[4096];
	ssize_t n = readlinkat(from, name, target, sizeof(target) - 1);

	if (n < 0)
		return -errno;
	target[n] = '\0';
	return symlinkat(target, to, name) < 0 && errno != EEXIST ? -errno : 0;
}

static int copy_directory(int from, int to, unsigned depth)
{
	int again = openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_closedir_ DIR *dir = again >= 0 ? fdopendir(again) : NULL;
	const struct dirent *d;
	int worst = 0;

	if (!dir)
		return -errno;
	if (depth > DEPTH_MAX)
		return -ELOOP;
	while ((d = readdir(dir))) {
		struct stat st;
		int r = 0;

		if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
			continue;
		if (fstatat(from, d->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
			r = -errno;
		} else if (S_ISLNK(st.st_mode)) {
			r = copy_link(from, to, d->d_name);
		} else if (S_ISDIR(st.st_mode)) {
			_cleanup_close_ int in =
				openat(from, d->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
			_cleanup_close_ int out = -EBADF;

			if (mkdirat(to, d->d_name, st.st_mode & 0777) == 0 || errno == EEXIST)
				out = openat(to, d->d_name,
					     O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
			r = in < 0 || out < 0 ? -errno : copy_directory(in, out, depth + 1);
		} else {
			r = copy_file(from, to, d->d_name);
		}
		if (r < 0)
			worst = r;
	}
	return worst;
}

/* "copying" while it is under way, "copied" from then on. */
static int note_write(int home, const char *text)
{
	_cleanup_close_ int fd = -EBADF;

	if (mkdirat(home, ".local/state/hakim", 0755) < 0 && errno != EEXIST)
		return -errno;
	fd = openat(home, NOTE ".new", O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0 || dprintf(fd, "%s\n", text) < 0 || fsync(fd) < 0)
		return -errno;
	return renameat(home, NOTE ".new", home, NOTE) < 0 ? -errno : 0;
}

static bool is_under_way(int home)
{
	_cleanup_close_ int fd = openat(home, NOTE, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	char text[16] = "";

	return fd >= 0 && read(fd, text, sizeof(text) - 1) > 0 &&
	       strncmp(text, "copying", strlen("copying")) == 0;
}

int skel_copy(const char *skel, int home, bool fresh, struct err *err)
{
	_cleanup_close_ int from = -EBADF;
	int r;

	if (!fresh && !is_under_way(home))
		return 0;
	from = open(skel, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (from < 0)
		return errno == ENOENT ? 0 : err_sys(err, -errno, "%s cannot be read", skel);
	r = note_write(home, "copying");
	if (r == 0)
		r = copy_directory(from, home, 0);
	if (r == 0)
		r = note_write(home, "copied");
	return r < 0 ? err_sys(err, r,
			       "%s could not be copied into the home; it is tried again at the "
			       "next start",
			       skel)
		     : 0;
}
