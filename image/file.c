#include "image/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"

int file_pread(int fd, void *bytes, size_t len, uint64_t offset)
{
	char *to = bytes;

	while (len > 0) {
		ssize_t n = pread(fd, to, len, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -ENODATA;
		to += n;
		len -= (size_t)n;
		offset += (uint64_t)n;
	}
	return 0;
}

int file_pwrite(int fd, const void *bytes, size_t len, uint64_t offset)
{
	const char *from = bytes;

	while (len > 0) {
		ssize_t n = pwrite(fd, from, len, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		from += n;
		len -= (size_t)n;
		offset += (uint64_t)n;
	}
	return 0;
}

int file_read(const char *path, size_t max, char **text, size_t *len, struct err *err)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	_cleanup_free_ char *bytes = NULL;
	struct stat st;
	int r;

	*text = NULL;
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(err, -errno, "cannot read %s", path);
	if (!S_ISREG(st.st_mode))
		return err_set(err, -EINVAL, "%s is no regular file", path);
	if ((uint64_t)st.st_size > max)
		return err_set(err, -EFBIG, "%s is bigger than %zu bytes", path, max);
	bytes = malloc((size_t)st.st_size + 1);
	if (!bytes)
		return err_set(err, -ENOMEM, "no memory for %s", path);
	r = file_pread(fd, bytes, (size_t)st.st_size, 0);
	if (r < 0)
		return err_sys(err, r, "cannot read %s", path);
	bytes[st.st_size] = '\0';
	*len = (size_t)st.st_size;
	*text = steal_ptr(&bytes);
	return 0;
}

int file_sync_directory(const char *path, struct err *err)
{
	const char *slash = strrchr(path, '/');
	_cleanup_free_ char *dir =
		slash ? strndup(path, slash == path ? 1 : (size_t)(slash - path)) : strdup(".");
	_cleanup_close_ int fd = -EBADF;

	if (!dir)
		return err_set(err, -ENOMEM, "no memory for a path");
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	/* Some file systems cannot do it, and say EINVAL: there is nothing better then. */
	if (fd < 0 || (fsync(fd) < 0 && errno != EINVAL))
		return err_sys(err, -errno, "cannot bring %s to the disk", dir);
	return 0;
}

int file_replace(const char *path, mode_t mode, const void *bytes, size_t len, struct err *err)
{
	_cleanup_free_ char *tmp = NULL;
	_cleanup_close_ int fd = -EBADF;
	int r;

	if (asprintf(&tmp, "%s.XXXXXX", path) < 0)
		return err_set(err, -ENOMEM, "no memory for a path");
	fd = mkostemp(tmp, O_CLOEXEC);
	if (fd < 0)
		return err_sys(err, -errno, "cannot write beside %s", path);
	r = file_pwrite(fd, bytes, len, 0);
	if (r >= 0 && (fchmod(fd, mode) < 0 || fsync(fd) < 0 || rename(tmp, path) < 0))
		r = -errno;
	if (r < 0) {
		unlink(tmp);
		return err_sys(err, r, "cannot write %s", path);
	}
	return file_sync_directory(path, err);
}
