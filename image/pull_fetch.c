#include "image/pull_fetch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/strv.h"
#include "image/archive.h"
#include "image/child.h"
#include "image/document.h"
#include "image/file.h"
#include "image/storage.h"
#include "image/volume.h"

/* "http_proxy: URL" of datacenter.cfg; NULL when there is none. */
static char *proxy_of_proxmox(void)
{
	_cleanup_free_ char *path = NULL, *text = NULL;
	size_t len = 0;

	if (asprintf(&path, "%s/datacenter.cfg", storage_pve()) < 0) {
		path = NULL;
		return NULL;
	}
	if (file_read(path, STORAGE_TEXT_MAX, &text, &len, NULL) < 0 || !text)
		return NULL;
	for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n')
		if (strncmp(line, "http_proxy:", 11) == 0) {
			line += 11;
			line += strspn(line, " \t");
			return strndup(line, strcspn(line, " \t\r\n"));
		}
	return NULL;
}

int pull_fetch_token(struct options *options, struct err *err)
{
	const char *const argv[] = {"gh", "auth", "token", NULL};
	_cleanup_(child_result_free) struct child_result result = {0};
	struct child child = {.argv = argv, .silence = 30, .max = 4096};
	int r;

	if (!options->use_gh)
		return 0;
	r = child_run(&child, &result, err);
	if (r == -ENOENT)
		return err_set(err, r,
			       "--use-gh-auth-token needs the program gh: install it, or put "
			       "a token into GH_TOKEN");
	if (r < 0)
		return r;
	result.out[strcspn(result.out, " \t\r\n")] = '\0';
	if (result.status != 0 || !*result.out)
		return err_set(err, -EACCES,
			       "`gh auth token` gives no token: log in by `gh auth login`");
	if (options->gh_token)
		explicit_bzero(options->gh_token, strlen(options->gh_token));
	free(options->gh_token);
	options->gh_token = strdup(result.out);
	explicit_bzero(result.out, result.out_len);
	return options->gh_token ? 0 : err_set(err, -ENOMEM, "out of memory");
}

int pull_fetch_open(const struct options *options, fetch_event_fn *fn, void *arg,
		    struct fetch_session **session, struct err *err)
{
	_cleanup_free_ char *proxy = proxy_of_proxmox(), *ghcr = NULL;
	struct fetch_options how = options_fetch(options);
	int r;

	/* ghcr.io looks at the token only, and takes any name. */
	if (options->gh_token &&
	    asprintf(&ghcr, "%s:%s", options->gh_username ? options->gh_username : "hakim",
		     options->gh_token) < 0) {
		ghcr = NULL;
		return err_set(err, -ENOMEM, "out of memory");
	}
	how.ghcr_creds = ghcr;
	how.proxy = proxy && *proxy ? proxy : NULL;
	r = fetch_session_open(&how, fn, arg, session, err);
	if (ghcr)
		explicit_bzero(ghcr, strlen(ghcr));
	return r;
}

static int find_locals(const char *directory, struct strv *locals, struct err *err)
{
	_cleanup_(volumes_free) struct volumes list = {0};
	int r = volumes_read(directory, "", &list, err);

	for (size_t i = 0; r == 0 && i < list.n; i++) {
		char *path = NULL;

		if (asprintf(&path, "%s/%s", directory, list.v[i].file) < 0)
			path = NULL;
		r = strv_take(locals, path);
		if (r < 0)
			err_set(err, r, "out of memory");
	}
	return r;
}

int pull_fetch_direct(struct fetch_session *session, const struct target *target,
		      const char *directory, bool (*cancelled)(void *arg), void *arg,
		      struct fetch_result *result, struct err *err)
{
	_cleanup_free_ char *path = NULL;
	_cleanup_(strv_free) struct strv locals = {0};
	struct fetch_job job = {.ref = &target->ref,
				.replace = true,
				.wait = true,
				.mode = 0644,
				.cancelled = cancelled,
				.cancelled_arg = arg};
	int r = find_locals(directory, &locals, err);

	if (r < 0)
		return r;
	if (asprintf(&path, "%s/%s", directory, target->file) < 0) {
		path = NULL;
		return err_set(err, -ENOMEM, "out of memory");
	}
	job.path = path;
	job.locals = (const char *const *)locals.v;
	return fetch_archive(session, &job, result, err);
}

