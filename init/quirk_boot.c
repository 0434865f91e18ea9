#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/openat2.h>

#include "init/format.h"
#include "init/directory.h"
#include "init/environment.h"
#include "init/quirk_file.h"
#include "init/quirk_rows.h"

#define BOOT_ID     "/var/lib/hakim/boot-id"
#define STALE_DEPTH 6

enum quirk_outcome quirk_place(struct quirk_world *w, struct quirk_result *r)
{
	static const char *const cgroups[] = {"no cgroups", "cgroup v1 or hybrid", "cgroup2"};

	place_facts_read(w->place, w->root, &w->facts);
	return quirk_say(r, QUIRK_FINE, "%s, %s, %s%s, Linux %s", w->facts.kind,
			 w->facts.user_namespace ? "unprivileged (ids are mapped)"
						 : "no user namespace",
			 cgroups[w->facts.cgroup],
			 w->facts.cgroup == 2 && !w->facts.cgroup_writable ? " read-only" : "",
			 w->facts.kernel);
}

/* ---- what another life has left ---- */

struct sweep {
	int fd; /* the directory */
	dev_t device;
	int depth;
	bool all; /* every file; else sockets, FIFOs and pid files */
	unsigned removed;
	int error;
};

static void sweep_directory(int at, const char *name, struct sweep *parent, bool all);

