#include "supervisor/journal_cursor.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/uio.h>

static_assert(sizeof(struct cursor) == sizeof(struct journal_cursor),
	      "the cursor's size is a contract");

/*
 * The other reader of a cursor is the process after this one, and death is no reordering processor:
 * what matters is only that the compiler keeps the order of the stores. Release stores say so.
 */
#define store(p, v) __atomic_store_n((p), (v), __ATOMIC_RELEASE)
#define load(p)     __atomic_load_n((p), __ATOMIC_ACQUIRE)

void cursor_reset(struct cursor *c)
{
	store(&c->version, 0);
	store(&c->armed, 0);
	store(&c->ino, 0);
	store(&c->born_ns, 0);
	store(&c->off, 0);
	store(&c->lost, 0);
	store(&c->lost_errno, 0);
	store(&c->bol, 1);
	c->now = c->after = (struct lines){0};
	store(&c->version, CURSOR_VERSION);
}

void cursor_recover(struct cursor *c)
{
	if (load(&c->version) != CURSOR_VERSION) {
		cursor_reset(c);
		return;
	}
	if (load(&c->armed)) {
		if (load(&c->marker) == load(&c->expect))
			cursor_commit(c);
		else
			store(&c->armed, 0);
	}
	/* Of a supervisor that knew one stream only. */
	if (!load(&c->bol) && !c->now.open) {
		c->now.of[0].state = LINE_IN;
		c->now.open = 1;
	}
}

void cursor_rebase(struct cursor *c, uint64_t ino, uint64_t born_ns, uint64_t off)
{
	/* Without an inode in between, the old offset would cut the new file. */
	store(&c->ino, 0);
	store(&c->off, off);
	store(&c->bol, 1);
	store(&c->now.open, 0);
	store(&c->born_ns, born_ns);
	store(&c->ino, ino);
}

void cursor_arm(struct cursor *c, uint64_t after_off, const struct lines *after, uint8_t last)
{
	c->after = *after;
	store(&c->after_off, after_off);
	store(&c->after_bol, !after->open);
	store(&c->expect, last);
	store(&c->marker, (uint8_t)~last);
	store(&c->armed, 1);
}

int cursor_consume(struct cursor *c, int fd, char *scratch, size_t n)
{
	size_t done = 0;

	while (done < n) {
		struct iovec iov[2] = {
			{.iov_base = scratch + done, .iov_len = n - done - 1},
			{.iov_base = &c->marker, .iov_len = 1},
		};
		ssize_t r = readv(fd, iov, 2);

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return -errno;
		if (r == 0)
			return -EPIPE;
		done += (size_t)r;
	}
	return 0;
}

void cursor_commit(struct cursor *c)
{
	store(&c->off, load(&c->after_off));
	store(&c->bol, load(&c->after_bol));
	c->now = c->after;
	/* What is written tells of the bytes that were lost before it. */
	store(&c->lost, 0);
	store(&c->armed, 0);
}
