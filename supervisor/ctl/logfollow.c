#include "supervisor/ctl/logfollow.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "supervisor/ctl/client.h"
#include "supervisor/ctl/ctl.h"
#include "supervisor/ctl/lognew.h"
#include "supervisor/ctl/logzstd.h"

#define LOOK_MS     250  /* where no inotify tells of new lines */
#define ASK_MS      2000 /* how often the supervisor is asked whether there is a newer file, then */
#define PATIENCE_MS 30000         /* for a supervisor that is being replaced */
#define PENDING_MAX (1024 * 1024) /* a longer line is divided */

struct follow {
	struct log *log;
	struct log_set *set;
	bool raw;
	struct log_spot spot; /* what was read */
	int inotify;          /* -1: look every LOOK_MS */
	bool sure;            /* the file that is watched is the newest */
	char head[64];        /* of the newest file */
	size_t head_len;
	int64_t asked_ms, answered_ms;
	struct log_text pending; /* not shown yet */
	size_t shown;            /* of it, while lines are shown */
};

/* Before anything of the file is printed: what was printed can be cut off again at any time. */
static void head_take(struct follow *f, int fd)
{
	ssize_t n = pread(fd, f->head, sizeof(f->head), 0);

	f->head_len = n < 0 ? 0 : (size_t)n;
}

static void watch_start(struct follow *f)
{
	char path[64];

	if (f->inotify >= 0)
		close(f->inotify);
	f->inotify = -1;
	if (!f->log->files.n)
		return;
	f->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	/* By /proc: the path may be behind a directory that the caller may not enter. */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", f->log->files.fds[0]);
	if (f->inotify >= 0 &&
	    inotify_add_watch(f->inotify, path, IN_MODIFY | IN_MOVE_SELF | IN_ATTRIB) < 0) {
		close(f->inotify);
		f->inotify = -1;
	}
}

/* ---- bytes that come ---- */

static int take(void *to, const char *bytes, size_t len, struct err *err)
{
	struct follow *f = to;

	if (f->raw)
		return log_out_write(&f->set->out, bytes, len, err);
	log_text_add(&f->pending, bytes, len);
	return f->pending.failed ? err_sys(err, -ENOMEM, "the log") : 0;
}

/* From the spot to the end of the newest file. */
static int take_rest(struct follow *f, int *fds, struct log_spot *spot, struct err *err)
{
	for (;;) {
		int r = log_unpack(&fds[spot->file], err);

		if (r >= 0)
			r = log_copy(fds[spot->file], &spot->at, take, f, err);
		if (r < 0 || spot->file == 0)
			return r;
		/* The end of a file is that of a line. */
		if (f->pending.len && f->pending.data[f->pending.len - 1] != '\n')
			log_text_add(&f->pending, "\n", 1);
		*spot = (struct log_spot){.file = spot->file - 1};
	}
}

/* Shows all lines that are whole, the earliest first. */
static int show_pending(struct log_set *set, struct err *err)
{
	int r = 0;

	for (size_t i = 0; i < set->n; i++)
		set->v[i].has_head = false;
	while (r >= 0) {
		struct log *log;

		for (size_t i = 0; i < set->n; i++) {
			struct follow *f = set->v[i].follow;
			const char *line = f->pending.data + f->shown;
			size_t left = f->pending.len - f->shown;
			const char *end;

			if (set->v[i].has_head || !left)
				continue;
			end = memchr(line, '\n', left);
			if (end || left >= PENDING_MAX)
				log_head_set(&set->v[i], line, end ? (size_t)(end - line) : left);
		}
		log = log_merge_pick(set, false);
		if (!log)
			break;
		r = log_show_head(set, log, err);
		log->follow->shown += log->head.len;
		log->follow->shown += log->follow->shown < log->follow->pending.len;
		log->has_head = false;
	}
	for (size_t i = 0; i < set->n; i++) {
		struct follow *f = set->v[i].follow;

		f->pending.len -= f->shown;
		if (f->shown && f->pending.len)
			memmove(f->pending.data, f->pending.data + f->shown, f->pending.len + 1);
		f->shown = 0;
	}
	return r < 0 ? r : log_show_end(set, err);
}

/* Where the line begins that `at` is in. */
static off_t line_begin(int fd, off_t at)
{
	char buf[4096];

	while (at > 0) {
		off_t from = at > (off_t)sizeof(buf) ? at - (off_t)sizeof(buf) : 0;
		ssize_t n = pread(fd, buf, (size_t)(at - from), from);
		const char *end = n > 0 ? memrchr(buf, '\n', (size_t)n) : NULL;

		if (end)
			return from + (end - buf) + 1;
		at = from;
	}
	return 0;
}

