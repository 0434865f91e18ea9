#include "supervisor/credential.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "supervisor/remove_tree.h"

/* Where LoadCredential=ID, without a path, looks. */
static const char *const stores[] = {"/etc/credstore", "/run/credstore", "/usr/local/lib/credstore",
				     "/usr/lib/credstore"};

/* What the container was given, systemd.system-credentials(7). */
#define SYSTEM_STORE CREDENTIALS_ROOT "/@system"
#define IMPORTS_MAX  256

bool credential_id_valid(const char *id)
{
	size_t len = strlen(id);

	return len > 0 && len < 200 && !strpbrk(id, "/:\n") && strcmp(id, ".") != 0 &&
	       strcmp(id, "..") != 0;
}

static bool in_memory(const char *path)
{
	struct statfs fs;

	return statfs(path, &fs) == 0 && (fs.f_type == TMPFS_MAGIC || fs.f_type == RAMFS_MAGIC);
}

/* One file system for the credentials of all services. */
static int root_make(int *degraded, struct err *err)
{
	if (mkdir(CREDENTIALS_ROOT, 0711) < 0 && errno != EEXIST)
		return err_sys(err, -errno, CREDENTIALS_ROOT " cannot be made");
	if (in_memory(CREDENTIALS_ROOT))
		return 0;
	/* It must not be hidden by what is mounted over it. */
	if (access(SYSTEM_STORE, F_OK) == 0) {
		*degraded = EBUSY;
		return 0;
	}
	if (mount("tmpfs", CREDENTIALS_ROOT, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC,
		  "mode=0711,size=64M") < 0)
		*degraded = errno;
	return 0;
}

/* No FIFO, no device and no socket: none of them may hold the loop up. */
static int source_open(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		close(fd);
		return -EINVAL;
	}
	return fd;
}

static int source_find(const struct credential *c)
{
	const char *name = *c->from ? c->from : c->id;
	int r = -ENOENT;

	if (*name == '/')
		return source_open(name);
	for (size_t i = 0; i < ARRAY_LEN(stores) && r == -ENOENT; i++) {
		char path[512];

		snprintf(path, sizeof(path), "%s/%s", stores[i], name);
		r = source_open(path);
	}
	return r;
}

