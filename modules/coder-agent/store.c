#include "modules/coder-agent/store.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "modules/coder-agent/hash.h"

#define NEXT_LINK ".current.next"

int store_open(struct store *store, const char *path, struct err *err)
{
	*store = (struct store){.fd = -EBADF, .lock_fd = -EBADF};
	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		return err_sys(err, -errno, "the cache directory %s cannot be made", path);
	store->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (store->fd < 0)
		return err_sys(err, -errno, "the cache directory %s cannot be opened", path);
	store->path = realpath(path, NULL);
	return store->path ? 0 : err_sys(err, -errno, "the cache directory %s", path);
}

int store_lock(struct store *store, bool wait, struct err *err)
{
	if (store->lock_fd < 0)
		store->lock_fd = openat(store->fd, ".lock",
					O_RDONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (store->lock_fd < 0)
		return err_sys(err, -errno, "the cache directory %s cannot be written",
			       store->path);
	while (flock(store->lock_fd, LOCK_EX | (wait ? 0 : LOCK_NB)) < 0) {
		if (errno == EWOULDBLOCK)
			return err_set(err, -EAGAIN, "another hakim-agent-fetch is at work in %s",
				       store->path);
		if (errno != EINTR)
			return err_sys(err, -errno, "%s/.lock", store->path);
	}
	store->locked = true;
	return 0;
}

/* All that can be in a directory of ours; what else is there, keeps it. */
static void remove_version(struct store *store, const char *sha1)
{
	static const char *const files[] = {"verified", "verified.next", "coder"};
	char path[PATH_MAX];

	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		snprintf(path, sizeof(path), "%s/%s", sha1, files[i]);
		unlinkat(store->fd, path, 0);
	}
	unlinkat(store->fd, sha1, AT_REMOVEDIR);
}

static int read_record(struct store *store, const char *sha1, struct verified *v,
		       struct timespec *used)
{
	char path[SHA1_HEX + 16], text[VERIFIED_TEXT_MAX];
	_cleanup_close_ int fd = -EBADF;
	struct stat st;
	ssize_t n;
	int r;

	snprintf(path, sizeof(path), "%s/verified", sha1);
	fd = openat(store->fd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	n = read(fd, text, sizeof(text) - 1);
	if (n < 0)
		return -errno;
	text[n] = '\0';
	r = verified_parse(text, v, NULL);
	if (r == 0 && strcmp(v->sha1, sha1) != 0)
		r = -EBADMSG;
	*used = st.st_mtim;
	return r;
}

static int write_record(struct store *store, const struct verified *v, struct err *err)
{
	char next[SHA1_HEX + 16], path[SHA1_HEX + 16], text[VERIFIED_TEXT_MAX];
	size_t len = verified_print(v, text);
	_cleanup_close_ int fd = -EBADF;

	snprintf(next, sizeof(next), "%s/verified.next", v->sha1);
	snprintf(path, sizeof(path), "%s/verified", v->sha1);
	fd = openat(store->fd, next, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0 || write(fd, text, len) != (ssize_t)len || fsync(fd) < 0 ||
	    renameat(store->fd, next, store->fd, path) < 0)
		return err_sys(err, errno ? -errno : -ENOSPC, "%s/%s cannot be written",
			       store->path, path);
	return 0;
}

static int sync_directory(struct store *store, const char *name, struct err *err)
{
	_cleanup_close_ int fd = openat(store->fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || fsync(fd) < 0)
		return err_sys(err, -errno, "%s/%s cannot be made durable", store->path, name);
	return 0;
}

static int check_hash(int fd, const char *sha1, struct err *err)
{
	struct hash hash = {0};
	char found[SHA1_HEX] = "";
	uint64_t size;
	int r = hash_begin(&hash, err);

	if (r == 0)
		r = hash_add_file(&hash, fd, &size, err);
	if (r == 0)
		r = hash_peek(&hash, found, err);
	hash_free(&hash);
	if (r == 0 && strcmp(found, sha1) != 0)
		r = err_set(err, -EBADMSG, "it is not what it was");
	return r;
}

/* Is DIR/<sha1>/coder what it is called? 0 and the entry, or a negative errno: it may not be used.
 */
static int examine(struct store *store, const char *sha1, const struct machine *machine,
		   struct store_entry *entry)
{
	char path[SHA1_HEX + 16];
	unsigned char head[ELF_HEAD];
	_cleanup_close_ int fd = -EBADF;
	struct verified v = {0};
	struct stat st;
	bool known;
	int r;

	snprintf(path, sizeof(path), "%s/coder", sha1);
	fd = openat(store->fd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || !(st.st_mode & S_IXUSR))
		return -EACCES;
	/* The cache may have come here from another machine, with a home or a backup. */
	if (pread(fd, head, sizeof(head), 0) != (ssize_t)sizeof(head))
		return -ENOEXEC;
	r = elf_check(head, sizeof(head), machine, NULL);
	if (r < 0)
		return r;
	known = read_record(store, sha1, &v, &entry->used) == 0;
	if (!known || !verified_matches(&v, &st)) {
		r = check_hash(fd, sha1, NULL);
		if (r < 0)
			return r;
		verified_take(&v, &st, sha1, known ? v.version : "");
		/* Without the record it is hashed again next time: slower, not wrong. */
		if (store->locked)
			(void)write_record(store, &v, NULL);
		if (!known)
			entry->used = st.st_mtim;
	}
	memcpy(entry->sha1, v.sha1, sizeof(entry->sha1));
	memcpy(entry->version, v.version, sizeof(entry->version));
	return 0;
}

static void read_current(struct store *store)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(store->fd, "current", target, sizeof(target) - 1);