/*
 * The file is shorter than what was read of it. A new supervisor cuts the last piece off and writes
 * it again: then its head is the same (it has a time stamp), and we go on where it ends now. A
 * person who empties it makes a new one of it.
 */
static void was_cut(struct follow *f, off_t size)
{
	int fd = f->log->files.fds[0];
	char head[sizeof(f->head)];
	ssize_t n = pread(fd, head, sizeof(head), 0);
	size_t common = n < 0 ? 0 : (size_t)n;

	if (common > f->head_len)
		common = f->head_len;
	f->spot.at = common && memcmp(head, f->head, common) == 0 ? size : 0;
	/* Rather a line twice than half a one. */
	if (!f->raw)
		f->spot.at = line_begin(fd, f->spot.at);
	f->pending.len = 0;
	head_take(f, fd);
}

/* What was added to the file that we are in. */
static int copy_news(struct follow *f, struct err *err)
{
	struct stat st;

	if (!f->log->files.n)
		return 0;
	if (fstat(f->log->files.fds[0], &st) == 0 && st.st_size < f->spot.at)
		was_cut(f, st.st_size);
	if (f->head_len < sizeof(f->head))
		head_take(f, f->log->files.fds[0]);
	return log_copy(f->log->files.fds[0], &f->spot.at, take, f, err);
}

/* ---- newer files ---- */

/* Is it the same, or what it was compressed to? Its first record has a time stamp. */
static bool same_log(int a, int *b)
{
	char x[64], y[sizeof(x)];
	ssize_t n, m;

	if (log_same_file(a, *b))
		return true;
	if (log_unpack(b, NULL) <= 0)
		return false;
	n = pread(a, x, sizeof(x), 0);
	m = pread(*b, y, sizeof(y), 0);
	return n > 0 && n == m && memcmp(x, y, (size_t)n) == 0;
}

/* What asking for newer files has shown. */
enum newer {
	NEWER_NONE = 0, /* ours is gone, and its successor not there yet; or nobody answers */
	NEWER_SAME,     /* ours is the newest */
	NEWER_TAKEN,    /* it was not: we are in a newer one now */
};

/* Goes over to the files of a new answer: the rest of ours, then what has come since. */
static int go_over(struct follow *f, struct log_files *fresh, struct err *err)
{
	struct log_files old = f->log->files;
	struct log_spot spot = {0};
	bool found = false;
	int r;

	if (!fresh->n)
		return NEWER_NONE;
	for (size_t i = 0; i < fresh->n && old.n && !found; i++) {
		found = same_log(old.fds[0], &fresh->fds[i]);
		spot = (struct log_spot){.file = i, .at = f->spot.at};
	}
	if (found && spot.file == 0)
		return fresh->current ? NEWER_SAME : NEWER_NONE;
	if (!found && old.n)
		ctl_complain(0,
			     "lines of %s are missing here: its files were rotated faster than "
			     "they could be read",
			     f->log->name);
	if (!found) {
		spot = (struct log_spot){.file = fresh->n - 1};
		f->pending.len = 0;
	}
	head_take(f, fresh->fds[0]);
	r = take_rest(f, fresh->fds, &spot, err);
	f->log->files = *fresh;
	fresh->n = 0;
	log_files_free(&old);
	f->spot = spot;
	watch_start(f);
	return r < 0 ? r : NEWER_TAKEN;
}

/* Asks for newer files; a supervisor that is not there now is waited for. */
static int ask_again(struct follow *f, struct err *err)
{
	_cleanup_(log_files_free) struct log_files fresh = {0};
	int r = log_source_files(&f->set->source, f->log->name, &fresh, err);

	f->asked_ms = client_now_ms();
	if (r == -EACCES || r == CLIENT_NO_UNIT ||
	    (r < 0 && f->asked_ms - f->answered_ms > PATIENCE_MS))
		return r;
	if (r == 0)
		f->answered_ms = f->asked_ms;
	return r < 0 ? NEWER_NONE : go_over(f, &fresh, err);
}

/* ---- waiting ---- */

