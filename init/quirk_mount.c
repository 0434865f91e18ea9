#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <linux/magic.h>

#include "init/format.h"
#include "init/copy_tree.h"
#include "init/quirk_file.h"
#include "init/quirk_rows.h"

#define RUN_DEPTH 8

static bool is_fs(const char *path, long magic)
{
	struct statfs fs;

	return statfs(path, &fs) == 0 && (long)fs.f_type == magic;
}

enum quirk_outcome quirk_proc(struct quirk_world *w, struct quirk_result *r)
{
	(void)w;
	if (is_fs("/proc", PROC_SUPER_MAGIC))
		return quirk_say(r, QUIRK_FINE, "/proc is mounted");
	mkdir("/proc", 0555);
	if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0)
		return quirk_fail(r, errno, "/proc could not be mounted");
	return quirk_say(r, QUIRK_REMEDIED, "/proc was not mounted");
}

enum quirk_outcome quirk_sys(struct quirk_world *w, struct quirk_result *r)
{
	(void)w;
	if (is_fs("/sys", SYSFS_MAGIC))
		return quirk_say(r, QUIRK_FINE, "/sys is mounted");
	mkdir("/sys", 0555);
	if (mount("sysfs", "/sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY, NULL) < 0)
		return quirk_fail(r, errno, "/sys could not be mounted");
	return quirk_say(r, QUIRK_REMEDIED, "/sys was not mounted");
}

/*
 * It persists from boot to boot in LXC, stale sockets and pid files included. Nothing runs yet that
 * could see the new one half full, and a life that is killed here takes it along.
 */
enum quirk_outcome quirk_run_directory(struct quirk_world *w, struct quirk_result *r)
{
	int old, new;
	int e = 0;

	(void)w;
	if (mkdir("/run", 0755) < 0 && errno != EEXIST)
		return quirk_fail(r, errno, "/run could not be made");
	if (is_fs("/run", TMPFS_MAGIC))
		return quirk_say(r, QUIRK_FINE, "/run is a tmpfs");
	/* What the admin has mounted there would be hidden: then `stale` cleans. */
	if (mount_at("/run", false) || mount_at("/run", true))
		return quirk_say(r, QUIRK_FINE,
				 "/run is the admin's: something is mounted there, and it stays");
	old = open("/run", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (old < 0)
		return quirk_fail(r, errno, "/run could not be read");
	if (mount("tmpfs", "/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=50%") < 0) {
		e = errno;
		close(old);
		return quirk_fail(r, e, "/run could not be made a tmpfs");
	}
	new = open("/run", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	e = new < 0 ? -errno : copy_tree(old, new, RUN_DEPTH, true);
	close(old);
	if (new >= 0)
		close(new);
	if (e < 0)
		return quirk_fail(r, e, "/run is a tmpfs, but not all that the image has there");
	return quirk_say(r, QUIRK_REMEDIED,
			 "/run was on the disk: it is a tmpfs, with what the image has there");
}

/* Missing before pve-container 6.1.10 (and later, too, where the entrypoint is /sbin/init). */
enum quirk_outcome quirk_shm(struct quirk_world *w, struct quirk_result *r)
{
	char options[64] = "mode=1777";
	struct stat parent, own;

	if (mkdir("/dev/shm", 01777) < 0 && errno != EEXIST)
		return quirk_fail(r, errno, "/dev/shm could not be made");
	if (stat("/dev", &parent) == 0 && stat("/dev/shm", &own) == 0 &&
	    parent.st_dev != own.st_dev)
		return quirk_say(r, QUIRK_FINE, "/dev/shm is mounted");
	/* The default is half of the machine's memory, not of the container's. */
	if (w->facts.memory_max > 0)
		format_text(options, sizeof(options), "mode=1777,size=%" PRId64,
			    w->facts.memory_max / 2);
	if (mount("tmpfs", "/dev/shm", "tmpfs", MS_NOSUID | MS_NODEV, options) < 0)
		return quirk_fail(r, errno, "/dev/shm could not be mounted");
	return quirk_say(r, QUIRK_REMEDIED, "/dev/shm was missing: it is a tmpfs (%s)", options);
}

enum quirk_outcome quirk_pts(struct quirk_world *w, struct quirk_result *r)
{
	bool mounted = is_fs("/dev/pts", DEVPTS_SUPER_MAGIC);
	struct stat st;

	(void)w;
	if (mounted && stat("/dev/ptmx", &st) == 0)
		return quirk_say(r, QUIRK_FINE, "/dev/pts and /dev/ptmx are there");
	if (!mounted) {
		if (mkdir("/dev/pts", 0755) < 0 && errno != EEXIST)
			return quirk_fail(r, errno, "/dev/pts could not be made");
		/* gid 5 is tty in Debian and all its relatives; an id that is not mapped is EINVAL.
		 */
		if (mount("devpts", "/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC,
			  "newinstance,ptmxmode=0666,mode=0620,gid=5") < 0 &&
		    mount("devpts", "/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC,
			  "newinstance,ptmxmode=0666,mode=0620") < 0)
			return quirk_fail(r, errno, "/dev/pts could not be mounted");
	}
	if (stat("/dev/ptmx", &st) < 0 && symlink("pts/ptmx", "/dev/ptmx") < 0)
		return quirk_fail(r, errno, "/dev/ptmx could not be made");
	return quirk_say(r, QUIRK_REMEDIED,
			 mounted ? "/dev/ptmx was missing" : "/dev/pts was not mounted");
}

/* As systemd does at its start (src/shared/mount-setup.c): nested containers want it. */
enum quirk_outcome quirk_shared(struct quirk_world *w, struct quirk_result *r)
{
	(void)w;
	if (mount_is_shared("/"))
		return quirk_say(r, QUIRK_FINE, "mounts are shared");
	if (mount(NULL, "/", NULL, MS_REC | MS_SHARED, NULL) < 0)
		return quirk_fail(r, errno, "mounts could not be made shared");
	return quirk_say(r, QUIRK_REMEDIED, "mounts were private: they are shared");
}

enum quirk_outcome quirk_directories(struct quirk_world *w, struct quirk_result *r)
{
	static const char *const dirs[] = {"/run/hakim",     "/var",     "/var/log",
					   "/var/log/hakim", "/var/lib", "/var/lib/hakim"};
	bool made = false;

	(void)w;
	for (unsigned i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		if (mkdir(dirs[i], 0755) == 0)
			made = true;
		else if (errno != EEXIST)
			return quirk_fail(r, errno,
					  "/run/hakim and /var/log/hakim could not be made");
	}
	return quirk_say(r, made ? QUIRK_REMEDIED : QUIRK_FINE,
			 "/run/hakim and /var/log/hakim are there");
}
