/*
 * logs.c - `hakimctl logs`: the files come from the supervisor as fds, so that a person needs no
 * right on /var/log/hakim, and reads on when it is replaced.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "supervisor/ctl/client.h"
#include "supervisor/ctl/ctl.h"
#include "supervisor/ctl/logread.h"
#include "supervisor/ctl/logzstd.h"
#include "supervisor/ctl/when.h"

#define LINES_DEFAULT 100
#define LOOK_MS       250 /* where no inotify tells of new lines */
#define ASK_MS        2000 /* how often the supervisor is asked whether there is a newer file, then */
#define PATIENCE_MS   30000 /* for a supervisor that is being replaced */

struct follow {
	const char *name;
	struct reply reply; /* its fds are the files */
	struct log_spot spot;
	struct log_out out;
	int inotify;   /* -1: look every LOOK_MS */
	char head[64]; /* of the newest file */
	size_t head_len;
	int64_t asked_ms, answered_ms;
};

static int request(const char *name, struct reply *reply, struct err *err)
{
	const char *const words[] = {"logs", name};

	return client_ask_once(words, ARRAY_LEN(words), CLIENT_TIMEOUT_MS, reply, err);
}

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
	if (!f->reply.n_fds)
		return;
	f->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	/* By /proc: the path may be behind a directory that the caller may not enter. */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", f->reply.fds[0]);
	if (f->inotify >= 0 &&
	    inotify_add_watch(f->inotify, path, IN_MODIFY | IN_MOVE_SELF | IN_ATTRIB) < 0) {
		close(f->inotify);
		f->inotify = -1;
	}
}

/* Asked for nothing, poll(2) tells of a reader that has gone; else only the next line would. */
static bool reader_has_gone(const struct pollfd *p)
{
	return p->revents & (POLLERR | POLLHUP | POLLNVAL);
}

static int wait_a_little(const struct follow *f)
{
	struct pollfd p = {.fd = f->out.fd};

	return poll(&p, 1, LOOK_MS) > 0 && reader_has_gone(&p) ? -EPIPE : 0;
}

/* Waits for something new. 1: perhaps the file was renamed or removed; -EPIPE: no reader is left.
 */
