#include "supervisor/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "supervisor/journal_thread.h"

#define STACK_SIZE (128 * 1024)

static int thread_start(struct journal *j)
{
	sigset_t all, before;
	pthread_attr_t attr;
	int r;

	r = pthread_attr_init(&attr);
	if (r)
		return -r;
	/* The supervisor's signals are not for this thread; and a file size limit must be EFBIG,
	 * not SIGXFSZ. */
	sigfillset(&all);
	sigdelset(&all, SIGSEGV);
	sigdelset(&all, SIGBUS);
	sigdelset(&all, SIGFPE);
	sigdelset(&all, SIGILL);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_attr_setstacksize(&attr, STACK_SIZE);
	r = r ?: pthread_create(&j->thread, &attr, journal_main, j);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	return -r;
}

/* ---- the callers ---- */

static void give_order(struct journal *j, struct order *order)
{
	const uint64_t one = 1;

	if (order) {
		*j->last = order;
		j->last = &order->next;
	}
	(void)!write(j->command, &one, sizeof(one));
}

static void journal_free(struct journal *j)
{
	if (j->epoll >= 0)
		close(j->epoll);
	if (j->command >= 0)
		close(j->command);
	/* It goes on by itself; what it makes is removed by whoever comes next. */
	if (j->compress.pidfd >= 0)
		close(j->compress.pidfd);
	apart_close(&j->apart);
	free(j->dir);
	free(j);
}

static int cond_init(pthread_cond_t *cond)
{
	pthread_condattr_t attr;
	int r = pthread_condattr_init(&attr);

	if (r)
		return -r;
	r = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	r = r ?: pthread_cond_init(cond, &attr);
	pthread_condattr_destroy(&attr);
	return -r;
}

static int journal_init(struct journal *j, const struct journal_config *config, struct err *err)
{
	struct epoll_event event = {.events = EPOLLIN};
	int r;

	j->cursors = (struct cursor *)config->cursors;
	j->group = config->group;
	j->wake_fd = config->wake_fd;
	j->compress = (struct compress){.program = config->compressor, .pidfd = -1};
	j->last = &j->first;
	j->dir = strdup(config->dir);
	j->epoll = epoll_create1(EPOLL_CLOEXEC);
	j->command = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (!j->dir || j->epoll < 0 || j->command < 0 ||
	    epoll_ctl(j->epoll, EPOLL_CTL_ADD, j->command, &event) < 0)
		return err_sys(err, -errno, "The log cannot start");
	r = pump_open(&j->pump, err);
	if (r < 0)
		return r;
	if (config->console_fd > 0)
		j->pump.console = (struct forward_console){
			.fd = config->console_fd,
			.terminal = isatty(config->console_fd),
			.raw = config->console_raw,
		};
	r = cond_init(&j->ended_cond);
	if (r == 0) {
		r = thread_start(j);
		if (r < 0)
			pthread_cond_destroy(&j->ended_cond);
	}
	if (r < 0) {
		pump_close(&j->pump);
		return err_sys(err, r, "The thread of the log cannot start");
	}
	return 0;
}

int journal_start(struct journal **journal, const struct journal_config *config, struct err *err)
{
	struct journal *j = calloc(1, sizeof(*j));
	int r;

	if (!j)
		return err_sys(err, -ENOMEM, "The log cannot start");
	apart_init(&j->apart, sizeof(struct entry));
	j->epoll = j->command = j->compress.pidfd = -EBADF;
	r = journal_init(j, config, err);
	if (r < 0) {
		journal_free(j);
		return r;
	}
	*journal = j;
	return 0;
}

/* Our own copy of the read end of a pipe. */
static int pipe_take(const char *name, int from, int *to, struct err *err)
{
	struct stat st;
	int flags;

	if (fstat(from, &st) < 0 || !S_ISFIFO(st.st_mode))
		return err_set(err, -EINVAL, "The log of %s is not a pipe", name);
	*to = fcntl(from, F_DUPFD_CLOEXEC, 3);
	if (*to < 0)
		return err_sys(err, -errno, "The log of %s cannot be opened", name);
	/* The read end is a file description of its own: the service's write end goes on to block.
	 */
	flags = fcntl(*to, F_GETFL);
	if (flags < 0 || fcntl(*to, F_SETFL, flags | O_NONBLOCK) < 0)
		return err_sys(err, -errno, "The log of %s cannot be opened", name);
	return 0;
}

static int stream_init(struct stream *s, struct journal *j, const struct journal_stream *stream,
		       struct err *err)
{
	int r;

	s->cursor = &j->cursors[stream->index];
	s->file = (struct log_file){
		.dir = j->dir, .group = j->group, .keep = stream->keep, .fd = -EBADF};
	s->max_bytes = stream->max_bytes;
	s->rules = stream->rules;
	s->rotate_s = (time_t)stream->rotate_s;
	s->max_age_s = (time_t)stream->max_age_s;
	s->compress = s->uncompressed = stream->compress;
	if (stream->forward) {
		s->forward = forward_new(stream->forward);
		if (!s->forward)
			return err_sys(err, -ENOMEM, "The log of %s cannot be opened",
				       stream->name);
	}
	if (log_file_name(&s->file, stream->name) < 0)
		return err_set(err, -EINVAL, "%s cannot be the name of a log file", stream->name);
	r = pipe_take(stream->name, stream->fd, &s->fds[0], err);
	if (r == 0 && stream->err_fd > 0)
		r = pipe_take(stream->name, stream->err_fd, &s->fds[1], err);
	return r;
}

