#include "init/copy_tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "init/directory.h"

#define STATE_MAX (1 << 20)

static int write_all(int in, int out, const struct stat *st)
{
	const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, st->st_mtim};
	char buf[16384];
	ssize_t n;

	while ((n = read(in, buf, sizeof(buf))) > 0)
		for (ssize_t at = 0, m; at < n; at += m)
			if ((m = write(out, buf + at, (size_t)(n - at))) < 0)
				return -errno;
	if (n < 0 || fchown(out, st->st_uid, st->st_gid) < 0 ||
	    fchmod(out, st->st_mode & 07777) < 0)
		return -errno;
	/* Last: by it a whole copy is known. */
	return futimens(out, times) < 0 ? -errno : 0;
}

/* Another life may have been killed in the middle of it. */
static bool is_copied(int to, const char *name, const struct stat *st)
{
	struct stat have;

	return fstatat(to, name, &have, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(have.st_mode) &&
	       have.st_size == st->st_size && have.st_mtim.tv_sec == st->st_mtim.tv_sec &&
	       have.st_mtim.tv_nsec == st->st_mtim.tv_nsec;
}

static int copy_file(int from, int to, const char *name, const struct stat *st)
{
	int in, out;
	int r;

	if (is_copied(to, name, st))
		return 0;
	if (unlinkat(to, name, 0) < 0 && errno != ENOENT)
		return -errno;
	in = openat(from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (in < 0)
		return -errno;
	out = openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		     st->st_mode & 0777);
	r = out < 0 ? -errno : write_all(in, out, st);
	close(in);
	if (out >= 0)
		close(out);
	return r;
}

static int copy_directory(int from, int to, const char *name, const struct stat *st, int depth,
			  bool state)
{
	const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, st->st_mtim};
	int sub_from = openat(from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int sub_to = -1;
	int r = -EIO;

	if (mkdirat(to, name, 0700) == 0 || errno == EEXIST)
		sub_to = openat(to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (sub_from >= 0 && sub_to >= 0) {
		r = depth ? copy_tree(sub_from, sub_to, depth - 1, state) : -ELOOP;
		if (fchown(sub_to, st->st_uid, st->st_gid) < 0 ||
		    fchmod(sub_to, st->st_mode & 07777) < 0 || futimens(sub_to, times) < 0)
			r = -errno;
	}
	if (sub_from >= 0)
		close(sub_from);
	if (sub_to >= 0)
		close(sub_to);
	return r;
}

struct copy {
	int from, to, depth, worst;
	bool state;
};

static int copy_entry(const struct copy *c, const char *name)
{
	struct stat st;

	if (fstatat(c->from, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		return copy_directory(c->from, c->to, name, &st, c->depth, c->state);
	if (S_ISLNK(st.st_mode)) {
		char target[1024];
		ssize_t n = readlinkat(c->from, name, target, sizeof(target) - 1);

		if (n < 0)
			return -errno;
		target[n] = '\0';
		return symlinkat(target, c->to, name) < 0 && errno != EEXIST ? -errno : 0;
	}
	if (!S_ISREG(st.st_mode))
		return 0;
	if (c->state && (st.st_size > STATE_MAX || name_ends(name, ".pid")))
		return 0;
	return copy_file(c->from, c->to, name, &st);
}

static void copy_each(const char *name, void *data)
{
	struct copy *c = data;
	int r = copy_entry(c, name);

	if (r < 0)
		c->worst = r;
}

int copy_tree(int from, int to, int depth, bool state)
{
	struct copy c = {.from = from, .to = to, .depth = depth, .state = state};
	int r = directory_each(from, copy_each, &c);

	return r < 0 ? r : c.worst;
}

struct removal {
	int fd, depth, worst;
};

static void remove_each(const char *name, void *data)
{
	struct removal *rm = data;
	int r = 0;

	if (unlinkat(rm->fd, name, 0) == 0)
		return;
	/* EISDIR by Linux, EPERM by POSIX. */
	if (errno == EISDIR || errno == EPERM)
		r = rm->depth ? copy_tree_remove(rm->fd, name, rm->depth - 1) : -ELOOP;
	else if (errno != ENOENT)
		r = -errno;
	if (r < 0)
		rm->worst = r;
}

int copy_tree_remove(int at, const char *name, int depth)
{
	struct removal rm = {.depth = depth};
	int r;

	rm.fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (rm.fd < 0)
		return errno == ENOENT ? 0 : -errno;
	r = directory_each(rm.fd, remove_each, &rm);
	close(rm.fd);
	if (r < 0 || rm.worst < 0)
		return r < 0 ? r : rm.worst;
	return unlinkat(at, name, AT_REMOVEDIR) < 0 ? -errno : 0;
}
