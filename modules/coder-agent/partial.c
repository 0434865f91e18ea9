#include "modules/coder-agent/partial.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"

#define SUFFIX ".partial"

static void name_of(const char *sha1, char name[SHA1_HEX + 16])
{
	snprintf(name, SHA1_HEX + 16, "%s%s", sha1, SUFFIX);
}

/* "<sha1>.partial"? */
static bool parse_name(const char *name, char sha1[SHA1_HEX])
{
	size_t len = strlen(name);

	if (len != SHA1_HEX - 1 + strlen(SUFFIX) || strcmp(name + SHA1_HEX - 1, SUFFIX) != 0)
		return false;
	memcpy(sha1, name, SHA1_HEX - 1);
	sha1[SHA1_HEX - 1] = '\0';
	return etag_is_sha1(sha1);
}

static void forget(struct partial *partial)
{
	if (partial->fd >= 0)
		close(partial->fd);
	hash_free(&partial->hash);
	free(partial->buffer);
	*partial = (struct partial){.fd = -EBADF};
}

static int open_file(struct partial *partial, struct store *store, const char *sha1, int flags,
		     struct err *err)
{
	char name[SHA1_HEX + 16];
	struct stat st;
	int r;

	name_of(sha1, name);
	forget(partial);
	partial->store = store;
	memcpy(partial->sha1, sha1, SHA1_HEX);
	partial->buffer = malloc(PARTIAL_BUFFER);
	if (!partial->buffer)
		return err_sys(err, -ENOMEM, "nothing can be downloaded");
	/* Not executable before it is known what it is. O_NONBLOCK: it might be somebody's FIFO. */
	partial->fd = openat(store->fd, name,
			     O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | flags, 0600);
	if (partial->fd < 0 || fstat(partial->fd, &st) < 0)
		return err_sys(err, -errno, "%s/%s cannot be opened", store->path, name);
	if (!S_ISREG(st.st_mode))
		return err_set(err, -EINVAL, "%s/%s is no file", store->path, name);
	r = hash_begin(&partial->hash, err);
	return r;
}

static int resume(struct partial *partial, struct store *store, const char *sha1, struct err *err)
{
	int r = open_file(partial, store, sha1, 0, err);

	if (r == 0)
		r = hash_add_file(&partial->hash, partial->fd, &partial->size, err);
	if (r == 0 && pread(partial->fd, partial->head, ELF_HEAD, 0) != ELF_HEAD)
		r = err_set(err, -ENODATA, "too little of it is there");
	if (r == 0 && lseek(partial->fd, (off_t)partial->size, SEEK_SET) < 0)
		r = err_sys(err, -errno, "%s/%s" SUFFIX, store->path, sha1);
	if (r < 0)
		forget(partial);
	return r;
}

int partial_find(struct partial *partial, struct store *store, struct err *err)
{
	_cleanup_closedir_ DIR *dir = NULL;
	char newest[SHA1_HEX] = "", name[SHA1_HEX + 16];
	struct timespec newest_time = {0};
	int fd = openat(store->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	*partial = (struct partial){.fd = -EBADF};
	dir = fd >= 0 ? fdopendir(fd) : NULL;
	if (!dir) {
		int error = errno;

		if (fd >= 0)
			close(fd);
		return err_sys(err, -error, "%s cannot be read", store->path);
	}
	for (const struct dirent *d = readdir(dir); d; d = readdir(dir)) {
		char sha1[SHA1_HEX];
		struct stat st;

		if (!parse_name(d->d_name, sha1) ||
		    fstatat(store->fd, d->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		if (newest[0] && st.st_mtim.tv_sec <= newest_time.tv_sec) {
			unlinkat(store->fd, d->d_name, 0);
			continue;
		}
		if (newest[0]) {
			name_of(newest, name);
			unlinkat(store->fd, name, 0);
		}
		memcpy(newest, sha1, sizeof(newest));
		newest_time = st.st_mtim;
	}
	if (newest[0] && resume(partial, store, newest, NULL) < 0) {
		name_of(newest, name);
		unlinkat(store->fd, name, 0);
	}
	return 0;
}

int partial_begin(struct partial *partial, struct store *store, const char *sha1, struct err *err)
{
	if (partial->fd >= 0 && strcmp(partial->sha1, sha1) != 0)
		partial_drop(partial);
	return open_file(partial, store, sha1, O_TRUNC, err);
}

static int flush(struct partial *partial, struct err *err)
{
	size_t done = 0;

	while (done < partial->buffered) {
		ssize_t n = write(partial->fd, partial->buffer + done, partial->buffered - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			/* What was written is a beginning still; it must not come twice. */
			partial->buffered = 0;
			return err_sys(err, -errno, "%s/%s" SUFFIX " cannot be written",
				       partial->store->path, partial->sha1);
		}
		done += (size_t)n;
	}
	partial->buffered = 0;
	return 0;
}

int partial_add(struct partial *partial, const void *bytes, size_t len, struct err *err)
{
	const char *at = bytes;

	if (partial->size < ELF_HEAD) {
		size_t room = ELF_HEAD - partial->size;

		memcpy(partial->head + partial->size, at, len < room ? len : room);
	}
	while (len > 0) {
		size_t part = PARTIAL_BUFFER - partial->buffered;
		int r;

		if (part > len)
			part = len;
		memcpy(partial->buffer + partial->buffered, at, part);
		partial->buffered += part;
		partial->size += part;
		at += part;
		len -= part;
		if (partial->buffered < PARTIAL_BUFFER)
			break;
		r = hash_add(&partial->hash, partial->buffer, partial->buffered, err);
		if (r == 0)
			r = flush(partial, err);
		if (r < 0)
			return r;
	}
	return 0;
}

bool partial_is_whole(const struct partial *partial)
{
	char found[SHA1_HEX];

	return partial->fd >= 0 && partial->buffered == 0 &&
	       hash_peek(&partial->hash, found, NULL) == 0 && strcmp(found, partial->sha1) == 0;
}

int partial_finish(struct partial *partial, struct err *err)
{
	char found[SHA1_HEX];
	int r = hash_add(&partial->hash, partial->buffer, partial->buffered, err);

	if (r == 0)
		r = flush(partial, err);
	if (r == 0)
		r = hash_peek(&partial->hash, found, err);
	if (r < 0)
		return r;
	if (strcmp(found, partial->sha1) != 0)
		return err_set(err, -EBADMSG, "its SHA-1 is %s, the server's ETag says %s", found,
			       partial->sha1);
	if (fchmod(partial->fd, 0755) < 0 || fsync(partial->fd) < 0)
		return err_sys(err, -errno, "%s/%s" SUFFIX " cannot be made durable",
			       partial->store->path, partial->sha1);
	/* Open for writing, it could not be executed (ETXTBSY). */
	close(steal_fd(&partial->fd));
	return 0;
}

void partial_leave(struct partial *partial)
{
	if (partial->fd >= 0)
		(void)flush(partial, NULL);
	forget(partial);
}

void partial_drop(struct partial *partial)
{
	char name[SHA1_HEX + 16];

	if (partial->sha1[0]) {
		name_of(partial->sha1, name);
		unlinkat(partial->store->fd, name, 0);
	}
	forget(partial);
}
