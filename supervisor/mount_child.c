#include "supervisor/mount_child.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <net/if.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/cleanup.h"

/* Of libc's own list in sys/mount.h, where it is older than the system calls. */
#ifndef OPEN_TREE_CLONE
#define OPEN_TREE_CLONE 1
#endif
#ifndef OPEN_TREE_CLOEXEC
#define OPEN_TREE_CLOEXEC O_CLOEXEC
#endif
#ifndef MOVE_MOUNT_F_EMPTY_PATH
#define MOVE_MOUNT_F_EMPTY_PATH 0x00000004
#endif
#ifndef AT_RECURSIVE
#define AT_RECURSIVE 0x8000
#endif

static int tree_open(const char *path, bool recursive)
{
	unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (recursive ? AT_RECURSIVE : 0);
	int fd = (int)syscall(SYS_open_tree, AT_FDCWD, path, flags);

	return fd < 0 ? -errno : fd;
}

static int set_attr(int fd, const char *path, unsigned flags, uint64_t set)
{
	struct mount_attr attr = {.attr_set = set};

	if (!set)
		return 0;
	return syscall(SYS_mount_setattr, fd, path, flags, &attr, sizeof(attr)) < 0 ? -errno : 0;
}

/* The place of a mount, with the directories above it. */
static int make_place(const char *path, bool directory)
{
	char part[4096];
	size_t len = strlen(path);
	int fd;

	if (len >= sizeof(part))
		return -ENAMETOOLONG;
	for (size_t i = 1; i < len; i++) {
		if (path[i] != '/')
			continue;
		memcpy(part, path, i);
		part[i] = '\0';
		if (mkdir(part, 0755) < 0 && errno != EEXIST)
			return -errno;
	}
	if (directory)
		return mkdir(path, 0755) < 0 && errno != EEXIST ? -errno : 0;
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0)
		return errno == EEXIST ? 0 : -errno;
	close(fd);
	return 0;
}

static int do_tree(const struct mount_step *step, int fd)
{
	struct stat st;
	int r = set_attr(fd, "", AT_EMPTY_PATH | (step->recursive ? AT_RECURSIVE : 0), step->attr);

	if (r < 0)
		return r;
	if (step->make && access(step->target, F_OK) < 0) {
		if (fstat(fd, &st) < 0)
			return -errno;
		r = make_place(step->target, S_ISDIR(st.st_mode));
		if (r < 0)
			return r;
	}
	return syscall(SYS_move_mount, fd, "", AT_FDCWD, step->target, MOVE_MOUNT_F_EMPTY_PATH) < 0
		       ? -errno
		       : 0;
}

/* "ro,nosuid,size=1M" into flags and what is left for the file system. */
static int split_options(const char *options, unsigned long *flags, char *data, size_t size)
{
	static const struct {
		const char *name;
		unsigned long set, clear;
	} known[] = {
		{"ro", MS_RDONLY, 0},         {"rw", 0, MS_RDONLY},   {"nosuid", MS_NOSUID, 0},
		{"suid", 0, MS_NOSUID},       {"nodev", MS_NODEV, 0}, {"dev", 0, MS_NODEV},
		{"noexec", MS_NOEXEC, 0},     {"exec", 0, MS_NOEXEC}, {"noatime", MS_NOATIME, 0},
		{"relatime", MS_RELATIME, 0},
	};
	size_t used = 0;

	while (options && *options) {
		size_t len = strcspn(options, ","), k = 0;

		while (k < ARRAY_LEN(known) &&
		       (strncmp(known[k].name, options, len) != 0 || known[k].name[len]))
			k++;
		if (k < ARRAY_LEN(known)) {
			*flags = (*flags | known[k].set) & ~known[k].clear;
		} else if (len) {
			if (used + len + 2 > size)
				return -E2BIG;
			if (used)
				data[used++] = ',';
			memcpy(data + used, options, len);
			used += len;
		}
		options += len;
		options += *options == ',';
	}
	data[used] = '\0';
	return 0;
}

