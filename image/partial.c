#include "image/partial.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "image/fetch.h"
#include "image/file.h"

#define MIB (1024.0 * 1024.0)

/* Whether the path still names this file: who had the lock before may have renamed it. */
static bool is_at(int fd, const char *path)
{
	struct stat a;
	struct stat b;

	return fstat(fd, &a) == 0 && lstat(path, &b) == 0 && a.st_dev == b.st_dev &&
	       a.st_ino == b.st_ino;
}

static int open_one(const char *path, struct err *err)
{
	_cleanup_close_ int fd =
		open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(err, -errno, "cannot write %s", path);
	if (!S_ISREG(st.st_mode) || st.st_nlink > 1)
		return err_set(err, -EINVAL, "%s is not a file of this program's: remove it", path);
	return steal_fd(&fd);
}

static void nap(void)
{
	const struct timespec ts = {.tv_nsec = 200000000};

	nanosleep(&ts, NULL);
}

int partial_open(const char *target, bool wait, void (*waiting)(void *arg),
		 bool (*cancelled)(void *arg), void *arg, struct partial *partial, struct err *err)
{
	bool told = false;

	*partial = (struct partial){.fd = -EBADF};
	if (asprintf(&partial->path, "%s" FETCH_PARTIAL_SUFFIX, target) < 0)
		partial->path = NULL;
	if (asprintf(&partial->journal, "%s" FETCH_JOURNAL_SUFFIX, target) < 0)
		partial->journal = NULL;
	if (!partial->path || !partial->journal)
		return err_set(err, -ENOMEM, "no memory for a path");
	for (;;) {
		int fd = open_one(partial->path, err);

		if (fd < 0)
			return fd;
		if (flock(fd, LOCK_EX | LOCK_NB) == 0 && is_at(fd, partial->path)) {
			partial->fd = fd;
			return 0;
		}
		close(fd);
		if (!wait)
			return err_set(err, -EBUSY, "another process is pulling %s", target);
		if (cancelled && cancelled(arg))
			return err_set(err, -ECANCELED, "it was interrupted while it waited");
		if (!told && waiting)
			waiting(arg);
		told = true;
		nap();
	}
}

void partial_close(struct partial *partial)
{
	cleanup_close(&partial->fd);
	free(partial->path);
	free(partial->journal);
	*partial = (struct partial){.fd = -EBADF};
}

bool partial_has_size(const struct partial *partial, uint64_t size)
{
	struct stat st;

	return fstat(partial->fd, &st) == 0 && (uint64_t)st.st_size == size;
}

static int no_space(uint64_t size, uint64_t free_bytes, uint64_t reserve, const char *path,
		    struct err *err)
{
	if (reserve)
		return err_set(
			err, -ENOSPC,
			"the disk of %s has %.0f MiB free, and %.0f MiB with %.0f MiB to spare "
			"are needed: make room, or prune old templates",
			path, (double)free_bytes / MIB, (double)size / MIB, (double)reserve / MIB);
	return err_set(
		err, -ENOSPC,
		"the disk of %s has %.0f MiB free, and %.0f MiB are needed: make room, or prune "
		"old templates",
		path, (double)free_bytes / MIB, (double)size / MIB);
}

int partial_allocate(const struct partial *partial, uint64_t size, uint64_t reserve,
		     struct err *err)
{
	struct statvfs vfs;
	uint64_t free_bytes;

	if (ftruncate(partial->fd, 0) < 0 || fstatvfs(partial->fd, &vfs) < 0)
		return err_sys(err, -errno, "cannot write %s", partial->path);
	free_bytes = (uint64_t)vfs.f_bavail * vfs.f_frsize;
	if (free_bytes < reserve || free_bytes - reserve < size)
		return no_space(size, free_bytes, reserve, partial->path, err);
	if (fallocate(partial->fd, 0, 0, (off_t)size) == 0)
		return 0;
	if (errno == ENOSPC || errno == EDQUOT) {
		int r = ftruncate(partial->fd, 0);

		return r < 0 ? err_sys(err, -errno, "cannot write %s", partial->path)
			     : no_space(size, free_bytes, reserve, partial->path, err);
	}
	/* A file system that cannot do it beforehand (NFS 3): the blocks come as they are written.
	 */
	if (ftruncate(partial->fd, (off_t)size) < 0)
		return err_sys(err, -errno, "cannot make %s of %.0f MiB", partial->path,
			       (double)size / MIB);
	return 0;
}

int partial_finish(struct partial *partial, const char *target, unsigned mode, struct err *err)
{
	if (fchmod(partial->fd, mode) < 0 || fsync(partial->fd) < 0)
		return err_sys(err, -errno, "cannot bring %s to the disk", partial->path);
	if (rename(partial->path, target) < 0)
		return err_sys(err, -errno, "cannot rename %s", partial->path);
	unlink(partial->journal);
	return file_sync_directory(target, err);
}

void partial_remove(const struct partial *partial)
{
	unlink(partial->journal);
	unlink(partial->path);
}
