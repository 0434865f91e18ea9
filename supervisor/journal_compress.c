#include "supervisor/journal_compress.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/cleanup.h"

#define OPEN_SAFE (O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY)

/* No number: no reader takes it for a file of the log. */
static void temporary_name(const char *name, struct log_rotated *r)
{
	snprintf(r->name, sizeof(r->name), "%s.zst.tmp", name);
}

static int dir_open(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

void compress_clean(const struct log_file *f)
{
	_cleanup_close_ int dirfd = dir_open(f->dir);
	struct log_rotated tmp;

	temporary_name(f->name, &tmp);
	if (dirfd >= 0)
		(void)unlinkat(dirfd, tmp.name, 0);
}

/* Between clone and execve: system calls only. */
static void __attribute__((noreturn)) child_run(const char *program, int in, int out)
{
	char *const argv[] = {(char *)program, NULL};
	char *const envp[] = {NULL};
	uint64_t none = 0;

	if (dup2(in, 0) < 0 || dup2(out, 1) < 0)
		_exit(126);
	syscall(SYS_close_range, 3, ~0u, CLOSE_RANGE_CLOEXEC);
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, NULL, sizeof(none));
	execve(program, argv, envp);
	_exit(127);
}

/*
 * A child of our own, not of PID 1: nobody has to know of it after us. Not CLONE_VFORK: a slow
 * execve would stop the draining.
 */
static int start(struct compress *c, int in, int out)
{
	int pidfd = -1;
	long pid = syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, NULL, &pidfd, NULL, NULL);

	if (pid == 0)
		child_run(c->program, in, out);
	if (pid < 0)
		return -errno;
	c->pidfd = pidfd;
	return 1;
}

/* The highest number that has a plain file; its fd. 0 in *number: there is none. */
static int oldest_plain(int dirfd, const struct log_file *f, unsigned *number)
{
	int found = -ENOENT;

	*number = 0;
	for (unsigned i = 1; i <= f->keep; i++) {
		struct log_rotated r = log_rotated_name(f->name, i);
		int fd = openat(dirfd, r.name, O_RDONLY | OPEN_SAFE);

		if (fd < 0)
			continue;
		if (found >= 0)
			close(found);
		found = fd;
		*number = i;
	}
	return found;
}

int compress_start(struct compress *c, const struct log_file *f)
{
	_cleanup_close_ int dirfd = dir_open(f->dir);
	_cleanup_close_ int in = -EBADF;
	_cleanup_close_ int out = -EBADF;
	struct log_rotated tmp;
	struct stat st;
	unsigned number;
	int r;

	if (!c->program || c->pidfd >= 0)
		return -EBUSY;
	if (dirfd < 0)
		return dirfd;
	in = oldest_plain(dirfd, f, &number);
	if (in < 0)
		return 0;
	temporary_name(f->name, &tmp);
	(void)unlinkat(dirfd, tmp.name, 0);
	out = openat(dirfd, tmp.name, O_WRONLY | O_CREAT | O_EXCL | OPEN_SAFE, 0640);
	if (out < 0 || fstat(in, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	/* As the plain one: who may read it, and how old it is. */
	(void)fchmod(out, st.st_mode & 0777);
	(void)!fchown(out, (uid_t)-1, st.st_gid);
	c->dev = st.st_dev;
	c->ino = st.st_ino;
	memcpy(c->name, f->name, sizeof(c->name));
	r = start(c, in, out);
	if (r < 0)
		(void)unlinkat(dirfd, tmp.name, 0);
	return r;
}

/* 0 when it has ended well. */
static int wait_for(int pidfd)
{
	siginfo_t info = {0};

	if (waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED | WNOHANG) < 0)
		return -errno;
	return info.si_code == CLD_EXITED && info.si_status == 0 ? 0 : -EIO;
}

/* Where the file that was read is now; rotations go on while it is compressed. */
static unsigned find_again(int dirfd, const struct compress *c, struct stat *st)
{
	for (unsigned i = 1; i <= LOG_KEEP_MAX; i++)
		if (fstatat(dirfd, log_rotated_name(c->name, i).name, st, AT_SYMLINK_NOFOLLOW) ==
			    0 &&
		    st->st_ino == c->ino && st->st_dev == c->dev)
			return i;
	return 0;
}

int compress_end(struct compress *c, const char *dir)
{
	_cleanup_close_ int dirfd = dir_open(dir);
	struct log_rotated tmp, plain, packed;
	struct timespec times[2];
	struct stat st;
	unsigned number;
	int r = wait_for(c->pidfd);

	close(c->pidfd);
	c->pidfd = -1;
	if (dirfd < 0)
		return dirfd;
	temporary_name(c->name, &tmp);
	number = find_again(dirfd, c, &st);
	if (r == 0 && number) {
		times[0] = st.st_atim;
		times[1] = st.st_mtim;
		(void)utimensat(dirfd, tmp.name, times, AT_SYMLINK_NOFOLLOW);
		plain = log_rotated_name(c->name, number);
		packed = log_packed_name(c->name, number);
		/* Killed in between there are both, and both are whole. */
		if (renameat(dirfd, tmp.name, dirfd, packed.name) < 0)
			r = -errno;
		else
			(void)unlinkat(dirfd, plain.name, 0);
	}
	if (r < 0 || !number)
		(void)unlinkat(dirfd, tmp.name, 0);
	return r;
}
