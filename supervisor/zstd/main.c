/*
 * hakim-log-zstd - compresses its standard input to its standard output, for the supervisor's logs.
 * A program of its own: the library's memory (and size) is no part of the supervisor, and what it
 * does takes no time from anybody who has something to do.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <zstd.h>

#define LEVEL      3
#define WINDOW_LOG 20        /* 1 MiB: text repeats itself nearby */
#define IDLE_CLASS (3 << 13) /* ioprio_set(2): IOPRIO_CLASS_IDLE */

static int fail(const char *what, const char *why)
{
	dprintf(2, "hakim-log-zstd: %s: %s\n", what, why);
	return 1;
}

static ssize_t read_some(char *buf, size_t size)
{
	ssize_t n;

	do
		n = read(0, buf, size);
	while (n < 0 && errno == EINTR);
	return n;
}

static int write_all(const char *buf, size_t len)
{
	while (len) {
		ssize_t n = write(1, buf, len);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			buf += n;
			len -= (size_t)n;
		}
	}
	return 0;
}

static int compress(ZSTD_CCtx *ctx, char *in, size_t in_size, char *out, size_t out_size)
{
	ssize_t n;

	do {
		ZSTD_inBuffer from = {in, 0, 0};
		size_t left;

		n = read_some(in, in_size);
		if (n < 0)
			return fail("the log cannot be read", strerror(errno));
		from.size = (size_t)n;
		do {
			ZSTD_outBuffer to = {out, out_size, 0};

			left = ZSTD_compressStream2(ctx, &to, &from,
						    n ? ZSTD_e_continue : ZSTD_e_end);
			if (ZSTD_isError(left))
				return fail("zstd", ZSTD_getErrorName(left));
			if (write_all(out, to.pos) < 0)
				return fail("the compressed log cannot be written",
					    strerror(errno));
		} while (n ? from.pos < from.size : left > 0);
	} while (n > 0);
	/* The plain one is removed next. */
	return fsync(1) < 0 && errno != EINVAL ? fail("fsync", strerror(errno)) : 0;
}

int main(void)
{
	size_t in_size = ZSTD_CStreamInSize(), out_size = ZSTD_CStreamOutSize();
	char *in = malloc(in_size), *out = malloc(out_size);
	ZSTD_CCtx *ctx = ZSTD_createCCtx();
	int status;

	(void)!setpriority(PRIO_PROCESS, 0, 19);
	(void)syscall(SYS_ioprio_set, 1, 0, IDLE_CLASS);
	if (!in || !out || !ctx)
		return fail("start", "not enough memory");
	ZSTD_CCtx_setParameter(ctx, ZSTD_c_compressionLevel, LEVEL);
	ZSTD_CCtx_setParameter(ctx, ZSTD_c_windowLog, WINDOW_LOG);
	ZSTD_CCtx_setParameter(ctx, ZSTD_c_checksumFlag, 1);
	status = compress(ctx, in, in_size, out, out_size);
	ZSTD_freeCCtx(ctx);
	free(in);
	free(out);
	return status;
}
