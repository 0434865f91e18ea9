#include "supervisor/journal_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "common/cleanup.h"

#define OPEN_SAFE (O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY)

struct log_rotated log_rotated_name(const char *name, unsigned older)
{
	struct log_rotated r;

	if (older)
		snprintf(r.name, sizeof(r.name), "%s.%u", name, older);
	else
		snprintf(r.name, sizeof(r.name), "%s", name);
	return r;
}

struct log_rotated log_packed_name(const char *name, unsigned older)
{
	struct log_rotated r;

	snprintf(r.name, sizeof(r.name), "%s.%u.zst", name, older);
	return r;
}

int log_file_name(struct log_file *f, const char *unit)
{
	static const char suffix[] = ".service";
	size_t len = strlen(unit);

	if (len > strlen(suffix) && !strcmp(unit + len - strlen(suffix), suffix))
		len -= strlen(suffix);
	if (!len || len > LOG_NAME_MAX - 4 || unit[0] == '.' || memchr(unit, '/', len))
		return -EINVAL;
	snprintf(f->name, sizeof(f->name), "%.*s.log", (int)len, unit);
	return 0;
}

int log_dir_make(const char *dir)
{
	char path[PATH_MAX];
	size_t len = strlen(dir);

	if (!len || len >= sizeof(path))
		return -ENAMETOOLONG;
	memcpy(path, dir, len + 1);
	for (char *p = path + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		mkdir(path, 0755); /* the last mkdir() tells how it went */
		*p = '/';
	}
	return mkdir(path, 0755) < 0 && errno != EEXIST ? -errno : 0;
}