int journal_add(struct journal *journal, const struct journal_stream *stream, struct err *err)
{
	struct entry *e;
	int r;

	if (stream->index >= JOURNAL_STREAMS)
		return err_set(err, -EINVAL, "There is no log number %u", stream->index);
	e = apart_new(&journal->apart);
	if (!e)
		return err_sys(err, -ENOMEM, "The log of %s cannot be opened", stream->name);
	for (unsigned i = 0; i < RECORD_STREAMS; i++) {
		e->stream.fds[i] = -EBADF;
		e->sides[i] = (struct side){.entry = e, .which = i};
	}
	e->index = stream->index;
	e->taken_over = stream->taken_over;
	e->watched = stream->watched;
	e->add = (struct order){.kind = ORDER_ADD, .entry = e};
	e->remove = (struct order){.kind = ORDER_REMOVE, .entry = e};
	e->match = (struct order){.kind = ORDER_MATCH, .entry = e};
	r = stream_init(&e->stream, journal, stream, err);
	if (r < 0) {
		entry_free(journal, e);
		return r;
	}
	pthread_mutex_lock(&journal->pump.lock);
	if (journal->entries[e->index]) {
		pthread_mutex_unlock(&journal->pump.lock);
		entry_free(journal, e);
		return err_set(err, -EEXIST, "Log number %u is in use", stream->index);
	}
	journal->entries[e->index] = e;
	give_order(journal, &e->add);
	pthread_mutex_unlock(&journal->pump.lock);
	return 0;
}

void journal_remove(struct journal *journal, unsigned index)
{
	struct entry *e;

	if (index >= JOURNAL_STREAMS)
		return;
	pthread_mutex_lock(&journal->pump.lock);
	e = journal->entries[index];
	journal->entries[index] = NULL;
	if (e)
		give_order(journal, &e->remove);
	pthread_mutex_unlock(&journal->pump.lock);
}

int journal_match(struct journal *journal, unsigned index, const char *pattern,
		  const struct timespec *since, struct err *err)
{
	struct log_match *match = NULL;
	struct pattern *parsed;
	struct entry *e;
	int r = pattern ? pattern_parse(pattern, &parsed, err) : 0;

	if (r < 0)
		return r;
	if (pattern && !(match = log_match_new(parsed, since)))
		return err_sys(err, -ENOMEM, "the pattern");
	/* entries[] is changed by this thread alone. */
	e = index < JOURNAL_STREAMS ? journal->entries[index] : NULL;
	if (!e) {
		log_match_free(match);
		return err_set(err, -ENOENT, "There is no log number %u", index);
	}
	pump_match(&journal->pump, &e->stream, match);
	pthread_mutex_lock(&journal->pump.lock);
	if (!e->match_ordered) {
		e->match_ordered = true;
		e->match.next = NULL;
		give_order(journal, &e->match);
	}
	pthread_mutex_unlock(&journal->pump.lock);
	return 0;
}

bool journal_matched(struct journal *journal, unsigned index)
{
	bool matched = false;

	if (index >= JOURNAL_STREAMS)
		return false;
	pthread_mutex_lock(&journal->pump.lock);
	if (journal->entries[index])
		matched = journal->entries[index]->stream.matched;
	pthread_mutex_unlock(&journal->pump.lock);
	return matched;
}

size_t journal_tail(struct journal *journal, unsigned index, char *buf, size_t size)
{
	size_t n = 0;

	if (size)
		buf[0] = '\0';
	if (index >= JOURNAL_STREAMS)
		return 0;
	pthread_mutex_lock(&journal->pump.lock);
	if (journal->entries[index])
		n = tail_lines(&journal->entries[index]->stream.tail, buf, size);
	pthread_mutex_unlock(&journal->pump.lock);
	return n;
}

void journal_counters(struct journal *journal, unsigned index, struct journal_counters *counters)
{
	*counters = (struct journal_counters){0};
	if (index >= JOURNAL_STREAMS)
		return;
	pthread_mutex_lock(&journal->pump.lock);
	if (journal->entries[index])
		*counters = journal->entries[index]->stream.counters;
	pthread_mutex_unlock(&journal->pump.lock);
}

int journal_open(struct journal *journal, unsigned index, unsigned older)
{
	char name[sizeof(((struct log_file *)0)->name)];
	bool known;

	if (index >= JOURNAL_STREAMS)
		return -ENOENT;
	pthread_mutex_lock(&journal->pump.lock);
	known = journal->entries[index];
	if (known)
		memcpy(name, journal->entries[index]->stream.file.name, sizeof(name));
	pthread_mutex_unlock(&journal->pump.lock);
	return known ? log_file_reader(journal->dir, name, older) : -ENOENT;
}

void journal_stop(struct journal *journal, int timeout_ms)
{
	struct timespec by;
	bool ended;

	clock_gettime(CLOCK_MONOTONIC, &by);
	by.tv_sec += timeout_ms / 1000;
	by.tv_nsec += timeout_ms % 1000 * 1000000L;
	by.tv_sec += by.tv_nsec / 1000000000;
	by.tv_nsec %= 1000000000;
	pthread_mutex_lock(&journal->pump.lock);
	journal->stop = true;
	give_order(journal, NULL);
	while (!journal->ended)
		if (pthread_cond_timedwait(&journal->ended_cond, &journal->pump.lock, &by) ==
		    ETIMEDOUT)
			break;
	ended = journal->ended;
	pthread_mutex_unlock(&journal->pump.lock);
	if (!ended) {
		/* It hangs in a disk. It uses all of this, so all of this stays; the cursors are
		 * good. */
		pthread_detach(journal->thread);
		return;
	}
	pthread_join(journal->thread, NULL);
	for (size_t i = 0; i < JOURNAL_STREAMS; i++)
		if (journal->running[i])
			entry_free(journal, journal->running[i]);
	pthread_cond_destroy(&journal->ended_cond);
	pump_close(&journal->pump);
	journal_free(journal);
}