static void sweep_entry(const char *name, void *data)
{
	struct sweep *s = data;
	struct stat st;
	bool stale;

	if (fstatat(s->fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || st.st_dev != s->device)
		return;
	if (S_ISDIR(st.st_mode)) {
		if (s->depth > 0)
			sweep_directory(s->fd, name, s, s->all);
		return;
	}
	stale = S_ISSOCK(st.st_mode) || S_ISFIFO(st.st_mode) ||
		(S_ISREG(st.st_mode) && (s->all || name_ends(name, ".pid")));
	if (!stale)
		return;
	if (unlinkat(s->fd, name, 0) == 0)
		s->removed++;
	else if (errno != EBUSY) /* a mount point itself: not stale */
		s->error = errno;
}

/* Never through a link, and never into another mount: also not into one of the same file system,
 * which has the same st_dev. */
static int open_here(int at, const char *name, dev_t device)
{
	struct open_how how = {
		.flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
		.resolve = device ? RESOLVE_NO_XDEV : 0,
	};
	int fd = (int)syscall(SYS_openat2, at, name, &how, sizeof(how));

	/* Linux before 5.6, or a seccomp profile of that age. */
	if (fd < 0 && (errno == ENOSYS || errno == EPERM))
		fd = openat(at, name, (int)how.flags);
	return fd;
}

static void sweep_directory(int at, const char *name, struct sweep *parent, bool all)
{
	struct sweep s = {.depth = parent->depth - 1, .all = all};
	struct stat st;

	s.fd = open_here(at, name, parent->device);
	if (s.fd < 0)
		return;
	if (fstat(s.fd, &st) == 0 && (parent->device == 0 || st.st_dev == parent->device)) {
		s.device = st.st_dev;
		directory_each(s.fd, sweep_entry, &s);
		parent->removed += s.removed;
		if (s.error)
			parent->error = s.error;
	}
	close(s.fd);
}

/* X servers leave /tmp/.X99-lock, and the next one with that number refuses to start. */
static void sweep_lock(const char *name, void *data)
{
	struct sweep *s = data;

	if (strncmp(name, ".X", 2) != 0 || !name_ends(name, "-lock"))
		return;
	if (unlinkat(s->fd, name, 0) == 0)
		s->removed++;
	else
		s->error = errno;
}

static void sweep_tmp(struct sweep *total)
{
	static const char *const sockets[] = {"/tmp/.X11-unix", "/tmp/.ICE-unix"};
	struct sweep tmp = {.fd = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
	struct stat st;

	if (tmp.fd < 0)
		return;
	if (fstat(tmp.fd, &st) < 0) {
		total->error = errno;
		close(tmp.fd);
		return;
	}
	directory_each(tmp.fd, sweep_lock, &tmp);
	for (unsigned i = 0; i < sizeof(sockets) / sizeof(sockets[0]); i++) {
		struct sweep one = {.device = st.st_dev, .depth = 1};

		/* The display of the host or of another container, which is alive. */
		if (mount_at(sockets[i], false))
			continue;
		sweep_directory(tmp.fd, sockets[i] + strlen("/tmp/"), &one, true);
		tmp.removed += one.removed;
	}
	close(tmp.fd);
	total->removed += tmp.removed;
	if (tmp.error)
		total->error = tmp.error;
}

/*
 * A fresh /run has nothing stale in it. Where it is not ours to replace, and in /tmp, what another
 * life has left is known by the boot id: in this life nobody has made anything yet.
 */
enum quirk_outcome quirk_stale(struct quirk_world *w, struct quirk_result *r)
{
	struct sweep total = {.depth = STALE_DEPTH};
	char last[sizeof(w->facts.boot_id)];
	int e;

	if (!w->facts.boot_id[0])
		return quirk_say(r, QUIRK_FINE, "nothing tells one boot from another: all is kept");
	file_read("", BOOT_ID, last, sizeof(last));
	last[strcspn(last, "\n")] = '\0';
	if (strcmp(last, w->facts.boot_id) == 0)
		return quirk_say(r, QUIRK_FINE, "what is there is of this boot");
	sweep_directory(AT_FDCWD, "/run", &total, false);
	sweep_tmp(&total);
	e = file_replace("", BOOT_ID, w->facts.boot_id, strlen(w->facts.boot_id), 0644);
	if (total.error)
		return quirk_fail(r, total.error, "a stale file of another boot cannot be removed");
	if (e < 0 && e != -EROFS)
		return quirk_fail(r, e, BOOT_ID " could not be written");
	if (total.removed)
		return quirk_say(
			r, QUIRK_REMEDIED,
			"%u stale sockets, pid files and locks of another boot were removed",
			total.removed);
	return quirk_say(r, QUIRK_FINE, "another boot has left nothing stale");
}

/* Proxmox takes it away when it makes a container, and D-Bus does not start without. machine-id(5):
 * 32 digits, as a random UUID (v4). "uninitialized" is systemd's word in an image. */
enum quirk_outcome quirk_machine_id(struct quirk_world *w, struct quirk_result *r)
{
	unsigned char id[16];
	char text[64];
	int e;

	if (file_read(w->root, "/etc/machine-id", text, sizeof(text)) >= 32 &&
	    strspn(text, "0123456789abcdef") == 32)
		return quirk_say(r, QUIRK_FINE, "/etc/machine-id is there");
	if (getrandom(id, sizeof(id), GRND_NONBLOCK) != sizeof(id))
		return quirk_fail(r, errno,
				  "/etc/machine-id is missing, and there is no randomness");
	id[6] = (unsigned char)((id[6] & 0x0f) | 0x40);
	id[8] = (unsigned char)((id[8] & 0x3f) | 0x80);
	for (unsigned i = 0; i < sizeof(id); i++)
		format_text(text + 2 * (size_t)i, 3, "%02x", id[i]);
	text[32] = '\n';
	e = file_replace(w->root, "/etc/machine-id", text, 33, 0444);
	if (e < 0)
		return quirk_fail(r, e, "/etc/machine-id is missing and could not be written");
	return quirk_say(r, QUIRK_REMEDIED, "/etc/machine-id was missing: it is made");
}

/* ---- what PID 1 has done already ---- */

enum quirk_outcome quirk_nofile(struct quirk_world *w, struct quirk_result *r)
{
	/* systemd's own hard limit is 524288; below this, large builds and watchers fail. */
	if (w->nofile_hard < 65536)
		return quirk_say(r, QUIRK_NEEDS_HOST, "at most %" PRIu64 " files can be open",
				 w->nofile_hard);
	if (w->nofile_soft < w->nofile_hard)
		return quirk_say(r, QUIRK_REMEDIED,
				 "the soft limit of open files was %" PRIu64
				 ": services get %" PRIu64,
				 w->nofile_soft, w->nofile_hard);
	return quirk_say(r, QUIRK_FINE, "%" PRIu64 " files can be open", w->nofile_hard);
}

enum quirk_outcome quirk_environment(struct quirk_world *w, struct quirk_result *r)
{
	if (!w->defaults)
		return quirk_say(r, QUIRK_FINE, "PATH, LANG and HOME are set");
	return quirk_say(r, QUIRK_REMEDIED, "not set by the container, now by default:%s%s%s",
			 w->defaults & ENVIRONMENT_PATH ? " PATH" : "",
			 w->defaults & ENVIRONMENT_LANG ? " LANG=C.UTF-8" : "",
			 w->defaults & ENVIRONMENT_HOME ? " HOME=/root" : "");
}
