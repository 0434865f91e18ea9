#include "image/verify.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/cleanup.h"
#include "image/archive.h"
#include "image/document.h"
#include "image/file.h"
#include "image/unpack.h"

#define BLOBS      "blobs/sha256/"
#define ENTRIES    (MANIFEST_LAYERS_MAX + 10)
#define CHUNK      (256u << 10)
#define SMALL_FILE (1u << 20)

struct listing {
	int fd;
	uint64_t size;
	struct archive_entry *entries;
	size_t n;
};

static void listing_free(struct listing *l)
{
	cleanup_close(&l->fd);
	free(l->entries);
}

static const struct archive_entry *find(const struct listing *l, const char *name)
{
	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->entries[i].name, name) == 0)
			return &l->entries[i];
	return NULL;
}

static const struct archive_entry *find_blob(const struct listing *l, const struct digest *digest)
{
	char name[sizeof(BLOBS) + DIGEST_TEXT_MAX];

	snprintf(name, sizeof(name), BLOBS "%s", digest_hex(digest));
	return find(l, name);
}

static bool is_expected(const struct archive_entry *e)
{
	if (e->type == '5')
		return strcmp(e->name, "blobs/") == 0 || strcmp(e->name, BLOBS) == 0;
	return e->type == '0' &&
	       (strcmp(e->name, "index.json") == 0 || strcmp(e->name, "oci-layout") == 0 ||
		(strncmp(e->name, BLOBS, strlen(BLOBS)) == 0 &&
		 strlen(e->name) == strlen(BLOBS) + 64));
}

static int list(const char *path, struct listing *l, struct err *err)
{
	struct stat st;
	uint64_t at = 0;
	int r;

	l->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (l->fd < 0 || fstat(l->fd, &st) < 0)
		return err_sys(err, -errno, "cannot read %s", path);
	if (!S_ISREG(st.st_mode))
		return err_set(err, -EINVAL, "%s is no regular file", path);
	l->size = (uint64_t)st.st_size;
	l->entries = calloc(ENTRIES, sizeof(*l->entries));
	if (!l->entries)
		return err_set(err, -ENOMEM, "no memory for a list");
	while ((r = archive_next(l->fd, &at, &l->entries[l->n])) == 1) {
		const struct archive_entry *e = &l->entries[l->n];

		if (!is_expected(e))
			return err_set(
				err, -EBADMSG,
				"it has \"%s\", which no archive of an image has: Proxmox would "
				"take it for something else",
				e->name);
		if (find(l, e->name))
			return err_set(err, -EBADMSG, "it has \"%s\" twice", e->name);
		if (e->offset + e->size > l->size)
			return err_set(err, -EBADMSG, "it is cut: \"%s\" goes on behind its end",
				       e->name);
		if (++l->n == ENTRIES)
			return err_set(err, -EBADMSG, "it has more than %d entries", ENTRIES);
	}
	if (r == -EBADMSG)
		return err_set(err, r, "it is no ustar archive, or is cut");
	return r < 0 ? err_sys(err, r, "cannot read %s", path) : 0;
}

/* A small file of it, whole. */
static int read_entry(const struct listing *l, const struct archive_entry *e, const char *name,
		      char **bytes, struct err *err)
{
	int r;

	*bytes = NULL;
	if (!e)
		return err_set(err, -EBADMSG, "it has no %s", name);
	if (e->size > DOCUMENT_MAX)
		return err_set(err, -EBADMSG, "its %s is bigger than %u bytes", name, DOCUMENT_MAX);
	*bytes = malloc(e->size + 1);
	if (!*bytes)
		return err_set(err, -ENOMEM, "no memory for %s", name);
	r = file_pread(l->fd, *bytes, e->size, e->offset);
	(*bytes)[e->size] = '\0';
	return r < 0 ? err_sys(err, r, "cannot read %s", name) : 0;
}

