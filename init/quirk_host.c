#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/keyctl.h>

#include "init/format.h"
#include "init/quirk_file.h"
#include "init/quirk_rows.h"

#define INOTIFY_WATCHES   65536 /* a large source tree in an editor: 50 000 directories */
#define INOTIFY_INSTANCES 128   /* the kernel's own default */
#define PROBE             ".hakim-overlay-probe"

/* What bubblewrap, Chrome's sandbox and nix do first. The row taints: its process is in another
 * user namespace after it. */
enum quirk_outcome quirk_nesting(struct quirk_world *w, struct quirk_result *r)
{
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0) {
		r->error = errno;
		return quirk_say(r, QUIRK_NEEDS_HOST, "no user namespaces can be made here");
	}
	/* AppArmor's profile without nesting lets the namespace be, and not the mount in it. */
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("tmpfs", "/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755") < 0) {
		r->error = errno;
		return quirk_say(r, QUIRK_NEEDS_HOST,
				 "a user namespace cannot mount anything here");
	}
	if (w->place == PLACE_LXC && !w->facts.nesting)
		return quirk_say(r, QUIRK_NEEDS_HOST,
				 "user namespaces work, but LXC gives no /proc and /sys for "
				 "containers in this one");
	return quirk_say(r, QUIRK_FINE, "user namespaces and containers in this one work");
}

static enum quirk_outcome device(const char *path, struct quirk_result *r)
{
	int fd = open(path, O_RDWR | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (fd >= 0) {
		close(fd);
		return quirk_say(r, QUIRK_FINE, "%s can be opened", path);
	}
	r->error = errno;
	if (errno == ENOENT)
		return quirk_say(r, QUIRK_NEEDS_HOST, "there is no %s", path);
	return quirk_say(r, QUIRK_NEEDS_HOST, "%s cannot be opened: %s", path, strerror(errno));
}

enum quirk_outcome quirk_fuse(struct quirk_world *w, struct quirk_result *r)
{
	(void)w;
	return device("/dev/fuse", r);
}

enum quirk_outcome quirk_tun(struct quirk_world *w, struct quirk_result *r)
{
	(void)w;
	return device("/dev/net/tun", r);
}

/* runc makes a new session keyring for each container; without keyctl=1 Proxmox answers ENOSYS. */
enum quirk_outcome quirk_keyring(struct quirk_world *w, struct quirk_result *r)
{
	(void)w;
	if (syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0) >= 0 ||
	    errno == ENOKEY)
		return quirk_say(r, QUIRK_FINE, "keyrings work");
	r->error = errno;
	return quirk_say(r, QUIRK_NEEDS_HOST, "keyrings do not work: %s", strerror(errno));
}

/* ---- the overlay that container engines store their images in ---- */

static const char *const probe_parts[] = {
	PROBE "/lower",  PROBE "/upper", PROBE "/work/work", PROBE "/work/index", PROBE "/work",
	PROBE "/merged", PROBE};

/* Also what a life that was killed here has left. */
static void probe_clean(int dir)
{
	for (unsigned i = 0; i < sizeof(probe_parts) / sizeof(probe_parts[0]); i++)
		unlinkat(dir, probe_parts[i], AT_REMOVEDIR);
}

static int probe_make(int dir)
{
	static const char *const made[] = {PROBE, PROBE "/lower", PROBE "/upper", PROBE "/work",
					   PROBE "/merged"};

	for (unsigned i = 0; i < sizeof(made) / sizeof(made[0]); i++)
		if (mkdirat(dir, made[i], 0700) < 0)
			return -errno;
	return 0;
}

static int probe_mount(void)
{
	/* In an own user namespace overlayfs may only write xattrs of users (since Linux 5.11). */
	static const char userxattr[] = "lowerdir=" PROBE "/lower,upperdir=" PROBE
					"/upper,workdir=" PROBE "/work,userxattr";

	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return -errno;
	if (mount("overlay", PROBE "/merged", "overlay", 0, userxattr) < 0)
		return -errno;
	umount2(PROBE "/merged", MNT_DETACH);
	return 0;
}