/* Was the file renamed or removed, perhaps? */
static bool has_moved(const struct follow *f)
{
	char buf[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
	ssize_t n = read(f->inotify, buf, sizeof(buf));
	bool moved = false;

	for (ssize_t at = 0; n > 0 && at < n;) {
		const struct inotify_event *e = (const struct inotify_event *)(buf + at);

		/* The link that goes is an attribute, too, as long as we have the file open. */
		if (e->mask & ~(uint32_t)IN_MODIFY)
			moved = true;
		at += (ssize_t)(sizeof(*e) + e->len);
	}
	return moved;
}

static int follow_new(struct log_set *set, struct log *log, bool raw)
{
	struct follow *f = calloc(1, sizeof(*f));

	if (!f)
		return -ENOMEM;
	*f = (struct follow){.log = log, .set = set, .raw = raw, .inotify = -1};
	log->follow = f;
	if (log->files.n)
		head_take(f, log->files.fds[0]);
	return 0;
}

static void follow_start(struct log *log, const struct log_spot *spot)
{
	log->follow->spot = *spot;
	log->follow->answered_ms = client_now_ms();
	log->us = INT64_MIN;
	watch_start(log->follow);
}

/* A log that has begun later: all of it is new. */
static int follow_later(struct log_set *set, const char *name, struct log_files *files)
{
	struct log *log = &set->v[set->n];
	struct log_spot spot = {.file = files->n - 1};
	int r;

	if (set->n == set->room)
		return 0;
	*log = (struct log){.name = strdup(name), .files = *files};
	files->n = 0;
	set->n++;
	r = log->name ? follow_new(set, log, false) : -ENOMEM;
	if (r < 0)
		return r;
	r = take_rest(log->follow, log->files.fds, &spot, NULL);
	follow_start(log, &spot);
	return r;
}

/*
 * Waits for something new, and finds out who is not sure any more. `p` has room for all logs, the
 * output and the directory. 1: it says something. -EPIPE: no reader is left.
 */
static int wait_for_news(struct log_set *set, int dir, struct pollfd *p)
{
	int timeout = -1;

	/* Asked for nothing, poll(2) tells of a reader that has gone; else only the next line
	 * would. */
	p[set->n] = (struct pollfd){.fd = set->out.fd};
	p[set->n + 1] = (struct pollfd){.fd = dir, .events = POLLIN};
	for (size_t i = 0; i < set->n; i++) {
		const struct follow *f = set->v[i].follow;

		p[i] = (struct pollfd){.fd = f->inotify, .events = POLLIN};
		if (f->inotify < 0 || !f->sure)
			timeout = LOOK_MS;
	}
	if (poll(p, set->n + 2, timeout) < 0)
		return errno == EINTR ? 0 : -errno;
	if (p[set->n].revents & (POLLERR | POLLHUP | POLLNVAL))
		return -EPIPE;
	for (size_t i = 0; i < set->n; i++) {
		struct follow *f = set->v[i].follow;

		if (f->inotify < 0 ? client_now_ms() - f->asked_ms >= ASK_MS
				   : p[i].revents & POLLIN && has_moved(f))
			f->sure = false;
	}
	return p[set->n + 1].revents & POLLIN ? 1 : 0;
}

/* One round: what has come, and newer files. 1: there may be more of it already. */
static int look(struct log_set *set, bool raw, struct err *err)
{
	int r = 0, again = 0;

	/* First what is in them: it may have come before the watch. */
	for (size_t i = 0; i < set->n && r >= 0; i++)
		r = copy_news(set->v[i].follow, err);
	if (r >= 0 && !raw)
		r = show_pending(set, err);
	for (size_t i = 0; i < set->n && r >= 0; i++) {
		struct follow *f = set->v[i].follow;

		if (f->sure)
			continue;
		r = ask_again(f, err);
		/* Only who asks after the watch began can be sure. */
		f->sure = r == NEWER_SAME;
		again |= r == NEWER_TAKEN || r == NEWER_SAME;
	}
	return r < 0 ? r : again;
}

int log_follow_begin(struct log_set *set, bool raw, struct err *err)
{
	int r = 0;

	for (size_t i = 0; i < set->n && r == 0; i++)
		r = follow_new(set, &set->v[i], raw);
	return r < 0 ? err_sys(err, r, "the logs") : 0;
}

void log_follow_end(struct log_set *set)
{
	for (size_t i = 0; i < set->n; i++) {
		struct follow *f = set->v[i].follow;

		if (!f)
			continue;
		if (f->inotify >= 0)
			close(f->inotify);
		log_text_free(&f->pending);
		free(f);
		set->v[i].follow = NULL;
	}
}

int log_follow(struct log_set *set, bool raw, struct err *err)
{
	_cleanup_free_ struct pollfd *p = calloc(set->room + 2, sizeof(*p));
	_cleanup_close_ int dir = log_new_watch(set);
	int r = 0;

	if (!p)
		return err_sys(err, -ENOMEM, "the logs");
	for (size_t i = 0; i < set->n; i++)
		follow_start(&set->v[i], &set->v[i].walk.at);
	/* What has begun before the watch did. */
	if (dir >= 0)
		r = log_new_take(set, dir, true, follow_later);
	while (r >= 0) {
		r = look(set, raw, err);
		if (r == 0)
			r = wait_for_news(set, dir, p);
		if (r > 0 && dir >= 0)
			r = log_new_take(set, dir, false, follow_later);
	}
	return r;
}