void pull_upload_free(struct pull_upload *upload)
{
	if (upload->path)
		unlink(upload->path);
	free(upload->path);
	upload->path = NULL;
}

static int hash_file(const char *path, bool (*cancelled)(void *arg), void *arg, char hex[65],
		     struct err *err)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	_cleanup_free_ char *buf = malloc(1 << 18);
	_cleanup_(hasher_free) struct hasher hasher = {0};
	struct digest digest;
	ssize_t n = 1;
	int r;

	if (fd < 0 || !buf)
		return err_sys(err, fd < 0 ? -errno : -ENOMEM, "cannot read %s", path);
	r = hasher_begin(&hasher, DIGEST_SHA256, err);
	while (r == 0 && n > 0) {
		n = read(fd, buf, 1 << 18);
		if (cancelled && cancelled(arg))
			r = err_set(err, -ECANCELED, "it was interrupted");
		else if (n < 0 && errno == EINTR)
			n = 1;
		else if (n < 0)
			r = err_sys(err, -errno, "cannot read %s", path);
		else
			r = hasher_add(&hasher, buf, (size_t)n, err);
	}
	if (r == 0)
		r = hasher_end(&hasher, &digest, err);
	if (r == 0)
		snprintf(hex, 65, "%s", digest_hex(&digest));
	return r;
}

int pull_fetch_upload(struct fetch_session *session, const struct target *target,
		      bool (*cancelled)(void *arg), void *arg, struct pull_upload *upload,
		      struct fetch_result *result, struct err *err)
{
	const char *tmp = getenv("TMPDIR");
	_cleanup_free_ char *directory = NULL, *path = NULL;
	struct fetch_job job = {.ref = &target->ref,
				.replace = true,
				.wait = true,
				.mode = 0600,
				.cancelled = cancelled,
				.cancelled_arg = arg};
	struct stat st;
	int r;

	/* Private, and of a name that the next run finds again. */
	if (asprintf(&directory, "%s/hakim-%u", tmp && *tmp == '/' ? tmp : "/var/tmp", getuid()) <
	    0)
		directory = NULL;
	if (!directory || asprintf(&path, "%s/%s", directory, target->file) < 0) {
		path = NULL;
		return err_set(err, -ENOMEM, "out of memory");
	}
	if ((mkdir(directory, 0700) < 0 && errno != EEXIST) || lstat(directory, &st) < 0)
		return err_sys(err, -errno, "cannot make %s", directory);
	if (!S_ISDIR(st.st_mode) || st.st_uid != getuid() || (st.st_mode & 0077))
		return err_set(err, -EPERM, "%s is not a private directory of ours: remove it",
			       directory);
	job.path = path;
	r = fetch_archive(session, &job, result, err);
	if (r == 0)
		r = hash_file(path, cancelled, arg, upload->sha256, err);
	if (r == 0)
		upload->path = steal_ptr(&path);
	return r;
}

int pull_fetch_manifest(const char *path, struct digest *digest, struct err *err)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct archive_entry entry;
	uint64_t at = 0;
	int r;

	if (fd < 0)
		return err_sys(err, -errno, "cannot read %s", path);
	while ((r = archive_next(fd, &at, &entry)) > 0) {
		_cleanup_free_ char *text = NULL;
		_cleanup_(document_drop) json_t *index = NULL;
		struct descriptor descriptor;

		if (strcmp(entry.name, "index.json") != 0)
			continue;
		if (entry.size > DOCUMENT_MAX)
			return err_set(err, -EBADMSG, "the index of %s is too big", path);
		text = malloc(entry.size + 1);
		if (!text)
			return err_set(err, -ENOMEM, "out of memory");
		r = file_pread(fd, text, entry.size, entry.offset);
		if (r < 0)
			return err_sys(err, r, "cannot read %s", path);
		r = document_load(text, entry.size, "the index", &index, err);
		if (r == 0)
			r = descriptor_read(json_array_get(json_object_get(index, "manifests"), 0),
					    "the manifest", &descriptor, err);
		if (r == 0)
			*digest = descriptor.digest;
		return r;
	}
	return err_set(err, r < 0 ? r : -EBADMSG, "%s is no archive of an image", path);
}