/* A volume for the images alone: /var/lib itself has the state of all else in it, which a volume
 * there would hide. Which number is free is in the host's configuration, and a taken one would be
 * replaced. A volume that is there already is not ours to replace, either: no line. */
static enum quirk_outcome overlay_carried_not(struct quirk_result *r, const char *root, int error)
{
	const char *images = strcmp(root, "/var/lib") == 0 ? "/var/lib/docker" : root;

	r->error = error;
	if (mount_at(images, false))
		return quirk_say(
			r, QUIRK_NEEDS_HOST,
			"the volume that is mounted on %s carries no overlay (%s): it must "
			"be one with ext4 or xfs, else container engines copy whole images "
			"(vfs)",
			images, strerror(error));
	format_text(r->advice, sizeof(r->advice),
		    "pct set <ctid> --mp<free number> <storage with ext4 or xfs>:32,mp=%s", images);
	return quirk_say(r, QUIRK_NEEDS_HOST,
			 "the file system of %s carries no overlay (%s): container engines fall "
			 "back to vfs, which copies whole images",
			 root, strerror(error));
}

/* On the file system of the data, since it is that one's support that counts (ZFS, NFS). The row
 * taints: its process has its own mounts after it. */
enum quirk_outcome quirk_overlay(struct quirk_world *w, struct quirk_result *r)
{
	static const char *const roots[] = {"/var/lib/docker", "/var/lib/containers", "/var/lib"};
	const char *root = NULL;
	int dir = -1;
	int e;

	for (unsigned i = 0; i < sizeof(roots) / sizeof(roots[0]) && dir < 0; i++) {
		root = roots[i];
		dir = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	if (dir < 0 || fchdir(dir) < 0 || unshare(CLONE_NEWNS) < 0)
		return quirk_fail(r, errno, "whether overlay works could not be tried");
	probe_clean(dir);
	e = probe_make(dir);
	if (e == 0) {
		e = probe_mount();
		r->error = -e;
	} else {
		quirk_fail(r, e, "whether overlay works could not be tried");
	}
	probe_clean(dir);
	close(dir);
	if (r->text[0])
		return QUIRK_FAILED;
	if (e == -EPERM || e == -EACCES) {
		/* With nesting it is the profile that says no, and the machine's log says why. */
		format_text(r->advice, sizeof(r->advice), "%s",
			    w->facts.nesting ? "journalctl -k -g 'apparmor=.DENIED.*overlay'"
					     : "pct set <ctid> --features nesting=1");
		return quirk_say(
			r, QUIRK_NEEDS_HOST,
			"overlay cannot be mounted on %s: container engines fall back to vfs, "
			"which copies whole images",
			root);
	}
	if (e < 0)
		return overlay_carried_not(r, root, -e);
	return quirk_say(r, QUIRK_FINE, "overlay works on %s", root);
}

/* The limits are the machine's, shared by all containers with the same ids, and read-only here. */
enum quirk_outcome quirk_inotify(struct quirk_world *w, struct quirk_result *r)
{
	static const struct {
		const char *name, *paths[2];
		int64_t least;
		int64_t want;
	} limits[] = {
		{"fs.inotify.max_user_watches",
		 {"/proc/sys/fs/inotify/max_user_watches", "/proc/sys/user/max_inotify_watches"},
		 INOTIFY_WATCHES,
		 524288},
		{"fs.inotify.max_user_instances",
		 {"/proc/sys/fs/inotify/max_user_instances",
		  "/proc/sys/user/max_inotify_instances"},
		 INOTIFY_INSTANCES,
		 1024},
	};

	for (unsigned i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		for (unsigned k = 0; k < 2; k++) {
			int64_t value = file_number(w->root, limits[i].paths[k]);

			if (value < 0 || value >= limits[i].least)
				continue;
			format_text(r->advice, sizeof(r->advice),
				    "echo %s=%" PRId64
				    " >>/etc/sysctl.d/90-inotify.conf && sysctl --system",
				    limits[i].name, limits[i].want);
			return quirk_say(r, QUIRK_NEEDS_HOST,
					 "%s is %" PRId64 ", at least %" PRId64 " are needed",
					 limits[i].name, value, limits[i].least);
		}
	}
	return quirk_say(r, QUIRK_FINE, "files can be watched");
}
