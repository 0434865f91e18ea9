#include "supervisor/journal_pump.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "common/cleanup.h"

/* A look at the file's name costs a system call: each so many chunks, and after a pause. */
#define CHECK_CHUNKS  64
#define CHECK_SECONDS 1
#define RETRY_SECONDS 1

int pump_open(struct pump *p, struct err *err)
{
	int r;

	*p = (struct pump){.tee = {-EBADF, -EBADF}, .console = {.fd = -1}};
	if (pipe2(p->tee, O_CLOEXEC | O_NONBLOCK) < 0)
		return err_sys(err, -errno, "The log cannot make a pipe");
	/*
	 * One buffer for each of ours is enough: more would let tee() take more bytes than we read.
	 * Fewer, where the user's pipes are used up (pipe(7), pipe-user-pages-soft), only make more
	 * turns.
	 */
	(void)fcntl(p->tee[1], F_SETPIPE_SZ, PUMP_TURN);
	p->raw = malloc(PUMP_TURN);
	p->out = malloc(PUMP_TURN);
	r = p->raw && p->out ? -pthread_mutex_init(&p->lock, NULL) : -ENOMEM;
	if (r < 0) {
		free(p->raw);
		free(p->out);
		close(p->tee[0]);
		close(p->tee[1]);
		return err_sys(err, r, "The log cannot start");
	}
	return 0;
}

void pump_close(struct pump *p)
{
	pthread_mutex_destroy(&p->lock);
	free(p->raw);
	free(p->out);
	close(p->tee[0]);
	close(p->tee[1]);
}

static void pump_clock(struct pump *p)
{
	clock_gettime(CLOCK_REALTIME, &p->now);
	stamp_set(&p->stamp, &p->now);
}

/* The records in front of the cursor, from before this process. */
static void refill_tail(struct pump *p, struct stream *s)
{
	uint64_t off = s->cursor->off;
	size_t want = off < TAIL_SIZE ? off : TAIL_SIZE;
	char data[TAIL_SIZE];
	ssize_t n;

	s->refill = false;
	s->tail_open = s->cursor->now.open;
	n = pread(s->file.fd, data, want, (off_t)(off - want));
	if (n <= 0)
		return;
	pthread_mutex_lock(&p->lock);
	s->tail.cut = off > want;
	tail_push(&s->tail, data, (size_t)n);
	pthread_mutex_unlock(&p->lock);
}

/* Opens the file if need be. Returns 0 when it can be written. */
static int file_ready(struct pump *p, struct stream *s)
{
	struct cursor *c = s->cursor;

	if (c->version != CURSOR_VERSION) {
		/* Somebody wiped it; without an offset all that can be done is to append. */
		log_file_close(&s->file);
		cursor_reset(c);
	}
	if (s->file.fd >= 0 && (++s->unchecked >= CHECK_CHUNKS ||
				llabs((long long)p->now.tv_sec - s->checked) > CHECK_SECONDS)) {
		log_file_check(&s->file, c);
		s->unchecked = 0;
		s->retry = 0;
	}
	s->checked = p->now.tv_sec;
	if (s->file.fd >= 0)
		return 0;
	if (s->open_error && llabs((long long)p->now.tv_sec - s->retry) < RETRY_SECONDS)
		return s->open_error;
	s->retry = p->now.tv_sec;
	s->open_error = log_file_open(&s->file, c);
	if (s->open_error)
		return s->open_error;
	s->rotate_at = s->max_bytes;
	s->begun = 0;
	s->ages_known = false;
	if (s->refill)
		refill_tail(p, s);
	return 0;
}

void pump_start(struct pump *p, struct stream *s, bool taken_over)
{
	pump_clock(p);
	if (taken_over)
		cursor_recover(s->cursor);
	else
		cursor_reset(s->cursor);
	seam_step(p->seam);
	s->refill = taken_over;
	s->tail_open = 0;
	s->rotate_at = s->max_bytes;
	for (unsigned i = 0; i < RECORD_STREAMS; i++) {
		s->pipe_size[i] = s->fds[i] < 0 ? 0 : fcntl(s->fds[i], F_GETPIPE_SZ);
		if (s->pipe_size[i] <= 0)
			s->pipe_size[i] = PUMP_TURN;
	}
	(void)file_ready(p, s);
}

/* A chunk on its way. */
struct chunk {
	struct records records;
	size_t used;
	int error; /* of the file */
	size_t bytes;
};

/* Empties the buffer of records: into the file as long as that goes well, and into the tail. */
static void chunk_flush(struct pump *p, struct stream *s, struct chunk *chunk)
{
	struct records *r = &chunk->records;
	uint64_t dropped = 0;

	if (!chunk->error) {
		chunk->error = log_file_write(&s->file, r->pos, r->out, r->len);
		seam_step(p->seam);
	}
	if (s->forward && p->console.fd >= 0)
		dropped = forward_records(s->forward, &p->console, r->out, r->len);
	pthread_mutex_lock(&p->lock);
	tail_push(&s->tail, r->out, r->len);
	s->counters.console_dropped += dropped;
	pthread_mutex_unlock(&p->lock);
	chunk->bytes += r->len;
	r->pos += r->len;
	r->len = 0;
}

