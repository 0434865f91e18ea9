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
	int fd;
	uint64_t offset, left;
	unsigned char *in, *out;
	struct hasher hasher;
	z_stream gzip;
	bool gzip_begun, ended;
	ZSTD_DStream *zstd;
};

static void unpack_free(struct unpack *u)
{
	if (u->gzip_begun)
		inflateEnd(&u->gzip);
	ZSTD_freeDStream(u->zstd);
	hasher_free(&u->hasher);
	free(u->in);
	free(u->out);
}

/* The next bytes into u->in; how many, 0 at the end. */
static ssize_t more(struct unpack *u)
{
	size_t n = u->left < IN_BYTES ? (size_t)u->left : IN_BYTES;
	int r = file_pread(u->fd, u->in, n, u->offset);

	if (r < 0)
		return r;
	u->offset += n;
	u->left -= n;
	return (ssize_t)n;
}

static int copy(struct unpack *u, size_t n, struct err *err)
{
	return hasher_add(&u->hasher, u->in, n, err);
}

static int inflate_some(struct unpack *u, size_t n, struct err *err)
{
	u->gzip.next_in = u->in;
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
		r = hasher_add(&u->hasher, u->out, OUT_BYTES - u->gzip.avail_out, err);
		if (r < 0)
			return r;
	} while (u->gzip.avail_in || u->gzip.avail_out == 0);
	return 0;
}

static int zstd_some(struct unpack *u, size_t n, struct err *err)
{
	ZSTD_inBuffer in = {u->in, n, 0};
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
		r = hasher_add(&u->hasher, u->out, out.pos, err);
		if (r < 0)
			return r;
		/* Behind the end of a frame, another call would begin the next one, and find it
		 * cut. */
	} while (in.pos < in.size || (z != 0 && out.pos == out.size));
	return 0;
}

static int begin(struct unpack *u, enum layer_kind kind, struct err *err)
{
	u->in = malloc(IN_BYTES);
	u->out = malloc(OUT_BYTES);
	/* 16: gzip only. */
	if (kind == LAYER_GZIP)
		u->gzip_begun = inflateInit2(&u->gzip, 15 + 16) == Z_OK;
	if (kind == LAYER_ZSTD)
		u->zstd = ZSTD_createDStream();
	if (!u->in || !u->out || (kind == LAYER_GZIP && !u->gzip_begun) ||
	    (kind == LAYER_ZSTD && !u->zstd))
		return err_set(err, -ENOMEM, "no memory to unpack it");
	return hasher_begin(&u->hasher, DIGEST_SHA256, err);
}

int unpack_check(int fd, uint64_t offset, uint64_t size, enum layer_kind kind, const char *diff_id,
		 struct err *err)
{
	static int (*const some[])(struct unpack *, size_t, struct err *) = {
		[LAYER_TAR] = copy, [LAYER_GZIP] = inflate_some, [LAYER_ZSTD] = zstd_some};
	_cleanup_(unpack_free) struct unpack u = {.fd = fd, .offset = offset, .left = size};
	struct digest is;
	ssize_t n = 1;
	int r = begin(&u, kind, err);

	while (r >= 0 && n > 0) {
		n = more(&u);
		if (n < 0)
			return err_sys(err, (int)n, "cannot read it back");
		if (n > 0)
			r = some[kind](&u, (size_t)n, err);
	}
	if (r >= 0 && kind != LAYER_TAR && !u.ended)
		return err_set(err, -EBADMSG, "it cannot be unpacked: it is cut");
	if (r >= 0)
		r = hasher_end(&u.hasher, &is, err);
	if (r >= 0 && strcmp(is.text, diff_id) != 0)
		return err_set(err, -EBADMSG,
			       "its content is not what the configuration says (%s, and %s was "
			       "expected)",
			       is.text, diff_id);
	return r;
}