static int wait_for_news(struct follow *f)
{
	struct pollfd p[] = {{.fd = f->out.fd}, {.fd = f->inotify, .events = POLLIN}};
	char buf[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
	ssize_t n;
	int moved = 0;

	if (poll(p, ARRAY_LEN(p), f->inotify >= 0 ? -1 : LOOK_MS) < 0)
		return errno == EINTR ? 0 : -errno;
	if (reader_has_gone(&p[0]))
		return -EPIPE;
	if (f->inotify < 0)
		return client_now_ms() - f->asked_ms >= ASK_MS;
	n = read(f->inotify, buf, sizeof(buf));
	for (ssize_t at = 0; n > 0 && at < n;) {
		const struct inotify_event *e = (const struct inotify_event *)(buf + at);

		/* The link that goes is an attribute, too, as long as we have the file open. */
		if (e->mask & ~(uint32_t)IN_MODIFY)
			moved = 1;
		at += (ssize_t)(sizeof(*e) + e->len);
	}
	return moved;
}

/*
 * The file is shorter than what was read of it. A new supervisor cuts the last piece off and writes
 * it again: then its head is the same (it has a time stamp), and we go on where it ends now. A
 * person who empties it makes a new one of it.
 */
static void was_cut(struct follow *f, off_t size)
{
	char head[sizeof(f->head)];
	ssize_t n = pread(f->reply.fds[0], head, sizeof(head), 0);
	size_t common = n < 0 ? 0 : (size_t)n;

	if (common > f->head_len)
		common = f->head_len;
	f->spot.at = common && memcmp(head, f->head, common) == 0 ? size : 0;
	head_take(f, f->reply.fds[0]);
}

/* What was added to the file that we are in. */
static int copy_news(struct follow *f, struct err *err)
{
	struct stat st;

	if (!f->reply.n_fds)
		return 0;
	if (fstat(f->reply.fds[0], &st) == 0 && st.st_size < f->spot.at)
		was_cut(f, st.st_size);
	if (f->head_len < sizeof(f->head))
		head_take(f, f->reply.fds[0]);
	return log_copy(f->reply.fds[0], &f->spot.at, &f->out, err);
}

static bool same_file(int a, int b)
{
	struct stat x, y;

	return fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_dev == y.st_dev &&
	       x.st_ino == y.st_ino;
}

/* Is it the same, or what it was compressed to? Its first record has a time stamp. */
static bool same_log(int a, int *b)
{
	char x[64], y[sizeof(x)];
	ssize_t n, m;

	if (same_file(a, *b))
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
static int go_over(struct follow *f, struct reply *fresh, struct err *err)
{
	struct log_spot spot = {0};
	struct reply old = f->reply;
	bool found = false;
	int r;

	if (!fresh->n_fds)
		return NEWER_NONE;
	for (unsigned i = 0; i < fresh->n_fds && old.n_fds && !found; i++) {
		found = same_log(old.fds[0], &fresh->fds[i]);
		spot = (struct log_spot){.file = i, .at = f->spot.at};
	}
	if (found && spot.file == 0)
		return NEWER_SAME;
	if (!found && old.n_fds)
		ctl_complain(0,
			     "lines of %s are missing here: its files were rotated faster than "
			     "they could be read",
			     f->name);
	if (!found)
		spot = (struct log_spot){.file = fresh->n_fds - 1};
	head_take(f, fresh->fds[0]);
	r = log_copy_from(fresh->fds, &spot, &f->out, err);
	f->reply = *fresh;
	*fresh = (struct reply){0};
	reply_free(&old);
	f->spot = spot;
	watch_start(f);
	return r < 0 ? r : NEWER_TAKEN;
}

/* Asks for newer files; a supervisor that is not there now is waited for. */
static int ask_again(struct follow *f, struct err *err)
{
	_cleanup_(reply_free) struct reply fresh = {0};
	int r = request(f->name, &fresh, err);

	f->asked_ms = client_now_ms();
	if (r == -EACCES || r == CLIENT_NO_UNIT ||
	    (r < 0 && f->asked_ms - f->answered_ms > PATIENCE_MS))
		return r;
	if (r == 0)
		f->answered_ms = f->asked_ms;
	return r < 0 ? NEWER_NONE : go_over(f, &fresh, err);
}

static int follow(struct follow *f, struct err *err)
{
	/* Is the file that is watched the newest? Only who asks after the watch began can be sure.
	 */
	bool sure = false;
	int r = 0;

	f->answered_ms = client_now_ms();
	watch_start(f);
	while (r >= 0) {
		/* First what is in it: it may have come before the watch. */
		r = copy_news(f, err);
		if (r == 0 && !sure) {
			r = ask_again(f, err);
			sure = r == NEWER_SAME;
			if (r == NEWER_NONE)
				r = wait_a_little(f);
		} else if (r == 0) {
			r = wait_for_news(f);
			sure = r == 0;
		}
	}
	return r;
}

/* Where to begin: with --since all of that time is shown, or at most the last N of it. */
static int find_begin(const struct ctl *ctl, struct follow *f, int64_t since, struct err *err)
{
	bool counted = ctl->args.given & ARGS_LINES, timed = ctl->args.given & ARGS_SINCE;
	struct log_spot first;
	int r = 0;

	if (counted || !timed)
		r = log_find(f->reply.fds, f->reply.n_fds,
			     counted ? ctl->args.lines : LINES_DEFAULT, &f->spot, err);
	if (r < 0 || !timed)
		return r;
	r = log_find_since(f->reply.fds, f->reply.n_fds, since, &first, err);
	if (r == 0 && (!counted || first.file < f->spot.file ||
		       (first.file == f->spot.file && first.at > f->spot.at)))
		f->spot = first;
	return r;
}

static int print_log(struct ctl *ctl, struct follow *f, int64_t since, struct err *err)
{
	int r = find_begin(ctl, f, since, err);

	if (r == 0 && f->reply.n_fds) {
		head_take(f, f->reply.fds[0]);
		r = log_copy_from(f->reply.fds, &f->spot, &f->out, err);
	}
	if (r == 0 && ctl->args.given & ARGS_FOLLOW)
		r = follow(f, err);
	if (r != -EPIPE)
		log_out_end(&f->out, NULL);
	return r;
}

int ctl_logs(struct ctl *ctl)
{
	struct follow f = {
		.name = ctl->args.names[0],
		.out = {.fd = STDOUT_FILENO, .terminal = ctl->look.terminal},
		.inotify = -1,
	};
	struct err err = {0};
	int64_t since = 0;
	struct timespec now;
	int r;

	clock_gettime(CLOCK_REALTIME, &now);
	if (ctl->args.given & ARGS_SINCE &&
	    when_parse(args_value(&ctl->args, ARGS_SINCE),
		       now.tv_sec * 1000000ll + now.tv_nsec / 1000, &since, &err) < 0)
		return ctl_complain(CTL_USAGE, "--since: %s", err.text);
	r = request(f.name, &f.reply, &err);
	if (r < 0) {
		reply_free(&f.reply);
		return ctl_fail(r, &err);
	}
	if (!f.reply.n_fds && !(ctl->args.given & ARGS_FOLLOW))
		ctl_complain(0, "%s has no log yet", f.name);
	r = print_log(ctl, &f, since, &err);
	if (f.inotify >= 0)
		close(f.inotify);
	reply_free(&f.reply);
	if (r == 0 || r == -EPIPE)
		return CTL_OK;
	/* A follower that has lost the supervisor for good. */
	return ctl_complain(client_exit_status(r), "%s", err.text[0] ? err.text : strerror(-r));
}
