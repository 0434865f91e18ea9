#include "supervisor/ctl/logwalk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "supervisor/ctl/logzstd.h"

#define BLOCK    (64 * 1024)
#define LINE_MAX (1024 * 1024) /* far above what the journal makes; a longer one is divided */

static int size_of(int fd, off_t *size, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_sys(err, -errno, "the log cannot be read");
	*size = st.st_size;
	return 0;
}

int log_walk_begin(struct log_walk *w, int *fds, size_t n, bool whole, struct err *err)
{
	off_t size = 0;
	char last = '\n';
	int r;

	*w = (struct log_walk){.fds = fds, .n = n, .file = SIZE_MAX};
	if (!n)
		return 0;
	r = size_of(fds[0], &size, err);
	if (r < 0)
		return r;
	w->first.file = n - 1;
	w->at = w->first;
	w->end.at = size;
	if (whole && size && pread(fds[0], &last, 1, size - 1) == 1 && last != '\n')
		return log_find(fds, 1, 1, &w->end, err);
	return 0;
}

void log_walk_free(struct log_walk *w)
{
	free(w->buf);
	w->buf = NULL;
}

/* [from, from + len) of the file into the buffer; less where it has been cut meanwhile. Behind it
 * is NUL: libasan's regexec() looks for one, whatever REG_STARTEND says. */
static int load(struct log_walk *w, off_t from, size_t len, struct err *err)
{
	if (len > w->size) {
		char *buf = realloc(w->buf, len + 1);

		if (!buf)
			return err_sys(err, -ENOMEM, "the log");
		w->buf = buf;
		w->size = len;
	}
	w->file = w->at.file;
	w->from = from;
	w->len = 0;
	while (w->len < len) {
		ssize_t n =
			pread(w->fds[w->file], w->buf + w->len, len - w->len, from + (off_t)w->len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, -errno, "the log cannot be read");
		if (n == 0)
			break;
		w->len += (size_t)n;
	}
	w->buf[w->len] = '\0';
	return 0;
}

static size_t at_most(off_t have, size_t want)
{
	return have < (off_t)want ? (size_t)have : want;
}

static void leave_file(struct log_walk *w)
{
	/* The newest stays: a follower goes on in it. */
	if (w->drop && w->at.file > 0) {
		close(w->fds[w->at.file]);
		w->fds[w->at.file] = -1;
	}
}

/* One line of the file that `at` is in, which ends at `limit`; 0: there is none. */
static int next_in_file(struct log_walk *w, off_t limit, const char **line, size_t *len,
			struct err *err)
{
	for (size_t chunk = BLOCK;; chunk *= 2) {
		off_t at = w->at.at, in = at - w->from;
		bool here = w->file == w->at.file && in >= 0 && in < (off_t)w->len;
		size_t have = here ? at_most(limit - at, w->len - (size_t)in) : 0;
		const char *end;
		int r;

		*line = here ? w->buf + in : w->buf;
		end = have ? memchr(*line, '\n', have) : NULL;
		if (end || (have && (at + (off_t)have == limit || have >= LINE_MAX))) {
			*len = end ? (size_t)(end - *line) : have;
			w->at.at += (off_t)*len + (end != NULL);
			return 1;
		}
		if (at >= limit)
			return 0;
		r = load(w, at, at_most(limit - at, chunk), err);
		if (r < 0)
			return r;
		/* It was cut: what is there is all. */
		if (w->len < at_most(limit - at, chunk))
			limit = at + (off_t)w->len;
	}
}

int log_walk_next(struct log_walk *w, const char **line, size_t *len, struct err *err)
{
	while (w->n) {
		off_t limit = w->end.at;
		int r = log_unpack(&w->fds[w->at.file], err);

		if (r >= 0 && w->at.file != w->end.file)
			r = size_of(w->fds[w->at.file], &limit, err);
		if (r >= 0)
			r = next_in_file(w, limit, line, len, err);
		if (r != 0 || w->at.file == w->end.file)
			return r;
		leave_file(w);
		w->at = (struct log_spot){.file = w->at.file - 1};
	}
	return 0;
}

/* The line that ends at `at` and begins at `floor` or behind it; 0: there is none. */
static int prev_in_file(struct log_walk *w, off_t floor, const char **line, size_t *len,
			struct err *err)
{
	for (size_t chunk = BLOCK; w->at.at > floor; chunk *= 2) {
		off_t at = w->at.at, in = at - w->from, begin;
		bool here = w->file == w->at.file && in > 0 && in <= (off_t)w->len;
		size_t have = here ? at_most(at - floor, (size_t)in) : 0;
		const char *end = here ? w->buf + in : w->buf, *before;
		int r;

		/* The last byte of it may be its own end. */
		before = have ? memrchr(end - have, '\n', have - 1) : NULL;
		if (before || (have && (at - (off_t)have == floor || have >= LINE_MAX))) {
			*line = before ? before + 1 : end - have;
			*len = (size_t)(end - *line);
			w->at.at -= (off_t)*len;
			*len -= end[-1] == '\n';
			return 1;
		}
		begin = at - (off_t)at_most(at - floor, chunk);
		r = load(w, begin, (size_t)(at - begin), err);
		if (r < 0)
			return r;
		/* It was cut meanwhile. */
		if (w->len < (size_t)(at - begin))
			w->at.at = begin + (off_t)w->len;
	}
	return 0;
}

int log_walk_prev(struct log_walk *w, const char **line, size_t *len, struct err *err)
{
	while (w->n) {
		int r = log_unpack(&w->fds[w->at.file], err);

		if (r >= 0)
			r = prev_in_file(w, w->at.file == w->first.file ? w->first.at : 0, line,
					 len, err);
		if (r != 0 || w->at.file == w->first.file)
			return r;
		leave_file(w);
		w->at.file++;
		r = log_unpack(&w->fds[w->at.file], err);
		if (r >= 0)
			r = size_of(w->fds[w->at.file], &w->at.at, err);
		if (r < 0)
			return r;
	}
	return 0;
}
