/*
 * transfer_local.c - the blobs that are here already: in the partial file of an earlier run, or in
 * another archive. Both are read back, and count only with the right digest. What another archive
 * has is shared with it where the file system can, and else copied.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "image/file.h"
#include "image/transfer.h"

#define CHUNK (256u << 10)

static bool is_known(const struct archive_blob *blob, const struct digest *const *known)
{
	for (; *known; known++)
		if (digest_is(&blob->digest, *known))
			return true;
	return false;
}

int transfer_plan(struct transfer *t, const struct digest *const *known, struct err *err)
{
	t->blobs = calloc(t->archive->n, sizeof(*t->blobs));
	if (!t->blobs)
		return err_set(err, -ENOMEM, "no memory for the blobs");
	for (size_t i = 0; i < t->archive->n; i++) {
		struct transfer_blob *b = &t->blobs[t->n];
		int r;

		if (is_known(&t->archive->blobs[i], known))
			continue;
		b->blob = &t->archive->blobs[i];
		b->index = i;
		b->transfer = t;
		t->n++;
		t->total += b->blob->size;
		r = transfer_reset(b, err);
		if (r < 0)
			return r;
	}
	return 0;
}

void transfer_free(struct transfer *t)
{
	for (size_t i = 0; i < t->n; i++)
		hasher_free(&t->blobs[i].hasher);
	free(t->blobs);
	t->blobs = NULL;
	t->n = 0;
}

int transfer_reset(struct transfer_blob *b, struct err *err)
{
	b->transfer->all_done -= b->at;
	b->at = b->noted = 0;
	b->resumed = false;
	return hasher_begin(&b->hasher, b->blob->digest.kind, err);
}

int transfer_check(struct transfer_blob *b, struct err *err)
{
	struct digest is;
	int r = hasher_end(&b->hasher, &is, err);

	return r < 0 ? r : digest_is(&is, &b->blob->digest);
}

void transfer_tell(const struct transfer_blob *b, enum fetch_event_kind kind)
{
	const struct transfer *t = b->transfer;
	const struct fetch_event event = {
		.kind = kind,
		.source = b->source,
		.index = (unsigned)(b - t->blobs),
		.of = (unsigned)t->n,
		.digest = b->blob->digest.text,
		.done = b->at,
		.size = b->blob->size,
		.all_done = t->all_done,
		.total = t->total,
	};

	if (t->client->fn)
		t->client->fn(t->client->arg, &event);
}

void transfer_done(struct transfer_blob *b, enum fetch_source source)
{
	b->state = TRANSFER_DONE;
	b->source = source;
	journal_note(b->transfer->journal, b->index, b->blob->size);
	transfer_tell(b, FETCH_BLOB_DONE);
}

/* Hashes the first `len` bytes of the blob, which lie at `offset` of `fd`, and writes them into
 * their place when `fd` is another file. */
static int take(struct transfer_blob *b, int fd, uint64_t offset, uint64_t len, struct err *err)
{
	struct transfer *t = b->transfer;
	_cleanup_free_ char *chunk = malloc(CHUNK);

	if (!chunk)
		return err_set(err, -ENOMEM, "no memory for a copy");
	while (b->at < len) {
		size_t n = len - b->at < CHUNK ? (size_t)(len - b->at) : CHUNK;
		int r;

		if (http_cancelled(t->client->http))
			return err_set(err, -ECANCELED, "it was interrupted");
		r = file_pread(fd, chunk, n, offset + b->at);
		if (r < 0)
			return err_sys(err, r, "cannot read back a blob");
		if (fd != t->fd)
			r = file_pwrite(t->fd, chunk, n, b->blob->offset + b->at);
		if (r < 0)
			return err_sys(err, r, "cannot write the archive");
		r = hasher_add(&b->hasher, chunk, n, err);
		if (r < 0)
			return r;
		b->at += n;
		t->all_done += n;
		b->source = fd == t->fd ? FETCH_FROM_PARTIAL : FETCH_FROM_LOCAL;
		transfer_tell(b, FETCH_READ_BACK);
	}
	return 0;
}