static int do_new(const struct mount_step *step, const char *type)
{
	unsigned long flags = MS_NODEV | MS_NOSUID;
	char data[512];
	int r = split_options(step->options, &flags, data, sizeof(data));

	if (strcmp(type, "proc") == 0)
		flags |= MS_NOEXEC;
	if (step->attr & MOUNT_ATTR_RDONLY)
		flags |= MS_RDONLY;
	if (step->attr & MOUNT_ATTR_NOEXEC)
		flags |= MS_NOEXEC;
	if (r == 0 && step->make && access(step->target, F_OK) < 0)
		r = make_place(step->target, true);
	if (r < 0)
		return r;
	return mount(type, step->target, type, flags, data) < 0 ? -errno : 0;
}

static int do_closed(const struct mount_step *step)
{
	const unsigned long flags = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC;
	struct stat st;

	if (stat(step->target, &st) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		return mount("tmpfs", step->target, "tmpfs", flags, "mode=000,nr_inodes=2") < 0
			       ? -errno
			       : 0;
	return mount("/dev/null", step->target, NULL, MS_BIND, NULL) < 0 ? -errno : 0;
}

static int do_step(const struct mount_step *step, int fd)
{
	switch (step->op) {
	case MOUNT_TREE:
		return fd < 0 ? fd : do_tree(step, fd);
	case MOUNT_ATTR:
		return set_attr(AT_FDCWD, step->target, step->recursive ? AT_RECURSIVE : 0,
				step->attr);
	case MOUNT_TMPFS:
		return do_new(step, "tmpfs");
	case MOUNT_PROC:
		return do_new(step, "proc");
	case MOUNT_CLOSED:
		return do_closed(step);
	case MOUNT_DIR:
		return make_place(step->target, true);
	case MOUNT_LINK:
		return symlink(step->source, step->target) < 0 && errno != EEXIST ? -errno : 0;
	}
	return 0;
}

/* 1: back to where we came from. */
static int do_steps(const struct mount_plan *plan, bool strict, struct board_slot *slot)
{
	int fds[MOUNT_STEPS_MAX];
	int r = 0;

	/* First copies of all that is used later: as it is before anything is changed. */
	for (size_t i = 0; i < plan->n; i++)
		fds[i] = plan->v[i].op == MOUNT_TREE
				 ? tree_open(plan->v[i].source, plan->v[i].recursive)
				 : -EBADF;
	for (size_t i = 0; i < plan->n && r == 0; i++) {
		const struct mount_step *step = &plan->v[i];

		r = do_step(step, fds[i]);
		if (r == -ENOENT && step->optional)
			r = 0;
		else if (r < 0 && step->exempts && !strict)
			r = 1;
		else if (r < 0)
			r = degrade_note(slot, step->part, -r, strict);
	}
	for (size_t i = 0; i < plan->n; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	return r;
}

int mount_child_apply(const struct mount_plan *plan, bool strict, struct board_slot *slot)
{
	static const unsigned long propagation[] = {
		[MOUNT_FLAGS_NONE] = MS_SLAVE,
		[MOUNT_FLAGS_SHARED] = MS_SHARED,
		[MOUNT_FLAGS_SLAVE] = MS_SLAVE,
		[MOUNT_FLAGS_PRIVATE] = MS_PRIVATE,
	};
	mode_t mask;
	int before, r;

	if (!plan->wanted)
		return 0;
	before = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	if (unshare(CLONE_NEWNS) < 0) {
		r = degrade_note(slot, DEGRADE_NAMESPACE, errno, strict);
		if (before >= 0)
			close(before);
		return r;
	}
	mask = umask(0022);
	if (mount(NULL, "/", NULL, MS_SLAVE | MS_REC, NULL) < 0) {
		r = strict ? -errno : 1;
	} else {
		r = do_steps(plan, strict, slot);
		if (r == 0 && plan->flags > MOUNT_FLAGS_NONE &&
		    mount(NULL, "/", NULL, propagation[plan->flags] | MS_REC, NULL) < 0)
			r = strict ? -errno : 1;
	}
	umask(mask);
	if (r == 1) {
		r = degrade_note(slot, DEGRADE_NAMESPACE, EPERM, strict);
		if (before < 0 || setns(before, CLONE_NEWNS) < 0)
			r = -EPERM;
	}
	if (before >= 0)
		close(before);
	return r;
}

int mount_child_loopback(void)
{
	struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int r = fd >= 0 && ioctl(fd, SIOCSIFFLAGS, &request) == 0 ? 0 : -errno;

	if (fd >= 0)
		close(fd);
	return r;
}