static int write_all(int fd, const char *data, size_t size)
{
	while (size) {
		ssize_t n = write(fd, data, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		data += n;
		size -= (size_t)n;
	}
	return 0;
}

static int copy_all(int from, int to, size_t *budget)
{
	char buf[4096];
	ssize_t n;
	int r = 0;

	while (r == 0 && (n = read(from, buf, sizeof(buf))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			r = -errno;
		else if ((size_t)n > *budget)
			r = -E2BIG;
		else
			r = write_all(to, buf, (size_t)n);
		if (r == 0)
			*budget -= (size_t)n;
	}
	explicit_bzero(buf, sizeof(buf));
	return r;
}

/* Under another name first: a process that is started meanwhile sees the old one or the new one. */
static int put(int dir, const struct credential *c, int source, const struct identity *id,
	       size_t *budget)
{
	_cleanup_close_ int fd = -EBADF;
	int r;

	unlinkat(dir, ".new", 0);
	fd = openat(dir, ".new", O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0400);
	if (fd < 0)
		return -errno;
	if (source >= 0) {
		r = copy_all(source, fd, budget);
	} else if (c->size > *budget) {
		r = -E2BIG;
	} else {
		r = write_all(fd, c->data, c->size);
		*budget -= c->size;
	}
	if (r == 0 && id->set && fchown(fd, id->uid, id->gid) < 0)
		r = -errno;
	if (r == 0 && fchmod(fd, 0400) < 0)
		r = -errno;
	if (r == 0 && renameat(dir, ".new", dir, c->id) < 0)
		r = -errno;
	if (r < 0)
		unlinkat(dir, ".new", 0);
	return r;
}

/* LoadCredential= wins, SetCredential= of the same name is what counts where its file is missing.
 */
static const struct credential *fallback(const struct unit_sandbox *s, const struct credential *c)
{
	for (size_t i = 0; i < s->n_credentials; i++)
		if (!s->credentials[i].from && strcmp(s->credentials[i].id, c->id) == 0)
			return &s->credentials[i];
	return NULL;
}

static bool is_imported(const struct unit_sandbox *s, const char *name)
{
	for (size_t i = 0; i < s->n_credentials; i++)
		if (s->credentials[i].from && strcmp(s->credentials[i].id, name) == 0)
			return false;
	for (size_t i = 0; i < s->imports.n; i++)
		if (fnmatch(s->imports.v[i], name, FNM_PERIOD) == 0)
			return credential_id_valid(name);
	return false;
}

/* Of one store: what matches and was in no earlier one. A store that is not there has none. */
static int import_store(int dir, const char *store, const struct unit_sandbox *s,
			const struct identity *id, size_t *budget, struct strv *taken,
			struct err *err)
{
	DIR *entries = opendir(store);
	struct dirent *entry;
	int r = 0;

	if (!entries && errno != ENOENT && errno != ENOTDIR)
		return err_sys(err, errno == EMFILE || errno == ENFILE ? -EAGAIN : -errno,
			       "ImportCredential=: %s cannot be read", store);
	while (r == 0 && entries && (errno = 0, entry = readdir(entries))) {
		struct credential c = {.id = entry->d_name};
		_cleanup_close_ int source = -EBADF;
		char path[512];

		if (!is_imported(s, c.id) || strv_has(taken, c.id))
			continue;
		snprintf(path, sizeof(path), "%s/%s", store, c.id);
		source = source_open(path);
		/* A directory of that name, or one that has gone meanwhile, is none. */
		if (source == -EINVAL || source == -ENOENT)
			continue;
		r = source < 0                ? source
		    : taken->n >= IMPORTS_MAX ? -E2BIG
					      : put(dir, &c, source, id, budget);
		if (r == 0)
			r = strv_add(taken, c.id);
		if (r < 0)
			err_sys(err, r, "ImportCredential=%s", c.id);
	}
	if (r == 0 && entries && errno)
		r = err_sys(err, -errno, "ImportCredential=: %s cannot be read", store);
	if (entries)
		closedir(entries);
	return r;
}

static int import_all(int dir, const struct unit_sandbox *s, const struct identity *id,
		      size_t *budget, struct strv *taken, struct err *err)
{
	int r;

	if (!s->imports.n)
		return 0;
	r = import_store(dir, SYSTEM_STORE, s, id, budget, taken, err);
	for (size_t i = 0; i < ARRAY_LEN(stores) && r == 0; i++)
		r = import_store(dir, stores[i], s, id, budget, taken, err);
	return r;
}

static int put_all(int dir, const struct unit_sandbox *s, const struct identity *id,
		   struct err *err)
{
	_cleanup_(strv_free) struct strv taken = {0};
	size_t budget = CREDENTIALS_MAX;

	for (unsigned pass = 0; pass < 2; pass++) {
		/* Later ones are written over earlier ones: set, imported, loaded. */
		int imported = pass ? import_all(dir, s, id, &budget, &taken, err) : 0;

		if (imported < 0)
			return imported;
		for (size_t i = 0; i < s->n_credentials; i++) {
			const struct credential *c = &s->credentials[i];
			_cleanup_close_ int source = -EBADF;
			int r;

			if ((pass == 0) != !c->from)
				continue;
			source = c->from ? source_find(c) : -EBADF;
			if (source == -ENOENT && fallback(s, c))
				continue;
			r = c->from && source < 0 ? source : put(dir, c, source, id, &budget);
			if (r == -EINVAL)
				return err_set(err, r,
					       "LoadCredential=%s: only regular files are read",
					       c->id);
			if (r < 0)
				return err_sys(err, r, "credential %s", c->id);
		}
	}
	return 0;
}

int credentials_make(const char *unit, const struct unit_sandbox *s, const struct identity *id,
		     struct strv *env, int *degraded, struct err *err)
{
	_cleanup_close_ int dir = -EBADF;
	char path[160];
	int r;

	*degraded = 0;
	if (!s->n_credentials && !s->imports.n)
		return 0;
	r = root_make(degraded, err);
	if (r < 0)
		return r;
	snprintf(path, sizeof(path), CREDENTIALS_ROOT "/%s", unit);
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return err_sys(err, -errno, "%s cannot be made", path);
	dir = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir < 0)
		return err_sys(err, -errno, "%s cannot be opened", path);
	r = put_all(dir, s, id, err);
	if (r < 0)
		return r;
	if ((id->set && fchown(dir, id->uid, id->gid) < 0) || fchmod(dir, 0500) < 0)
		return err_sys(err, -errno, "%s cannot be given to the user", path);
	r = strv_env_set(env, "CREDENTIALS_DIRECTORY", path);
	return r < 0 ? err_sys(err, r, "its environment") : 0;
}

void credentials_end(const char *unit, const struct unit_sandbox *s)
{
	if (s->n_credentials || s->imports.n)
		remove_tree(CREDENTIALS_ROOT, unit);
}
