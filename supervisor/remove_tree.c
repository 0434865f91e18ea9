#include "supervisor/remove_tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"

#define AT_ONCE   200 /* about 2 ms of unlinkat() on a slow disk */
#define DEPTH_MAX 128 /* one fd a level */

struct removal {
	int parent; /* fd of the directory that it is in */
	char name[NAME_MAX + 1];
	dev_t dev;
};

/* Returns how many more may be removed; 0: the budget is used up. */
static unsigned remove_in(int parent, const char *name, dev_t dev, unsigned budget, unsigned depth)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	struct dirent *entry;
	DIR *dir;

	if (fd < 0 || depth > DEPTH_MAX || fstat(fd, &st) < 0 || st.st_dev != dev ||
	    !(dir = fdopendir(fd))) {
		if (fd >= 0)
			close(fd);
		return budget;
	}
	while (budget && (entry = readdir(dir))) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		budget--;
		if (unlinkat(fd, entry->d_name, 0) < 0 && (errno == EISDIR || errno == EPERM))
			budget = remove_in(fd, entry->d_name, dev, budget, depth + 1);
	}
	closedir(dir);
	if (budget)
		unlinkat(parent, name, AT_REMOVEDIR);
	return budget;
}

static void *remove_rest(void *arg)
{
	struct removal *removal = arg;

	remove_in(removal->parent, removal->name, removal->dev, UINT_MAX, 0);
	close(removal->parent);
	free(removal);
	return NULL;
}

/* Takes `removal` over. The name is moved out of the way first: a new one may be made at once. */
static void remove_later(struct removal *removal)
{
	static atomic_uint counter;
	char moved[64];
	pthread_attr_t attr;
	pthread_t thread;
	sigset_t all, old;

	snprintf(moved, sizeof(moved), ".hakim-removed-%d-%u", getpid(),
		 atomic_fetch_add(&counter, 1));
	if (renameat(removal->parent, removal->name, removal->parent, moved) == 0)
		snprintf(removal->name, sizeof(removal->name), "%s", moved);
	/* Signals are for the loop. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, (size_t)PTHREAD_STACK_MIN + 128 * 1024);
	if (pthread_create(&thread, &attr, remove_rest, removal) != 0)
		remove_rest(removal);
	pthread_attr_destroy(&attr);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

void remove_tree(const char *root, const char *relative)
{
	_cleanup_close_ int dir = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct removal *removal = calloc(1, sizeof(*removal));
	const char *at = relative;
	struct stat st;

	while (removal && dir >= 0) {
		size_t len = strcspn(at, "/");
		int next;

		if (!len || len > NAME_MAX)
			break;
		memcpy(removal->name, at, len);
		removal->name[len] = '\0';
		if (!at[len]) {
			if (fstatat(dir, removal->name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
			    !S_ISDIR(st.st_mode))
				break;
			removal->dev = st.st_dev;
			if (remove_in(dir, removal->name, st.st_dev, AT_ONCE, 0))
				break;
			removal->parent = steal_fd(&dir);
			remove_later(steal_ptr(&removal));
			return;
		}
		next = openat(dir, removal->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		close(dir);
		dir = next;
		at += len;
		at += strspn(at, "/");
	}
	free(removal);
}
