#include "init/setup.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/magic.h>

#include "init/child.h"
#include "init/init.h"
#include "init/note.h"

#define SETUP_DEADLINE_MS 2000

static bool is_fs(const char *path, long magic)
{
	struct statfs fs;

	return statfs(path, &fs) == 0 && (long)fs.f_type == magic;
}

/* Copies what the image ships in /run (directories, links, files: there is little) under the new
 * tmpfs. */
static int copy_tree(int from, int to, int depth);

static int copy_file(int from, int to, const char *name, const struct stat *st)
{
	char buf[4096];
	ssize_t n = -1;
	int in = openat(from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	int out = openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
			 st->st_mode & 0777);

	if (in >= 0 && out >= 0)
		while ((n = read(in, buf, sizeof(buf))) > 0)
			if (write(out, buf, (size_t)n) != n)
				break;
	if (out >= 0 && fchown(out, st->st_uid, st->st_gid) == 0)
		fchmod(out, st->st_mode & 07777);
	if (in >= 0)
		close(in);
	if (out >= 0)
		close(out);
	return n == 0 ? 0 : -EIO;
}

struct dirent64_raw {
	uint64_t d_ino;
	int64_t d_off;
	unsigned short d_reclen;
	unsigned char d_type;
	char d_name[];
};

static int copy_entry(int from, int to, const char *name, int depth)
{
	struct stat st;

	if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode)) {
		int sub_from = openat(from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		int sub_to = -1;
		int r = -EIO;

		if (mkdirat(to, name, 0700) == 0 || errno == EEXIST)
			sub_to = openat(to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (sub_from >= 0 && sub_to >= 0) {
			r = depth ? copy_tree(sub_from, sub_to, depth - 1) : -ELOOP;
			if (fchown(sub_to, st.st_uid, st.st_gid) < 0 ||
			    fchmod(sub_to, st.st_mode & 07777) < 0)
				r = -errno;
		}
		if (sub_from >= 0)
			close(sub_from);
		if (sub_to >= 0)
			close(sub_to);
		return r;
	}
	if (S_ISLNK(st.st_mode)) {
		char target[1024];
		ssize_t n = readlinkat(from, name, target, sizeof(target) - 1);

		if (n < 0)
			return -errno;
		target[n] = '\0';
		return symlinkat(target, to, name) < 0 ? -errno : 0;
	}
	/*
	 * A small file only: larger ones are no run-time state of an image. Sockets and FIFOs are
	 * left-overs of another life, and so is a pid file: they are what the fresh /run is for.
	 */
	if (!S_ISREG(st.st_mode) || st.st_size > 1 << 20)
		return 0;
	if (strlen(name) > 4 && strcmp(name + strlen(name) - 4, ".pid") == 0)
		return 0;
	return copy_file(from, to, name, &st);
}

static int copy_tree(int from, int to, int depth)
{
	char buf[2048] __attribute__((aligned(8)));
	int worst = 0;
	long n;

	while ((n = syscall(SYS_getdents64, from, buf, sizeof(buf))) > 0) {
		for (long at = 0; at < n;) {
			struct dirent64_raw *d = (struct dirent64_raw *)(buf + at);
			int r = 0;

			at += d->d_reclen;
			if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0)
				r = copy_entry(from, to, d->d_name, depth);
			if (r < 0)
				worst = r;
		}
	}
	return n < 0 ? -errno : worst;
}

/* Is there a mount point whose path begins so? Field 5 of /proc/self/mountinfo, proc(5). */
static bool mounted_below(const char *prefix)
{
	char buf[4096];
	size_t len = strlen(prefix);
	size_t have = 0;
	int field = 1;
	size_t matched = 0;
	bool found = false;
	int fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	ssize_t n;

	while (fd >= 0 && !found && (n = read(fd, buf, sizeof(buf))) > 0) {
		for (have = 0; have < (size_t)n && !found; have++) {
			char c = buf[have];

			if (c == ' ' || c == '\n') {
				field = c == '\n' ? 1 : field + 1;
				matched = 0;
			} else if (field == 5 && matched < len) {
				matched = c == prefix[matched] ? matched + 1 : len + 1;
				found = matched == len;
			}
		}
	}
	if (fd >= 0)
		close(fd);
	return found;
}

/* /run persists from boot to boot in LXC, stale sockets and pid files included: a tmpfs, with what
 * the image ships. */
