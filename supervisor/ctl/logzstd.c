#include "supervisor/ctl/logzstd.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zstd.h>

#include "common/cleanup.h"

/* What such a file may grow to: far above any LogMaxSize= of sense, and no end of the memory. */
#define TEXT_MAX (4ull << 30)

static int write_all(int fd, const char *bytes, size_t len)
{
	while (len) {
		ssize_t n = write(fd, bytes, len);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			bytes += n;
			len -= (size_t)n;
		}
	}
	return 0;
}

static bool is_packed(int fd)
{
	static const unsigned char magic[] = {0x28, 0xb5, 0x2f, 0xfd}; /* RFC 8878, 3.1.1 */
	unsigned char head[sizeof(magic)];

	return pread(fd, head, sizeof(head), 0) == (ssize_t)sizeof(head) &&
	       memcmp(head, magic, sizeof(magic)) == 0;
}

struct unpack {
	ZSTD_DCtx *ctx;
	char *in, *out;
	size_t in_size, out_size;
	unsigned long long total;
};

static int unpack_to(struct unpack *u, int from, int to, struct err *err)
{
	size_t left = 0; /* 0: a frame has ended */
	off_t at = 0;
	ssize_t n;

	while ((n = pread(from, u->in, u->in_size, at)) > 0) {
		ZSTD_inBuffer in = {u->in, (size_t)n, 0};

		at += n;
		while (in.pos < in.size) {
			ZSTD_outBuffer out = {u->out, u->out_size, 0};

			left = ZSTD_decompressStream(u->ctx, &out, &in);
			if (ZSTD_isError(left))
				return err_set(err, -EBADMSG,
					       "a compressed file of the log is damaged: %s",
					       ZSTD_getErrorName(left));
			u->total += out.pos;
			if (u->total > TEXT_MAX)
				return err_set(err, -EFBIG,
					       "a compressed file of the log is too large");
			if (write_all(to, u->out, out.pos) < 0)
				return err_sys(err, -errno, "the log cannot be unpacked");
		}
	}
	if (n == 0 && left)
		return err_set(err, -EBADMSG,
			       "a compressed file of the log is damaged: it has no end");
	return n < 0 ? err_sys(err, -errno, "the log cannot be read") : 0;
}

int log_unpack(int *fd, struct err *err)
{
	struct unpack u = {.in_size = ZSTD_DStreamInSize(), .out_size = ZSTD_DStreamOutSize()};
	_cleanup_close_ int text = -EBADF;
	int r;

	if (!is_packed(*fd))
		return 0;
	text = memfd_create("log", MFD_CLOEXEC);
	if (text < 0)
		return err_sys(err, -errno, "the log cannot be unpacked");
	u.ctx = ZSTD_createDCtx();
	u.in = malloc(u.in_size);
	u.out = malloc(u.out_size);
	r = u.ctx && u.in && u.out ? unpack_to(&u, *fd, text, err)
				   : err_sys(err, -ENOMEM, "the log");
	ZSTD_freeDCtx(u.ctx);
	free(u.in);
	free(u.out);
	if (r < 0)
		return r;
	close(*fd);
	*fd = steal_fd(&text);
	return 1;
}