/* Formats and writes as much of the first `n` raw bytes as may go into this file. */
static void chunk_write(struct pump *p, struct stream *s, size_t n, struct chunk *chunk)
{
	struct records *r = &chunk->records;
	struct cursor *c = s->cursor;
	/* May be a packet (see pump_once()), whose other half would be thrown away: a little over
	 * the limit is better. */
	bool whole = n <= PIPE_BUF && !c->now.open;
	char note[160];

	r->at = c->now;
	if (chunk->error)
		r->at.open = s->tail_open;
	r->pos = c->off;
	r->max = chunk->error ? 0 : s->rotate_at;
	if (c->lost && !chunk->error) {
		snprintf(note, sizeof(note), "hakim: %" PRIu64 " bytes of log were lost: %s",
			 c->lost, strerrordesc_np((int)c->lost_errno) ?: "unknown error");
		record_note(r, note);
	}
	while (chunk->used < n) {
		chunk->used += record_format(r, p->raw + chunk->used, n - chunk->used);
		if (chunk->used == 0 && r->stop == RECORD_ROTATE)
			return;
		chunk_flush(p, s, chunk);
		if (chunk->error || whole)
			r->max = 0;
		else if (r->stop == RECORD_ROTATE)
			return;
	}
}

/* The front of the pipe goes, and its count with it: who looks at both finds them agree. */
static int consume(struct pump *p, struct stream *s, struct cursor *c, const struct chunk *chunk)
{
	unsigned which = chunk->records.stream;
	int r;

	pthread_mutex_lock(&p->lock);
	r = cursor_consume(c, s->fds[which], p->raw, chunk->used);
	s->taken[which] += chunk->used;
	pthread_mutex_unlock(&p->lock);
	return r;
}

/* What the file does not take is read away all the same: a service never waits for a disk. */
static int chunk_lose(struct pump *p, struct stream *s, struct chunk *chunk)
{
	struct cursor *c = s->cursor;
	struct cursor unused;

	/* A part may be written; without this it would be in the file until the next write, and
	 * after a kill. */
	if (s->file.fd >= 0 && ftruncate(s->file.fd, (off_t)c->off) < 0)
		log_file_close(&s->file);
	c->lost_errno = (uint64_t)-chunk->error;
	/* Before they are gone: a kill in between makes the number too large, never too small. */
	c->lost += chunk->used;
	memcpy(c->now.of, chunk->records.at.of, sizeof(c->now.of));
	c->now.suppressed = chunk->records.at.suppressed;
	seam_step(p->seam);
	return consume(p, s, &unused, chunk);
}

static int chunk_keep(struct pump *p, struct stream *s, struct chunk *chunk)
{
	struct cursor *c = s->cursor;
	int r;

	cursor_arm(c, chunk->records.pos, &chunk->records.at, (uint8_t)p->raw[chunk->used - 1]);
	seam_step(p->seam);
	/* Into `raw`: these pages were written to a moment ago, so that the kernel finds them. */
	r = consume(p, s, c, chunk);
	seam_step(p->seam);
	/* Also on an error, which says that somebody else has emptied the pipe: the bytes are in
	 * the file. */
	cursor_commit(c);
	seam_step(p->seam);
	return r;
}

static void match_begin(struct pump *p, struct stream *s)
{
	struct log_match *before = NULL;
	bool is_new;

	pthread_mutex_lock(&p->lock);
	is_new = s->match_new;
	if (is_new) {
		before = s->match;
		s->match = s->match_next;
		s->match_next = NULL;
		s->match_new = false;
	}
	pthread_mutex_unlock(&p->lock);
	if (!is_new)
		return;
	log_match_free(before);
	s->match_news = false;
	if (s->match)
		log_match_file(s->match, s->file.fd, (off_t)s->cursor->off);
}

/* It is not looked for twice. */
static void match_end(struct pump *p, struct stream *s)
{
	if (!s->match || !s->match->matched)
		return;
	log_match_free(s->match);
	s->match = NULL;
	pthread_mutex_lock(&p->lock);
	/* Unless the next is waited for already. */
	s->match_news = s->matched = !s->match_new;
	pthread_mutex_unlock(&p->lock);
}

static void chunk_begin(struct pump *p, struct stream *s, unsigned which, struct chunk *chunk,
			int error)
{
	*chunk = (struct chunk){
		.records = {.stamp = p->stamp.text,
			    .rules = &s->rules,
			    .rate = &s->rate,
			    .now_us = (uint64_t)p->now.tv_sec * 1000000 +
				      (uint64_t)p->now.tv_nsec / 1000,
			    .stream = which,
			    .out = p->out,
			    .cap = PUMP_TURN},
		.error = error,
	};
}