static int setup_run_dir(void)
{
	int old;
	int new;
	int r = 0;

	if (mkdir("/run", 0755) < 0 && errno != EEXIST)
		return -errno;
	/* What the admin has mounted below it would be hidden: then it stays as it is. */
	if (is_fs("/run", TMPFS_MAGIC) || mounted_below("/run/"))
		return 0;
	old = open("/run", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (mount("tmpfs", "/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=50%") < 0) {
		r = -errno;
		if (old >= 0)
			close(old);
		return r;
	}
	new = open("/run", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (old >= 0 && new >= 0)
		r = copy_tree(old, new, 8);
	if (old >= 0)
		close(old);
	if (new >= 0)
		close(new);
	return r;
}

/* Missing before pve-container 6.1.10: Chrome and Postgres fail with ENOENT. */
static int setup_shm(void)
{
	struct stat parent;
	struct stat own;

	if (mkdir("/dev/shm", 01777) < 0 && errno != EEXIST)
		return -errno;
	if (stat("/dev", &parent) == 0 && stat("/dev/shm", &own) == 0 &&
	    parent.st_dev != own.st_dev)
		return 0;
	return mount("tmpfs", "/dev/shm", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777") < 0 ? -errno
											  : 0;
}

static int setup_proc(void)
{
	if (is_fs("/proc", PROC_SUPER_MAGIC))
		return 0;
	mkdir("/proc", 0555);
	return mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0 ? -errno
											  : 0;
}

static int setup_sys(void)
{
	if (is_fs("/sys", SYSFS_MAGIC))
		return 0;
	mkdir("/sys", 0555);
	return mount("sysfs", "/sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY, NULL) <
			       0
		       ? -errno
		       : 0;
}

/* Where the container has no network configured, LXC leaves lo down, and nothing on 127.0.0.1
 * answers. */
static int setup_lo(void)
{
	struct ifreq request = {.ifr_name = "lo"};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int r = 0;

	if (fd < 0)
		return -errno;
	if (ioctl(fd, SIOCGIFFLAGS, &request) < 0) {
		r = -errno;
	} else if (!(request.ifr_flags & IFF_UP)) {
		request.ifr_flags |= IFF_UP;
		if (ioctl(fd, SIOCSIFFLAGS, &request) < 0)
			r = -errno;
	}
	close(fd);
	return r;
}

static int setup_log_dir(void)
{
	static const char *const dirs[] = {"/run/hakim", "/var", "/var/log", "/var/log/hakim"};

	for (unsigned i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		if (mkdir(dirs[i], 0755) < 0 && errno != EEXIST)
			return -errno;
	return 0;
}

/* One step a row. `lxc_only`: Docker and podman do it themselves, or their user decided against it.
 */
static const struct {
	const char *what;
	int (*apply)(void);
	bool lxc_only;
} steps[] = {
	{"/proc could not be mounted", setup_proc, false},
	{"/sys could not be mounted", setup_sys, false},
	{"/run could not be made a tmpfs", setup_run_dir, true},
	{"/dev/shm could not be mounted", setup_shm, true},
	{"lo could not be brought up", setup_lo, true},
	{"/run/hakim and /var/log/hakim could not be made", setup_log_dir, false},
};

static void setup_child(struct init *init)
{
	umask(0);
	for (unsigned i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		int r;

		if (steps[i].lxc_only && init->place != PLACE_LXC)
			continue;
		r = steps[i].apply();
		if (r < 0)
			note_add_errno(init, steps[i].what, -r);
	}
}

void setup_run(struct init *init)
{
	struct pollfd p;
	pid_t pid;

	/* Not root, or not the init of a container of ours: no quirks, nothing is mounted. */
	if (geteuid() != 0 || !init->is_pid1)
		return;
	pid = child_fork(init);
	if (pid == 0) {
		setup_child(init);
		_exit(0);
	}
	if (pid < 0) {
		note_add_errno(init, "the set-up could not be started", -pid);
		return;
	}
	p.fd = (int)syscall(SYS_pidfd_open, pid, 0);
	p.events = POLLIN;
	if (p.fd < 0) {
		/* Linux before 5.3 has no pidfd: the deadline is kept by looking now and then. */
		for (int waited = 0; waited < SETUP_DEADLINE_MS; waited++) {
			if (waitpid(pid, NULL, WNOHANG) != 0)
				return;
			poll(NULL, 0, 1);
		}
	} else {
		int r = poll(&p, 1, SETUP_DEADLINE_MS);

		close(p.fd);
		if (r == 1) {
			waitpid(pid, NULL, WNOHANG);
			return;
		}
	}
	/* It must not mount anything over what services have made by then. */
	kill(pid, SIGKILL);
	note_add(init, "the set-up hangs (a mount that does not answer?): booting on without it");
}