	store->current[0] = '\0';
	if (n != SHA1_HEX - 1)
		return;
	target[n] = '\0';
	if (etag_is_sha1(target))
		memcpy(store->current, target, SHA1_HEX);
}

int store_scan(struct store *store, const struct machine *machine, struct err *err)
{
	_cleanup_closedir_ DIR *dir = NULL;
	int fd = openat(store->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	store->n = 0;
	if (fd < 0)
		return err_sys(err, -errno, "%s cannot be read", store->path);
	dir = fdopendir(fd);
	if (!dir) {
		int error = errno;

		close(fd);
		return err_sys(err, -error, "%s cannot be read", store->path);
	}
	if (store->locked)
		unlinkat(store->fd, NEXT_LINK, 0);
	for (const struct dirent *d = readdir(dir); d && store->n < STORE_ENTRIES;
	     d = readdir(dir)) {
		struct store_entry entry = {0};
		int r;

		if (!etag_is_sha1(d->d_name))
			continue;
		r = examine(store, d->d_name, machine, &entry);
		if (r == 0)
			store->entries[store->n++] = entry;
		else if (store->locked && r != -EIO && r != -ENOMEM && r != -EMFILE && r != -ENFILE)
			remove_version(store, d->d_name);
	}
	read_current(store);
	return 0;
}

static bool later(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec != b->tv_sec ? a->tv_sec > b->tv_sec : a->tv_nsec > b->tv_nsec;
}

const struct store_entry *store_find(const struct store *store, const char *sha1)
{
	for (size_t i = 0; i < store->n; i++)
		if (strcmp(store->entries[i].sha1, sha1) == 0)
			return &store->entries[i];
	return NULL;
}

const struct store_entry *store_choose(const struct store *store)
{
	const struct store_entry *best = store_find(store, store->current);

	if (best)
		return best;
	for (size_t i = 0; i < store->n; i++)
		if (!best || later(&store->entries[i].used, &best->used))
			best = &store->entries[i];
	return best;
}

int store_publish(struct store *store, const char *sha1, const char *version, struct err *err)
{
	char partial[SHA1_HEX + 16], path[SHA1_HEX + 16];
	struct store_entry entry = {0};
	struct verified v;
	struct stat st;
	int r;

	snprintf(partial, sizeof(partial), "%s.partial", sha1);
	snprintf(path, sizeof(path), "%s/coder", sha1);
	if (mkdirat(store->fd, sha1, 0755) < 0 && errno != EEXIST)
		return err_sys(err, -errno, "%s/%s cannot be made", store->path, sha1);
	/* The stat comes after the rename, which changes the ctime. */
	if (renameat(store->fd, partial, store->fd, path) < 0 ||
	    fstatat(store->fd, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(err, -errno, "%s/%s cannot be put in its place", store->path, path);
	verified_take(&v, &st, sha1, version);
	r = write_record(store, &v, err);
	if (r == 0)
		r = sync_directory(store, sha1, err);
	if (r == 0)
		r = sync_directory(store, ".", err);
	if (r < 0)
		return r;
	memcpy(entry.sha1, v.sha1, sizeof(entry.sha1));
	memcpy(entry.version, v.version, sizeof(entry.version));
	clock_gettime(CLOCK_REALTIME, &entry.used);
	if (!store_find(store, sha1) && store->n < STORE_ENTRIES)
		store->entries[store->n++] = entry;
	return 0;
}

static int point_current(struct store *store, const char *target, struct err *err)
{
	unlinkat(store->fd, NEXT_LINK, 0);
	if (symlinkat(target, store->fd, NEXT_LINK) < 0 ||
	    renameat(store->fd, NEXT_LINK, store->fd, "current") < 0)
		return err_sys(err, -errno, "%s/current cannot be set", store->path);
	return sync_directory(store, ".", err);
}

/* Removes all but `sha1` and the ones that were used last. */
static void prune(struct store *store, const char *sha1)
{
	unsigned others = 0;

	for (;;) {
		struct store_entry *oldest = NULL;

		others = 0;
		for (size_t i = 0; i < store->n; i++) {
			struct store_entry *entry = &store->entries[i];

			if (strcmp(entry->sha1, sha1) == 0)
				continue;
			others++;
			if (!oldest || later(&oldest->used, &entry->used))
				oldest = entry;
		}
		if (others < STORE_KEPT)
			return;
		remove_version(store, oldest->sha1);
		*oldest = store->entries[--store->n];
	}
}

int store_use(struct store *store, const char *sha1, struct err *err)
{
	char record[SHA1_HEX + 16];
	int r = strcmp(store->current, sha1) == 0 ? 0 : point_current(store, sha1, err);

	if (r < 0)
		return r;
	snprintf(record, sizeof(record), "%s/verified", sha1);
	utimensat(store->fd, record, NULL, AT_SYMLINK_NOFOLLOW);
	for (size_t i = 0; i < store->n; i++)
		if (strcmp(store->entries[i].sha1, sha1) == 0)
			clock_gettime(CLOCK_REALTIME, &store->entries[i].used);
	memmove(store->current, sha1, SHA1_HEX);
	prune(store, store->current);
	return 0;
}

int store_use_directory(struct store *store, const char *directory, struct err *err)
{
	store->current[0] = '\0';
	return point_current(store, directory, err);
}

void store_close(struct store *store)
{
	if (store->lock_fd >= 0)
		close(store->lock_fd);
	if (store->fd >= 0)
		close(store->fd);
	free(store->path);
	*store = (struct store){.fd = -EBADF, .lock_fd = -EBADF};
}
