#include "image/unpack.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>
#include <zstd.h>

#include "common/cleanup.h"
#include "image/file.h"

#define IN_BYTES  (128u << 10)
#define OUT_BYTES (256u << 10)

struct unpack {
	enum layer_kind kind;
	unpack_sink_fn *sink;
	void *arg;
	unsigned char *out;
	uint64_t own, *left; /* bytes that may still come out; `left` is `own`, or somebody's */
	struct hasher hasher;
	z_stream gzip;
	bool gzip_begun, ended;
	ZSTD_DStream *zstd;
};

void unpack_freep(struct unpack **unpack)
{
	struct unpack *u = *unpack;

	if (!u)
		return;
	if (u->gzip_begun)
		inflateEnd(&u->gzip);
	ZSTD_freeDStream(u->zstd);
	hasher_free(&u->hasher);
	free(u->out);
	free(u);
	*unpack = NULL;
}

static int tell(struct unpack *u, const void *bytes, size_t len, struct err *err)
{
	int r;

	if (len > *u->left)
		return err_set(err, -EBADMSG,
			       "it cannot be unpacked: more comes out than any image has (%llu "
			       "GiB)",
			       UNPACK_MAX >> 30);
	*u->left -= len;
	r = hasher_add(&u->hasher, bytes, len, err);
	return r >= 0 && u->sink && len > 0 ? u->sink(u->arg, bytes, len, err) : r;
}

static int inflate_some(struct unpack *u, const void *bytes, size_t n, struct err *err)
{
	/* It does not write there: ZLIB_CONST says so, and would be for the whole file. */
	u->gzip.next_in = (unsigned char *)(uintptr_t)bytes;
	u->gzip.avail_in = (unsigned)n;
	do {
		int z;
		int r;

		/* A gzip file may be several, one behind the other. */
		if (u->ended && u->gzip.avail_in && inflateReset(&u->gzip) != Z_OK)
			return err_set(err, -EBADMSG, "it cannot be unpacked");
		u->gzip.next_out = u->out;
		u->gzip.avail_out = OUT_BYTES;
		z = inflate(&u->gzip, Z_NO_FLUSH);
		if (z != Z_OK && z != Z_STREAM_END && z != Z_BUF_ERROR)
			return err_set(err, -EBADMSG, "it cannot be unpacked: %s",
				       u->gzip.msg ? u->gzip.msg : "no gzip");
		u->ended = z == Z_STREAM_END;
		r = tell(u, u->out, OUT_BYTES - u->gzip.avail_out, err);
		if (r < 0)
			return r;
	} while (u->gzip.avail_in || u->gzip.avail_out == 0);
	return 0;
}

static int zstd_some(struct unpack *u, const void *bytes, size_t n, struct err *err)
{
	ZSTD_inBuffer in = {bytes, n, 0};
	ZSTD_outBuffer out;
	size_t z;

	do {
		int r;

		out = (ZSTD_outBuffer){u->out, OUT_BYTES, 0};
		z = ZSTD_decompressStream(u->zstd, &out, &in);
		if (ZSTD_isError(z))
			return err_set(err, -EBADMSG, "it cannot be unpacked: %s",
				       ZSTD_getErrorName(z));
		u->ended = z == 0;
		r = tell(u, u->out, out.pos, err);
		if (r < 0)
			return r;
		/* Behind the end of a frame, another call would begin the next one, and find it
		 * cut. */
	} while (in.pos < in.size || (z != 0 && out.pos == out.size));
	return 0;
}

struct unpack *unpack_new(enum layer_kind kind, unpack_sink_fn *sink, void *arg)
{
	_cleanup_(unpack_freep) struct unpack *u = calloc(1, sizeof(*u));

	if (!u)
		return NULL;
	*u = (struct unpack){.kind = kind,
			     .sink = sink,
			     .arg = arg,
			     .own = UNPACK_MAX,
			     .out = malloc(OUT_BYTES)};
	u->left = &u->own;
	/* 16: gzip only. */
	if (kind == LAYER_GZIP)
		u->gzip_begun = inflateInit2(&u->gzip, 15 + 16) == Z_OK;
	if (kind == LAYER_ZSTD)
		u->zstd = ZSTD_createDStream();
	if (!u->out || (kind == LAYER_GZIP && !u->gzip_begun) || (kind == LAYER_ZSTD && !u->zstd) ||
	    hasher_begin(&u->hasher, DIGEST_SHA256, NULL) < 0)
		return NULL;
	return steal_ptr(&u);
}

void unpack_limit(struct unpack *u, uint64_t *left)
{
	u->left = left;
}

int unpack_add(struct unpack *u, const void *bytes, size_t len, struct err *err)
{
	static int (*const some[])(struct unpack *, const void *, size_t, struct err *) = {
		[LAYER_TAR] = tell, [LAYER_GZIP] = inflate_some, [LAYER_ZSTD] = zstd_some};

	return len > 0 ? some[u->kind](u, bytes, len, err) : 0;
}

int unpack_end(struct unpack *u, const char *diff_id, struct err *err)
{
	struct digest is;
	int r;

	if (u->kind != LAYER_TAR && !u->ended)
		return err_set(err, -EBADMSG, "it cannot be unpacked: it is cut");
	r = hasher_end(&u->hasher, &is, err);
	if (r >= 0 && strcmp(is.text, diff_id) != 0)
		return err_set(err, -EBADMSG,
			       "its content is not what the configuration says (%s, and %s was "
			       "expected)",
			       is.text, diff_id);
	return r;
}

int unpack_read(int fd, uint64_t offset, uint64_t size, enum layer_kind kind, const char *diff_id,
		uint64_t *left, unpack_sink_fn *sink, void *arg, struct err *err)
{
	_cleanup_(unpack_freep) struct unpack *u = unpack_new(kind, sink, arg);
	_cleanup_free_ unsigned char *in = malloc(IN_BYTES);
	int r = 0;

	if (!u || !in)
		return err_set(err, -ENOMEM, "no memory to unpack it");
	unpack_limit(u, left);
	while (r >= 0 && size > 0) {
		size_t n = size < IN_BYTES ? (size_t)size : IN_BYTES;

		r = file_pread(fd, in, n, offset);
		if (r < 0)
			return err_sys(err, r, "cannot read it back");
		r = unpack_add(u, in, n, err);
		offset += n;
		size -= n;
	}
	return r < 0 ? r : unpack_end(u, diff_id, err);
}

int unpack_check(int fd, uint64_t offset, uint64_t size, enum layer_kind kind, const char *diff_id,
		 struct err *err)
{
	uint64_t left = UNPACK_MAX;

	return unpack_read(fd, offset, size, kind, diff_id, &left, NULL, NULL, err);
}