static int copy_range(struct transfer_blob *b, int fd, uint64_t offset, uint64_t from, uint64_t to)
{
	char bytes[4096];

	while (from < to) {
		size_t n = to - from < sizeof(bytes) ? (size_t)(to - from) : sizeof(bytes);
		int r = file_pread(fd, bytes, n, offset + from);

		if (r == 0)
			r = file_pwrite(b->transfer->fd, bytes, n, b->blob->offset + from);
		if (r < 0)
			return r;
		from += n;
	}
	return 0;
}

/* Only whole blocks of the file system can be shared (ioctl_ficlonerange(2)), and only where both
 * begin at the same place within one. False: it was not, and nothing is lost. */
static bool share(struct transfer_blob *b, int fd, uint64_t offset, uint64_t len)
{
	uint64_t to = b->blob->offset;
	struct file_clone_range range;
	uint64_t block, begin, end;
	struct stat st;

	if (fstat(b->transfer->fd, &st) < 0 || st.st_blksize < 512)
		return false;
	block = (uint64_t)st.st_blksize;
	begin = (block - to % block) % block;
	if (offset % block != to % block || begin >= len)
		return false;
	end = len - (to + len) % block;
	if (end <= begin)
		return false;
	range = (struct file_clone_range){.src_fd = fd,
					  .src_offset = offset + begin,
					  .src_length = end - begin,
					  .dest_offset = to + begin};
	return ioctl(b->transfer->fd, FICLONERANGE, &range) == 0 &&
	       copy_range(b, fd, offset, 0, begin) == 0 && copy_range(b, fd, offset, end, len) == 0;
}

int transfer_resume(struct transfer *t, struct err *err)
{
	for (size_t i = 0; i < t->n; i++) {
		struct transfer_blob *b = &t->blobs[i];
		uint64_t had = t->journal->at[b->index];
		int r;

		if (had == 0)
			continue;
		r = take(b, t->fd, b->blob->offset, had, err);
		if (r < 0)
			return r;
		b->resumed = true;
		b->noted = had;
		if (had < b->blob->size) {
			t->resumed += had;
			continue;
		}
		r = transfer_check(b, err);
		if (r < 0)
			return r;
		if (r == 1) {
			t->resumed += had;
			transfer_done(b, FETCH_FROM_PARTIAL);
		} else {
			r = transfer_reset(b, err);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

static struct transfer_blob *wanted(struct transfer *t, const struct archive_entry *entry)
{
	static const char dir[] = "blobs/sha256/";

	if (entry->type != '0' || strncmp(entry->name, dir, sizeof(dir) - 1) != 0)
		return NULL;
	for (size_t i = 0; i < t->n; i++) {
		struct transfer_blob *b = &t->blobs[i];

		if (b->state == TRANSFER_WAITING && b->blob->size == entry->size &&
		    b->blob->digest.kind == DIGEST_SHA256 &&
		    strcmp(digest_hex(&b->blob->digest), entry->name + sizeof(dir) - 1) == 0)
			return b;
	}
	return NULL;
}

/* -EBADMSG and a read error are the other file's fault, and no reason to give up. */
static int copy_one(struct transfer_blob *b, int fd, const struct archive_entry *entry,
		    struct err *err)
{
	int r = transfer_reset(b, err);

	if (r < 0)
		return r;
	/* What is shared is hashed where it is ours: nobody changes it there any more. */
	if (share(b, fd, entry->offset, entry->size))
		r = take(b, b->transfer->fd, b->blob->offset, entry->size, err);
	else
		r = take(b, fd, entry->offset, entry->size, err);
	if (r == -ENOSPC || r == -ENOMEM || r == -ECANCELED)
		return r;
	if (r >= 0)
		r = transfer_check(b, err);
	if (r == 1) {
		b->transfer->copied += entry->size;
		transfer_done(b, FETCH_FROM_LOCAL);
		return 0;
	}
	return transfer_reset(b, err);
}

int transfer_copy(struct transfer *t, const char *path, struct err *err)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct archive_entry entry;
	struct stat st;
	uint64_t at = 0;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return 0;
	while (archive_next(fd, &at, &entry) == 1) {
		struct transfer_blob *b = wanted(t, &entry);
		int r = b ? copy_one(b, fd, &entry, err) : 0;

		if (r < 0)
			return r;
	}
	return 0;
}
