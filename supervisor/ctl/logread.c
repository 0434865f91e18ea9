#include "supervisor/ctl/logread.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "supervisor/ctl/logzstd.h"
#include "supervisor/ctl/when.h"

#define BLOCK   (64 * 1024)
#define STAMP   27   /* as many bytes tell the time of a line */
#define C1_LEAD 0xc2 /* in UTF-8, the first byte of U+0080 ... U+00BF */

static ssize_t read_at(int fd, char *buf, size_t size, off_t at)
{
	ssize_t n;

	do
		n = pread(fd, buf, size, at);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

/*
 * Counts *lines down while it goes back from the end of one file. Returns 1 and the offset when
 * there are enough, else 0.
 */
static int find_in_file(int fd, char *buf, uint64_t *lines, off_t *at)
{
	struct stat st;
	off_t end;

	if (fstat(fd, &st) < 0)
		return -errno;
	end = st.st_size;
	while (end > 0) {
		off_t begin = end > BLOCK ? end - BLOCK : 0;
		ssize_t n = read_at(fd, buf, (size_t)(end - begin), begin);

		if (n < 0)
			return (int)n;
		for (ssize_t i = n; i-- > 0;) {
			/* The very last end of line has no line behind it. */
			if (buf[i] != '\n' || begin + i + 1 == st.st_size)
				continue;
			if (--*lines == 0) {
				*at = begin + i + 1;
				return 1;
			}
		}
		end = begin;
	}
	/* And the line that begins where the file does. */
	*at = 0;
	return st.st_size > 0 && --*lines == 0;
}

int log_find(int *fds, size_t n, uint64_t lines, struct log_spot *spot, struct err *err)
{
	_cleanup_free_ char *buf = malloc(BLOCK);
	struct stat st;
	int r = 0;

	*spot = (struct log_spot){0};
	if (!buf)
		return err_sys(err, -ENOMEM, "the log");
	if (n && lines == 0) {
		if (fstat(fds[0], &st) < 0)
			return err_sys(err, -errno, "the log cannot be read");
		spot->at = st.st_size;
		return 0;
	}
	for (size_t i = 0; i < n && r == 0; i++) {
		spot->file = i;
		r = log_unpack(&fds[i], err);
		if (r < 0)
			return r;
		r = find_in_file(fds[i], buf, &lines, &spot->at);
	}
	return r < 0 ? err_sys(err, r, "the log cannot be read") : 0;
}

/*
 * Goes forward to the first line of that time or later. Returns 1 and its offset, or 0 and the end
 * of the file: all in it is older.
 */
static int find_time_in_file(int fd, char *buf, int64_t us, off_t *at)
{
	bool begins = true; /* at buf[i] a line does */
	ssize_t n;

	*at = 0;
	while ((n = read_at(fd, buf, BLOCK, *at)) > 0) {
		size_t len = (size_t)n, i = 0;

		while (i < len) {
			const char *end;

			/* Divided between two blocks: read again from its begin. */
			if (begins && i > 0 && len - i < STAMP)
				break;
			if (begins && when_of_line(buf + i, len - i) >= us) {
				*at += (off_t)i;
				return 1;
			}
			end = memchr(buf + i, '\n', len - i);
			begins = end != NULL;
			i = end ? (size_t)(end + 1 - buf) : len;
		}
		*at += (off_t)i;
	}
	return (int)n;
}

int log_find_since(int *fds, size_t n, int64_t us, struct log_spot *spot, struct err *err)
{
	_cleanup_free_ char *buf = malloc(BLOCK);
	int r = 0;

	*spot = (struct log_spot){0};
	if (!buf)
		return err_sys(err, -ENOMEM, "the log");
	for (size_t i = 0; i < n; i++) {
		off_t at;

		r = log_unpack(&fds[i], err);
		if (r < 0)
			return r;
		r = find_time_in_file(fds[i], buf, us, &at);
		if (r < 0)
			return err_sys(err, r, "the log cannot be read");
		if (r > 0 || i == 0)
			*spot = (struct log_spot){.file = i, .at = at};
		/* Something in it is older, so all of the next file is. */
		if (at > 0)
			break;
	}
	return 0;
}

/* ---- out ---- */

static int write_all(int fd, const char *bytes, size_t len, struct err *err)
{
	while (len) {
		ssize_t n = write(fd, bytes, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, -errno, "the log cannot be written out");
		bytes += n;
		len -= (size_t)n;
	}
	return 0;
}

/* Appends to the buffer of the filter; each byte of the input makes at most one more than was held
 * back. */
struct clean_bytes {
	char *to;
	size_t len;
};

static void put(struct clean_bytes *clean, char c)
{
	clean->to[clean->len++] = c;
}

static void put_held(struct log_out *out, struct clean_bytes *clean, char first)
{
	if (out->n_held)
		put(clean, first);
	for (size_t i = 1; i < out->n_held; i++)
		put(clean, out->held[i]);
	out->n_held = 0;
}

/* What may follow what is held: true when `c` was used up. */
static bool go_on(struct log_out *out, struct clean_bytes *clean, char c)
{
	unsigned char byte = (unsigned char)c;

	switch ((unsigned char)out->held[0]) {
	case '\r':
		/* CRLF is an end of line; alone it would let a text write over its own time stamp.
		 */
		if (c == '\n')
			out->n_held = 0;
		else
			put_held(out, clean, '?');
		return false;
	case C1_LEAD:
		/* U+0080 … U+009F are the control characters of C1. */
		if (byte >= 0x80 && byte < 0xa0) {
			out->n_held = 0;
			put(clean, '?');
			return true;
		}
		put_held(out, clean, (char)C1_LEAD);
		return false;
	default:
		break;
	}
	/* ESC [ digits ; … m */
	if ((out->n_held == 1 && c == '[') ||
	    (out->n_held > 1 && out->n_held < sizeof(out->held) - 1 &&
	     ((c >= '0' && c <= '9') || c == ';' || c == ':'))) {
		out->held[out->n_held++] = c;
		return true;
	}
	if (out->n_held > 1 && c == 'm') {
		put_held(out, clean, '\033');
		put(clean, 'm');
		out->colored = true;
		return true;
	}
	put_held(out, clean, '?');
	return false;
}

static void filter(struct log_out *out, struct clean_bytes *clean, char c)
{
	unsigned char byte = (unsigned char)c;

	if (out->n_held && go_on(out, clean, c))
		return;
	if (c == '\033' || c == '\r' || byte == C1_LEAD)
		out->held[out->n_held++] = c;
	else if ((byte < ' ' && c != '\n' && c != '\t') || byte == 0x7f)
		put(clean, '?');
	else
		put(clean, c);
}

int log_out_write(struct log_out *out, const char *bytes, size_t len, struct err *err)
{
	_cleanup_free_ char *buf = NULL;
	struct clean_bytes clean = {0};

	if (!out->terminal)
		return write_all(out->fd, bytes, len, err);
	buf = malloc(len + sizeof(out->held));
	if (!buf)
		return err_sys(err, -ENOMEM, "the log");
	clean.to = buf;
	for (size_t i = 0; i < len; i++)
		filter(out, &clean, bytes[i]);
	return write_all(out->fd, buf, clean.len, err);
}

int log_out_end(struct log_out *out, struct err *err)
{
	static const char off[] = "\033[0m";
	char buf[sizeof(out->held)];
	struct clean_bytes clean = {.to = buf};
	int r;

	if (out->n_held)
		put_held(out, &clean, '?');
	r = write_all(out->fd, buf, clean.len, err);
	if (r == 0 && out->colored)
		r = write_all(out->fd, off, sizeof(off) - 1, err);
	return r;
}

int log_take_out(void *to, const char *bytes, size_t len, struct err *err)
{
	return log_out_write(to, bytes, len, err);
}

int log_copy(int fd, off_t *at, log_take *take, void *to, struct err *err)
{
	_cleanup_free_ char *buf = malloc(BLOCK);
	ssize_t n;
	int r = 0;

	if (!buf)
		return err_sys(err, -ENOMEM, "the log");
	while (r == 0 && (n = read_at(fd, buf, BLOCK, *at)) != 0) {
		if (n < 0)
			return err_sys(err, (int)n, "the log cannot be read");
		r = take(to, buf, (size_t)n, err);
		*at += n;
	}
	return r;
}

int log_copy_from(int *fds, struct log_spot *spot, struct log_out *out, struct err *err)
{
	for (;;) {
		int r = log_unpack(&fds[spot->file], err);

		if (r >= 0)
			r = log_copy(fds[spot->file], &spot->at, log_take_out, out, err);
		if (r < 0 || spot->file == 0)
			return r;
		*spot = (struct log_spot){.file = spot->file - 1};
	}
}