static int dir_open(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int log_file_reader(const char *dir, const char *name, unsigned older)
{
	_cleanup_close_ int dirfd = dir_open(dir);
	_cleanup_close_ int fd = -EBADF;
	struct stat st;

	if (dirfd < 0)
		return dirfd;
	fd = openat(dirfd, log_rotated_name(name, older).name, O_RDONLY | OPEN_SAFE);
	if (fd < 0 && errno == ENOENT && older)
		fd = openat(dirfd, log_packed_name(name, older).name, O_RDONLY | OPEN_SAFE);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	return steal_fd(&fd);
}

/* Opens NAME.log for writing, regular files only. */
static int file_open(const struct log_file *f, int dirfd)
{
	_cleanup_close_ int fd =
		openat(dirfd, f->name, O_RDWR | O_CREAT | O_EXCL | OPEN_SAFE, 0640);
	struct stat st;

	if (fd >= 0) {
		seam_step(f->seam);
		/* Whatever the umask is. A mode that a person gave later stays. */
		(void)fchmod(fd, 0640);
	} else if (errno == EEXIST) {
		fd = openat(dirfd, f->name, O_RDWR | OPEN_SAFE);
	}
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	if (f->group != (gid_t)-1 && st.st_gid != f->group && fchown(fd, (uid_t)-1, f->group) < 0)
		errno = 0; /* not ours to give; the log itself matters more than who can read it */
	return steal_fd(&fd);
}

static int file_stat(struct log_file *f, uint64_t *born_ns, uint64_t *size)
{
	struct statx stx;

	if (statx(f->fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_BTIME, &stx) < 0)
		return -errno;
	f->dev = makedev(stx.stx_dev_major, stx.stx_dev_minor);
	f->ino = stx.stx_ino;
	*born_ns = 0;
	if (stx.stx_mask & STATX_BTIME)
		*born_ns = (uint64_t)stx.stx_btime.tv_sec * 1000000000 + stx.stx_btime.tv_nsec;
	*size = stx.stx_size;
	return 0;
}

/* Goes on behind `size` bytes that are not ours, on a line of its own. */
static int file_append(const struct log_file *f, struct cursor *c, uint64_t born_ns, uint64_t size)
{
	char last = '\n';
	int r;

	if (size && pread(f->fd, &last, 1, (off_t)size - 1) < 0)
		return -errno;
	if (last != '\n') {
		r = log_file_write(f, size, "\n", 1);
		if (r < 0)
			return r;
		size++;
		seam_step(f->seam);
	}
	cursor_rebase(c, f->ino, born_ns, size);
	return 0;
}

int log_file_open(struct log_file *f, struct cursor *c)
{
	_cleanup_close_ int dirfd = dir_open(f->dir);
	uint64_t born_ns = 0, size = 0;
	int r;

	if (dirfd == -ENOENT) {
		r = log_dir_make(f->dir);
		if (r < 0)
			return r;
		dirfd = dir_open(f->dir);
	}
	if (dirfd < 0)
		return dirfd;
	f->fd = file_open(f, dirfd);
	if (f->fd < 0)
		return f->fd;
	seam_step(f->seam);
	r = file_stat(f, &born_ns, &size);
	if (r == 0 && (c->ino != f->ino || c->born_ns != born_ns || size < c->off))
		r = file_append(f, c, born_ns, size);
	else if (r == 0 && size > c->off && ftruncate(f->fd, (off_t)c->off) < 0)
		r = -errno;
	if (r < 0)
		log_file_close(f);
	seam_step(f->seam);
	return r;
}

void log_file_check(struct log_file *f, struct cursor *c)
{
	char path[PATH_MAX];
	struct stat st;
	bool same;
	int n;

	n = snprintf(path, sizeof(path), "%s/%s", f->dir, f->name);
	if (n < 0 || (size_t)n >= sizeof(path))
		return;
	same = fstatat(AT_FDCWD, path, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_ino == f->ino &&
	       st.st_dev == f->dev;
	if (same && (uint64_t)st.st_size != c->off)
		same = file_append(f, c, c->born_ns, (uint64_t)st.st_size) == 0;
	if (!same)
		log_file_close(f);
}

/* Is there an old file of this number, plain or compressed? */
static bool is_there(int dirfd, const char *name, unsigned older, struct stat *st)
{
	return fstatat(dirfd, log_rotated_name(name, older).name, st, AT_SYMLINK_NOFOLLOW) == 0 ||
	       fstatat(dirfd, log_packed_name(name, older).name, st, AT_SYMLINK_NOFOLLOW) == 0;
}

static bool old_remove(int dirfd, const char *name, unsigned older)
{
	bool plain = unlinkat(dirfd, log_rotated_name(name, older).name, 0) == 0;
	bool packed = unlinkat(dirfd, log_packed_name(name, older).name, 0) == 0;

	return plain || packed;
}

/* One number up. What has the next number goes; only the oldest can be in the way. */
static int old_push(int dirfd, const char *name, unsigned older)
{
	struct log_rotated plain = log_rotated_name(name, older);
	struct log_rotated packed = log_packed_name(name, older);
	int r;

	/* The compressed one is whole as soon as it has this name. */
	r = renameat(dirfd, packed.name, dirfd, log_packed_name(name, older + 1).name);
	if (r < 0 && errno != ENOENT)
		return -errno;
	if (r == 0) {
		(void)unlinkat(dirfd, plain.name, 0);
		(void)unlinkat(dirfd, log_rotated_name(name, older + 1).name, 0);
		return 0;
	}
	if (renameat(dirfd, plain.name, dirfd, log_rotated_name(name, older + 1).name) < 0)
		return -errno;
	(void)unlinkat(dirfd, log_packed_name(name, older + 1).name, 0);
	return 0;
}

/*
 * A kill between two of these renames leaves a gap in the numbers, which the next rotation closes
 * instead of pushing the oldest file out; a kill behind the last leaves no NAME.log, or an empty
 * one whose inode is not the cursor's.
 */
int log_file_rotate(struct log_file *f, struct cursor *c)
{
	_cleanup_close_ int dirfd = dir_open(f->dir);
	unsigned gap = 1;
	struct stat st;
	int r = 0;

	if (dirfd < 0)
		return dirfd;
	while (gap < f->keep && is_there(dirfd, f->name, gap, &st))
		gap++;
	for (unsigned i = gap; i > 1; i--) {
		r = old_push(dirfd, f->name, i - 1);
		if (r < 0)
			return r;
		seam_step(f->seam);
	}
	if (f->keep) {
		r = renameat(dirfd, f->name, dirfd, log_rotated_name(f->name, 1).name);
		if (r == 0)
			(void)unlinkat(dirfd, log_packed_name(f->name, 1).name, 0);
	} else {
		r = unlinkat(dirfd, f->name, 0);
	}
	if (r < 0 && errno != ENOENT)
		return -errno;
	seam_step(f->seam);
	/* What a larger `keep` of before has left behind. */
	for (unsigned i = f->keep + 1; i; i++)
		if (!old_remove(dirfd, f->name, i))
			break;
	log_file_close(f);
	return log_file_open(f, c);
}

time_t log_file_expire(const struct log_file *f, time_t before)
{
	_cleanup_close_ int dirfd = dir_open(f->dir);
	time_t oldest = 0;
	struct stat st;

	for (unsigned i = f->keep; dirfd >= 0 && i; i--) {
		if (!is_there(dirfd, f->name, i, &st))
			continue;
		/* The others are younger, but for a clock that was set back: then they wait. */
		if (oldest || st.st_mtime >= before)
			oldest = oldest && oldest < st.st_mtime ? oldest : st.st_mtime;
		else
			old_remove(dirfd, f->name, i);
	}
	return oldest;
}

int log_file_write(const struct log_file *f, uint64_t off, const char *buf, size_t len)
{
	while (len) {
		ssize_t n = pwrite(f->fd, buf, len, (off_t)off);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		buf += n;
		len -= (size_t)n;
		off += (uint64_t)n;
	}
	return 0;
}

void log_file_close(struct log_file *f)
{
	if (f->fd >= 0)
		close(f->fd);
	f->fd = -EBADF;
}
