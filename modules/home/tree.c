#include "modules/home/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/id_map.h"
#include "modules/home/skel.h"

#define OVERFLOW_UID 65534 /* whom files of users without a number in this container belong to */

static const char *const own_directories[] = {
	".local", ".local/share", ".local/state", ".config", ".cache",
};

static void remark(const struct tree *tree, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void remark(const struct tree *tree, const char *fmt, ...)
{
	va_list args;
	char *text;
	int n;

	va_start(args, fmt);
	n = vasprintf(&text, fmt, args);
	va_end(args);
	if (n >= 0)
		strv_take(tree->remarks, text);
}

uid_t tree_owner(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode) ? st.st_uid : ACCOUNT_NOBODY;
}

/* The number that the host has for one of ours, for the advice. */
static unsigned host_id(const char *file, unsigned id)
{
	struct id_map map;
	uint32_t outside;

	if (id_map_read(file, &map) == 0 && id_map_outside(&map, id, &outside))
		return outside;
	return id;
}

/*
 * Root's directory becomes the user's: the one at `fd` and nothing below it. Another's stays
 * theirs.
 */
static void give(const struct tree *tree, int fd, const char *path)
{
	const struct account *a = tree->account;
	struct stat st;

	if (fstat(fd, &st) < 0) {
		remark(tree, "%s cannot be looked at: %s", path, strerror(errno));
	} else if (st.st_uid == a->uid) {
		return;
	} else if (st.st_uid == OVERFLOW_UID) {
		remark(tree,
		       "%s belongs to a user that this container does not have; on the host, run "
		       "'chown %u:%u' on the directory that is mounted here",
		       path, host_id("/proc/self/uid_map", a->uid),
		       host_id("/proc/self/gid_map", a->gid));
	} else if (st.st_uid != 0) {
		remark(tree, "%s belongs to uid %u and not to %s (uid %u): it is left alone", path,
		       st.st_uid, a->user, a->uid);
	} else if (fchown(fd, a->uid, a->gid) < 0) {
		remark(tree, "%s belongs to root and cannot be given to %s: %s", path, a->user,
		       strerror(errno));
	}
}

/* Everything until fs_as_root() is done with the user's rights, and what is made is theirs. */
static void fs_as_user(const struct account *a)
{
	setfsgid(a->gid);
	setfsuid(a->uid);
}

static void fs_as_root(void)
{
	setfsuid(0);
	setfsgid(0);
}

/* One directory below one of the user's, without following a symlink; the fd of it, or a negative
 * errno. */
static int enter(const struct tree *tree, int parent, const char *name, const char *path)
{
	int fd = -1;

	fs_as_user(tree->account);
	if (mkdirat(parent, name, 0755) == 0 || errno == EEXIST)
		fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		fd = -errno;
	fs_as_root();
	/* Root's own, which may be closed to the user. */
	if (fd == -EACCES)
		fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0)
		give(tree, fd, path);
	return fd;
}

/* The steps of a relative path below a directory of the user's. */
static int enter_all(const struct tree *tree, int base, const char *base_path, const char *relative)
{
	_cleanup_close_ int at = fcntl(base, F_DUPFD_CLOEXEC, 3);
	char path[8192];
	size_t used = (size_t)snprintf(path, sizeof(path), "%s", base_path);

	while (at >= 0 && *relative) {
		size_t len = strcspn(relative, "/");
		char name[256];
		int next;

		if (len >= sizeof(name) || used + len + 2 > sizeof(path))
			return -ENAMETOOLONG;
		memcpy(name, relative, len);
		name[len] = '\0';
		relative += len + strspn(relative + len, "/");
		if (!*name || strcmp(name, ".") == 0)
			continue;
		if (strcmp(name, "..") == 0)
			return -EINVAL;
		used += (size_t)snprintf(path + used, sizeof(path) - used, "/%s", name);
		next = enter(tree, at, name, path);
		if (next < 0)
			return next;
		close(at);
		at = next;
	}
	return at < 0 ? at : steal_fd(&at);
}

/* An absolute path whose directories are root's: symlinks in it are the admin's. */
static int open_made(const char *path, mode_t mode, bool *made)
{
	char part[4096];
	size_t len = strlen(path);
	int fd;

	if (len >= sizeof(part))
		return -ENAMETOOLONG;
	*made = false;
	for (size_t i = 1; i <= len; i++) {
		if (path[i] != '/' && path[i] != '\0')
			continue;
		memcpy(part, path, i);
		part[i] = '\0';
		*made = mkdir(part, mode) == 0;
		if (!*made && errno != EEXIST)
			return -errno;
	}
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static void prepare_project(const struct tree *tree, int home)
{
	const char *base = tree->account->home, *project = tree->project;
	size_t len = strlen(base);
	_cleanup_close_ int fd = -EBADF;
	bool made;

	if (strncmp(project, base, len) == 0 && (project[len] == '/' || !project[len])) {
		fd = enter_all(tree, home, base, project + len + strspn(project + len, "/"));
	} else {
		fd = open_made(project, 0755, &made);
		/* What is there and root's on purpose stays so, anywhere but in the home. */
		if (fd >= 0 && made)
			give(tree, fd, project);
	}
	if (fd < 0)
		remark(tree, "the project directory %s cannot be made: %s", project, strerror(-fd));
}

/* Where the home is a symlink, what it leads to may be anything: root's stays root's. */
static void give_home(const struct tree *tree, int home)
{
	const struct account *a = tree->account;
	struct stat link, st;

	if (lstat(a->home, &link) < 0 || !S_ISLNK(link.st_mode))
		give(tree, home, a->home);
	else if (fstat(home, &st) == 0 && st.st_uid != a->uid)
		remark(tree,
		       "%s is a symlink, and what it leads to belongs to uid %u: it is left alone; "
		       "if it is the home, run 'chown %u:%u' on it",
		       a->home, st.st_uid, a->uid, a->gid);
}

int tree_prepare(const struct tree *tree, struct err *err)
{
	const struct account *a = tree->account;
	_cleanup_close_ int home = -EBADF;
	bool made, fresh;

	home = open_made(a->home, 0755, &made);
	if (home < 0)
		return err_sys(err, home, "the home %s cannot be made", a->home);
	give_home(tree, home);
	/* Before anything of ours is in it. */
	fresh = skel_is_fresh(home);
	for (size_t i = 0; i < ARRAY_LEN(own_directories); i++) {
		int fd = enter_all(tree, home, a->home, own_directories[i]);

		if (fd < 0)
			remark(tree, "%s/%s cannot be used: %s", a->home, own_directories[i],
			       strerror(-fd));
		else
			close(fd);
	}
	fs_as_user(a);
	if (skel_copy(tree->skel, home, fresh, err) < 0)
		remark(tree, "%s", err->text);
	fs_as_root();
	prepare_project(tree, home);
	return 0;
}
