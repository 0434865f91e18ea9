#include "modules/docker/probe.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/cleanup.h"

#define PREFIX ".hakim-probe."

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	return remove(path);
}

static void remove_left_overs(const char *data_root)
{
	_cleanup_closedir_ DIR *dir = opendir(data_root);
	const struct dirent *d;
	char path[4400];

	while (dir && (d = readdir(dir))) {
		if (strncmp(d->d_name, PREFIX, strlen(PREFIX)) != 0)
			continue;
		snprintf(path, sizeof(path), "%s/%s", data_root, d->d_name);
		nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
	}
}

/* In a user namespace overlayfs keeps its marks in user.* attributes; dockerd does the same
 * (kernel documentation, overlayfs.rst, "userxattr"). */
static bool in_user_namespace(void)
{
	_cleanup_fclose_ FILE *f = fopen("/proc/self/uid_map", "re");
	unsigned inside, outside, count;

	return f && fscanf(f, "%u %u %u", &inside, &outside, &count) == 3 && count != 4294967295u;
}

static int make_file(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

/* What an image's layers need: a file of below is removed, a directory of below is replaced. */
static int use_overlay(const char *base)
{
	char path[4600];

	snprintf(path, sizeof(path), "%s/merged/file", base);
	if (unlink(path) < 0)
		return -errno;
	snprintf(path, sizeof(path), "%s/merged/dir", base);
	if (rmdir(path) < 0 || mkdir(path, 0755) < 0)
		return -errno;
	snprintf(path, sizeof(path), "%s/merged/dir/new", base);
	return make_file(path);
}

static int try_overlay(const char *base)
{
	static const char *const parts[] = {"lower", "upper", "work", "merged", "lower/dir"};
	char path[4600], merged[4600], options[14000];
	int r;

	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		snprintf(path, sizeof(path), "%s/%s", base, parts[i]);
		if (mkdir(path, 0755) < 0)
			return -errno;
	}
	snprintf(path, sizeof(path), "%s/lower/file", base);
	r = make_file(path);
	if (r < 0)
		return r;
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return -errno;
	snprintf(merged, sizeof(merged), "%s/merged", base);
	snprintf(options, sizeof(options), "lowerdir=%s/lower,upperdir=%s/upper,workdir=%s/work%s",
		 base, base, base, in_user_namespace() ? ",userxattr" : "");
	if (mount("overlay", merged, "overlay", 0, options) < 0)
		return -errno;
	return use_overlay(base);
}

static void probe_overlay(const char *data_root, struct driver_facts *facts)
{
	char base[4300];
	int status = 0;
	pid_t pid;

	snprintf(base, sizeof(base), "%s/" PREFIX "XXXXXX", data_root);
	if (!mkdtemp(base)) {
		snprintf(facts->of[DRIVER_OVERLAY2].why, sizeof(facts->of[DRIVER_OVERLAY2].why),
			 "its data root cannot be written: %s", strerror(errno));
		return;
	}
	pid = fork();
	if (pid == 0) {
		int r = try_overlay(base);

		_exit(r < 0 && -r < 255 ? -r : 0);
	}
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	facts->of[DRIVER_OVERLAY2].works = pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
	if (!facts->of[DRIVER_OVERLAY2].works)
		snprintf(facts->of[DRIVER_OVERLAY2].why, sizeof(facts->of[DRIVER_OVERLAY2].why),
			 "an overlay on the data root: %s",
			 WIFEXITED(status) ? strerror(WEXITSTATUS(status))
					   : "the trial was killed");
	nftw(base, remove_one, 8, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

static void probe_fuse(struct driver_facts *facts)
{
	static const char *const places[] = {"/usr/bin/fuse-overlayfs",
					     "/usr/local/bin/fuse-overlayfs"};
	_cleanup_close_ int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	int error = fd < 0 ? errno : 0;
	bool installed = false;

	for (size_t i = 0; i < ARRAY_LEN(places); i++)
		installed |= access(places[i], X_OK) == 0;
	facts->of[DRIVER_FUSE].works = fd >= 0 && installed;
	if (error)
		snprintf(facts->of[DRIVER_FUSE].why, sizeof(facts->of[DRIVER_FUSE].why),
			 "/dev/fuse cannot be used: %s", strerror(error));
	else if (!installed)
		snprintf(facts->of[DRIVER_FUSE].why, sizeof(facts->of[DRIVER_FUSE].why),
			 "it is not installed");
}

/* dockerd keeps the list of images of each driver below image/DRIVER. */
static bool has_images(const char *data_root, enum driver driver)
{
	char path[4400];
	_cleanup_closedir_ DIR *dir = NULL;
	const struct dirent *d;

	snprintf(path, sizeof(path), "%s/image/%s/imagedb/content/sha256", data_root,
		 driver_name(driver));
	dir = opendir(path);
	while (dir && (d = readdir(dir)))
		if (d->d_name[0] != '.')
			return true;
	return false;
}

void probe_drivers(const char *data_root, struct driver_facts *facts)
{
	remove_left_overs(data_root);
	probe_overlay(data_root, facts);
	probe_fuse(facts);
	facts->of[DRIVER_VFS].works = true;
	for (enum driver d = 0; d < DRIVERS; d++)
		facts->of[d].has_images = has_images(data_root, d);
}