static int check_blob(const struct listing *l, const struct archive_entry *e, struct err *err)
{
	_cleanup_(hasher_free) struct hasher hasher = {0};
	_cleanup_free_ char *chunk = malloc(CHUNK);
	struct digest is;
	int r = chunk ? hasher_begin(&hasher, DIGEST_SHA256, err)
		      : err_set(err, -ENOMEM, "no memory for a blob");

	for (uint64_t at = 0; at < e->size && r >= 0;) {
		size_t n = e->size - at < CHUNK ? (size_t)(e->size - at) : CHUNK;

		r = file_pread(l->fd, chunk, n, e->offset + at);
		if (r < 0)
			return err_sys(err, r, "cannot read %s", e->name);
		r = hasher_add(&hasher, chunk, n, err);
		at += n;
	}
	if (r >= 0)
		r = hasher_end(&hasher, &is, err);
	if (r >= 0 && strcmp(digest_hex(&is), e->name + strlen(BLOBS)) != 0)
		return err_set(err, -EBADMSG, "the blob %s is damaged: it has the digest %s",
			       e->name + strlen(BLOBS), digest_hex(&is));
	return r;
}

static int check_blobs(const struct listing *l, struct err *err)
{
	int r = 0;

	for (size_t i = 0; i < l->n && r >= 0; i++)
		if (l->entries[i].type == '0' &&
		    strncmp(l->entries[i].name, BLOBS, strlen(BLOBS)) == 0)
			r = check_blob(l, &l->entries[i], err);
	return r;
}

static int check_layout(const struct listing *l, struct err *err)
{
	_cleanup_free_ char *bytes = NULL;
	_cleanup_(document_drop) json_t *object = NULL;
	const struct archive_entry *e = find(l, "oci-layout");
	const char *version;
	int r = read_entry(l, e, "oci-layout", &bytes, err);

	if (r >= 0)
		r = document_load(bytes, e->size, "oci-layout", &object, err);
	if (r >= 0)
		r = document_string(object, "imageLayoutVersion", "oci-layout", &version, err);
	if (r >= 0 && (!version || strcmp(version, "1.0.0") != 0))
		r = err_set(err, -EBADMSG, "its oci-layout is not of version 1.0.0");
	return r;
}

static int find_manifest(const struct listing *l, struct digest *digest, uint64_t *size,
			 struct err *err)
{
	_cleanup_free_ char *bytes = NULL;
	_cleanup_(index_free) struct index index = {0};
	const struct archive_entry *e = find(l, "index.json");
	int r = read_entry(l, e, "index.json", &bytes, err);

	if (r >= 0)
		r = index_read(bytes, e->size, &index, err);
	if (r < 0)
		return r;
	if (strcmp(index.entries[0].descriptor.media_type, MANIFEST_TYPE_OCI) != 0)
		return err_set(
			err, -EBADMSG,
			"its index.json begins with a \"%.80s\", and Proxmox takes the first "
			"entry only",
			index.entries[0].descriptor.media_type);
	*digest = index.entries[0].descriptor.digest;
	*size = index.entries[0].descriptor.size;
	return 0;
}

static int check_present(const struct listing *l, const struct descriptor *d, const char *what,
			 const struct archive_entry **e, struct err *err)
{
	*e = find_blob(l, &d->digest);
	if (!*e)
		return err_set(err, -EBADMSG, "%s is missing (%s)", what, d->digest.text);
	if ((*e)->size != d->size)
		return err_set(err, -EBADMSG, "%s has %llu bytes, and %llu are expected", what,
			       (unsigned long long)(*e)->size, (unsigned long long)d->size);
	return 0;
}

static int read_image(const struct listing *l, struct verified *v, struct err *err)
{
	_cleanup_free_ char *manifest = NULL;
	_cleanup_free_ char *config = NULL;
	const struct archive_entry *e;
	enum manifest_kind kind;
	uint64_t size = 0;
	int r = find_manifest(l, &v->manifest, &size, err);

	if (r < 0)
		return r;
	e = find_blob(l, &v->manifest);
	r = read_entry(l, e, "manifest", &manifest, err);
	if (r >= 0 && e->size != size)
		r = err_set(err, -EBADMSG, "its index.json has a wrong size of the manifest");
	if (r >= 0)
		r = manifest_kind(manifest, e->size, MANIFEST_TYPE_OCI, &kind, err);
	if (r >= 0)
		r = manifest_read(manifest, e->size, &v->image, err);
	if (r >= 0)
		r = check_present(l, &v->image.config, "the configuration", &e, err);
	if (r >= 0)
		r = read_entry(l, e, "configuration", &config, err);
	if (r >= 0)
		r = config_read(config, v->image.config.size, &v->config, err);
	if (r >= 0)
		r = config_check(&v->config, &v->config.platform, v->image.n, err);
	return r;
}

