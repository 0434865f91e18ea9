#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/id_map.h"
#include "init/format.h"
#include "init/copy_tree.h"
#include "init/quirk_file.h"
#include "init/quirk_rows.h"
#include "init/user.h"

#ifndef OPEN_TREE_CLONE
#define OPEN_TREE_CLONE 1
#endif

#define OVERFLOW_ID 65534 /* who owns what belongs to an id that is not mapped */
#define NIX_DEPTH   64
#define NIX_SEED    ".hakim-seed"
#define NIX_LOCK    ".hakim-seed.lock"

/* What the host calls its user. Not what is in it: that may be others', and links lead anywhere. */
static void advise_chown(struct quirk_result *r, const struct user *user)
{
	struct id_map uids, gids;
	uint32_t uid, gid;

	if (id_map_read("/proc/self/uid_map", &uids) == 0 &&
	    id_map_outside(&uids, user->uid, &uid) &&
	    id_map_read("/proc/self/gid_map", &gids) == 0 && id_map_outside(&gids, user->gid, &gid))
		format_text(r->advice, sizeof(r->advice), "chown %u:%u <the directory on the host>",
			    uid, gid);
}

/*
 * A mount point that the admin has made is often root's, or an unmapped id's. The top level alone,
 * never recursively and never through a link: what is in it is not ours.
 */
enum quirk_outcome quirk_home(struct quirk_world *w, struct quirk_result *r)
{
	enum quirk_outcome outcome = QUIRK_FINE;
	struct user user;
	struct stat st;
	int fd;

	if (user_find(w->user, 0, &user) < 0)
		return quirk_say(r, QUIRK_FINE, "there is no user %s yet", w->user);
	fd = open(user.home, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return quirk_say(r, QUIRK_FINE, "%s is not there yet", user.home);
	if (fd < 0)
		return quirk_fail(r, errno, "the home cannot be opened");
	if (fstat(fd, &st) < 0) {
		quirk_fail(r, errno, "the home cannot be looked at");
		outcome = QUIRK_FAILED;
	} else if (st.st_uid == user.uid) {
		quirk_say(r, outcome, "%s is %s's", user.home, user.name);
	} else if (st.st_uid == OVERFLOW_ID) {
		outcome =
			quirk_say(r, QUIRK_NEEDS_HOST,
				  "%s belongs to an id that is not mapped into this container: %s "
				  "cannot write, and nobody here can change it",
				  user.home, user.name);
		advise_chown(r, &user);
	} else if (st.st_uid != 0) {
		quirk_say(r, outcome, "%s is another user's, on purpose", user.home);
	} else if (fchown(fd, user.uid, user.gid) < 0) {
		outcome =
			quirk_fail(r, errno, "the home is root's and cannot be given to its user");
	} else {
		outcome = quirk_say(r, QUIRK_REMEDIED, "%s was root's: it is %s's", user.home,
				    user.name);
	}
	close(fd);
	return outcome;
}

enum quirk_outcome quirk_nosuid(struct quirk_world *w, struct quirk_result *r)
{
	static const char *const paths[] = {"/usr/bin/sudo", "/usr/bin/su"};
	struct statvfs fs;

	(void)w;
	for (unsigned i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		if (statvfs(paths[i], &fs) < 0)
			continue;
		if (fs.f_flag & ST_NOSUID)
			return quirk_say(r, QUIRK_NEEDS_HOST, "%s is on a mount with nosuid",
					 paths[i]);
		return quirk_say(r, QUIRK_FINE, "%s may change the user", paths[i]);
	}
	return quirk_say(r, QUIRK_FINE, "there is no sudo");
}

/* ---- /nix ---- */

/* The image's own /nix, below what is mounted over it: a copy of the root's mount alone, which is
 * attached nowhere and goes with its fd (open_tree(2), Linux 5.2). */
static int open_below(void)
{
	int root = (int)syscall(SYS_open_tree, AT_FDCWD, "/", OPEN_TREE_CLONE | O_CLOEXEC);
	int fd, e;

	if (root < 0)
		return -errno;
	fd = openat(root, "nix", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	e = errno;
	close(root);
	return fd < 0 ? -e : fd;
}

/* A life that was killed before the store was moved has given `var` its name already, or the volume
 * had its own: what is there stays, and the copy goes. */
static int move_var(int fresh, int nix)
{
	if (renameat(fresh, "var", nix, "var") == 0 || errno == ENOENT)
		return 0;
	if (errno != ENOTEMPTY && errno != EEXIST)
		return -errno;
	return copy_tree_remove(fresh, "var", NIX_DEPTH);
}

/* Under another name until it is whole: the store is the last that gets its own. */
static int seed(int nix, int image)
{
	int fresh, r;

	if (mkdirat(nix, NIX_SEED, 0755) < 0 && errno != EEXIST)
		return -errno;
	fresh = openat(nix, NIX_SEED, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fresh < 0)
		return -errno;
	r = copy_tree(image, fresh, NIX_DEPTH, false);
	if (r == 0)
		r = move_var(fresh, nix);
	if (r == 0 && renameat(fresh, "store", nix, "store") < 0)
		r = -errno;
	close(fresh);
	if (r == 0)
		unlinkat(nix, NIX_SEED, AT_REMOVEDIR);
	return r;
}

/* An empty volume on /nix hides the store of the image. */
enum quirk_outcome quirk_nix(struct quirk_world *w, struct quirk_result *r)
{
	(void)w;
	if (!mount_at("/nix", false))
		return quirk_say(r, QUIRK_FINE, "nothing is mounted on /nix");
	if (file_exists("", "/nix/store"))
		return quirk_say(r, QUIRK_FINE, "there is a store on /nix");
	return quirk_say(r, QUIRK_REMEDIED, "/nix is empty: it is being given the image's store");
}

/* Under a lock: another container with the same volume may do it just now, and the rest of a killed
 * life is gone on with. */
enum quirk_outcome quirk_nix_seed(struct quirk_world *w, struct quirk_result *r)
{
	_cleanup_close_ int image = open_below();
	_cleanup_close_ int nix = -EBADF, lock = -EBADF;
	int e = image;

	(void)w;
	if (image >= 0)
		e = faccessat(image, "store", F_OK, AT_SYMLINK_NOFOLLOW) < 0 ? -ENOENT : 0;
	/* Not even a lock is left in a volume that stays as it is. */
	if (e == -ENOENT)
		return quirk_say(r, QUIRK_FINE, "/nix is empty, and the image has no store for it");
	nix = open("/nix", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (nix >= 0)
		lock = openat(nix, NIX_LOCK, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (lock < 0)
		return quirk_fail(r, errno, "/nix is empty and cannot be written");
	if (flock(lock, LOCK_EX | LOCK_NB) < 0)
		return quirk_say(r, QUIRK_FINE, "another container gives /nix its store");
	/* Who had the lock before may have done it. */
	if (e == 0 && faccessat(nix, "store", F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		e = seed(nix, image);
	if (e < 0)
		return quirk_fail(r, e, "/nix is empty and could not be given the image's store");
	return quirk_say(r, QUIRK_REMEDIED, "/nix was empty: it has the image's store");
}