/* Moves the first of the `n` bytes in raw, as many as go into one file. Returns how many. */
static ssize_t pump_chunk(struct pump *p, struct stream *s, unsigned which, size_t n)
{
	struct chunk chunk;
	int r;

	chunk_begin(p, s, which, &chunk, file_ready(p, s));
	chunk_write(p, s, n, &chunk);
	if (!chunk.used) {
		r = log_file_rotate(&s->file, s->cursor);
		s->begun = 0;
		s->ages_known = false;
		s->uncompressed = s->compress;
		/* It could not: not again before the file has grown as much once more. */
		s->rotate_at = r < 0 ? s->cursor->off + s->max_bytes : s->max_bytes;
		if (r < 0 && s->file.fd < 0) {
			s->open_error = r;
			s->retry = p->now.tv_sec;
		}
		chunk_begin(p, s, which, &chunk, s->file.fd < 0 ? r : 0);
		chunk.records.greedy = true;
		chunk_write(p, s, n, &chunk);
	}
	s->tail_open = chunk.records.at.open;
	match_begin(p, s);
	if (s->match) {
		log_match_bytes(s->match, which, p->raw, chunk.used, s->taken[which]);
		match_end(p, s);
	}
	r = chunk.error ? chunk_lose(p, s, &chunk) : chunk_keep(p, s, &chunk);
	pthread_mutex_lock(&p->lock);
	s->counters.last_errno = -chunk.error;
	s->counters.suppressed += chunk.records.suppressed;
	if (chunk.error) {
		s->counters.lost_bytes += chunk.used;
	} else {
		s->counters.bytes += chunk.bytes;
		s->counters.lines += chunk.records.lines;
	}
	pthread_mutex_unlock(&p->lock);
	return r < 0 ? r : (ssize_t)chunk.used;
}

/* Bytes that are in our pipe and were not read away from the service's come again with the next
 * tee(). */
static void discard(struct pump *p)
{
	ssize_t n;

	do {
		n = read(p->tee[0], p->raw, PUMP_TURN);
	} while (n > 0 || (n < 0 && errno == EINTR));
}

/* One tee() and what it brought. */
static ssize_t pump_once(struct pump *p, struct stream *s, unsigned which)
{
	ssize_t left, moved = 0, n = -EIO;

	do {
		left = tee(s->fds[which], p->tee[1], PUMP_TURN, SPLICE_F_NONBLOCK);
	} while (left < 0 && errno == EINTR);
	if (left <= 0)
		return left < 0 ? -errno : -EPIPE;
	seam_step(p->seam);
	pump_clock(p);
	while (moved < left) {
		/*
		 * What one read() brings is what one read() of the service's pipe will take away: a
		 * writer that has set O_DIRECT makes packets (pipe(2)), which come one at a time
		 * and whose rest is thrown away.
		 */
		ssize_t got = read(p->tee[0], p->raw, PUMP_TURN);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		n = pump_chunk(p, s, which, (size_t)got);
		if (n > 0)
			moved += n;
		if (n != got)
			break;
	}
	if (moved < left)
		discard(p);
	return moved ?: n;
}

ssize_t pump_turn(struct pump *p, struct stream *s, unsigned which)
{
	ssize_t moved = 0, n;

	/* A pipe of the usual size is empty after one tee(); a tiny one is full again meanwhile. */
	do {
		n = pump_once(p, s, which);
		if (n > 0)
			moved += n;
	} while (n >= 4096 && moved + s->pipe_size[which] <= PUMP_TURN);
	return moved ?: n;
}

void pump_drain(struct pump *p, struct stream *s)
{
	for (unsigned i = 0; i < RECORD_STREAMS; i++) {
		int filled = 0;

		if (s->fds[i] < 0 || ioctl(s->fds[i], FIONREAD, &filled) < 0)
			continue;
		while (filled > 0) {
			ssize_t n = pump_turn(p, s, i);

			if (n <= 0)
				break;
			filled -= (int)n;
		}
	}
}

void pump_match(struct pump *p, struct stream *s, struct log_match *match)
{
	int filled = 0;

	pthread_mutex_lock(&p->lock);
	log_match_free(s->match_next);
	s->match_next = match;
	s->match_new = true;
	s->matched = false;
	/* What is in the pipe was written before. After a takeover nobody knows: all of it counts.
	 */
	for (unsigned i = 0; match && !match->since[0] && i < RECORD_STREAMS; i++)
		if (s->fds[i] >= 0 && ioctl(s->fds[i], FIONREAD, &filled) == 0)
			match->part[i].from = s->taken[i] + (uint64_t)filled;
	pthread_mutex_unlock(&p->lock);
}

bool pump_match_begin(struct pump *p, struct stream *s)
{
	bool news;

	match_begin(p, s);
	match_end(p, s);
	news = s->match_news;
	s->match_news = false;
	return news;
}

void pump_stop(struct stream *s)
{
	log_match_free(s->match);
	log_match_free(s->match_next);
	s->match = s->match_next = NULL;
	free(s->forward);
	s->forward = NULL;
	log_file_close(&s->file);
	for (unsigned i = 0; i < RECORD_STREAMS; i++) {
		if (s->fds[i] >= 0)
			close(s->fds[i]);
		s->fds[i] = -EBADF;
	}
}