static int survey_layer(const struct listing *l, const struct archive_entry *e,
			enum layer_kind kind, const char *diff_id, struct survey *survey,
			uint64_t *left, struct err *err)
{
	_cleanup_(survey_layer_freep) struct survey_layer *layer = survey_layer_new(survey);
	int r;

	if (!layer)
		return err_set(err, -ENOMEM, "no memory to unpack it");
	r = unpack_read(l->fd, e->offset, e->size, kind, diff_id, left, survey_layer_add, layer,
			err);
	return r < 0 ? r : survey_layer_end(layer, err);
}

static int check_layers(const struct listing *l, struct verified *v, struct survey *survey,
			struct err *err)
{
	uint64_t left = UNPACK_MAX;

	for (size_t i = 0; i < v->image.n; i++) {
		const struct layer *layer = &v->image.layers[i];
		const struct archive_entry *e;
		char what[32];
		int r;

		snprintf(what, sizeof(what), "layer %zu", i + 1);
		r = check_present(l, &layer->descriptor, what, &e, err);
		if (r < 0)
			return r;
		if (!survey)
			continue;
		r = survey_layer(l, e, layer->kind, v->config.diff_ids.v[i], survey, &left, err);
		if (r < 0)
			return err_prefix(err, "%s", what);
	}
	return 0;
}

int verify_archive(const char *path, struct survey *survey, struct verified *v, struct err *err)
{
	_cleanup_(listing_free) struct listing l = {.fd = -EBADF};
	int r;

	*v = (struct verified){0};
	r = list(path, &l, err);
	v->size = l.size;
	if (r >= 0)
		r = check_layout(&l, err);
	/* The bytes first: then what they say can be believed. */
	if (r >= 0)
		r = check_blobs(&l, err);
	if (r >= 0)
		r = read_image(&l, v, err);
	if (r >= 0)
		r = check_layers(&l, v, survey, err);
	if (r == -EPROTO || r == -ENOTSUP)
		r = -EBADMSG;
	if (r < 0)
		verified_free(v);
	return r;
}

void verified_free(struct verified *v)
{
	manifest_free(&v->image);
	config_free(&v->config);
	*v = (struct verified){0};
}

__attribute__((format(printf, 2, 3))) static int warn(struct strv *warnings, const char *format,
						      ...)
{
	va_list args;
	char *text;
	int len;

	va_start(args, format);
	len = vasprintf(&text, format, args);
	va_end(args);
	return len < 0 ? -ENOMEM : strv_take(warnings, text);
}

static int warn_words(struct strv *warnings, const struct strv *words, const char *name)
{
	for (size_t i = 0; i < words->n; i++)
		if (strpbrk(words->v[i], " \t\n\"'"))
			return warn(
				warnings,
				"%s has a word with spaces or quotes, which Proxmox takes apart",
				name);
	return 0;
}

int verify_warnings(const struct config *config, struct strv *warnings)
{
	int r = warn_words(warnings, &config->entrypoint, "ENTRYPOINT");

	if (r >= 0)
		r = warn_words(warnings, &config->cmd, "CMD");
	if (r >= 0 && config->entrypoint.n + config->cmd.n == 0)
		r = warn(warnings, "there is no ENTRYPOINT and no CMD: Proxmox would start "
				   "/sbin/init");
	for (size_t i = 0; i < config->env.n && r >= 0; i++) {
		const char *entry = config->env.v[i];
		char name[64];

		snprintf(name, sizeof(name), "%.*s", (int)strcspn(entry, "="), entry);
		if (!strchr(entry, '=') ||
		    strspn(name,
			   "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") !=
			    strlen(name) ||
		    !*name)
			r = warn(warnings, "ENV has the name \"%s\", which Proxmox does not take",
				 name);
		else if (strpbrk(entry, "\n\r"))
			r = warn(warnings, "ENV %s has a newline, which Proxmox does not take",
				 name);
	}
	if (r >= 0 && config->stop_signal && strcmp(config->stop_signal, "SIGTERM") != 0 &&
	    strcmp(config->stop_signal, "15") != 0)
		r = warn(warnings, "STOPSIGNAL is %s, and Proxmox expects SIGTERM",
			 config->stop_signal);
	return r;
}
