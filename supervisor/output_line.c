#include "supervisor/output_line.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define ROUNDS 16 /* of what is read at the end: a child of the command may go on for ever */

static void line_end(struct output_line *o)
{
	if (!o->len)
		return;
	memcpy(o->last, o->line, o->len);
	o->last[o->len] = '\0';
	o->len = 0;
}

/* A part of the output; what does not fit a line is left out. */
static void take(struct output_line *o, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\n')
			line_end(o);
		else if (o->len < sizeof(o->line) - 1)
			o->line[o->len++] = text[i];
	}
}

static ssize_t read_some(struct output_line *o)
{
	char buf[1024];
	ssize_t n = read(o->fd, buf, sizeof(buf));

	if (n > 0)
		take(o, buf, (size_t)n);
	return n;
}

static void drop(struct output_line *o)
{
	loop_remove(o->loop, &o->source);
	if (o->fd >= 0)
		close(o->fd);
	o->fd = -1;
}

static void ready(void *owner, uint32_t events)
{
	struct output_line *o = owner;
	ssize_t n = read_some(o);

	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		drop(o);
}

void output_line_init(struct output_line *o, struct loop *loop)
{
	*o = (struct output_line){.loop = loop, .source.fd = -1, .fd = -1};
}

void output_line_open(struct output_line *o, int fd)
{
	drop(o);
	o->len = 0;
	o->last[0] = '\0';
	o->fd = fd;
	fcntl(fd, F_SETFL, O_NONBLOCK);
	if (loop_add(o->loop, &o->source, fd, EPOLLIN, ready, o, NULL) < 0)
		drop(o);
}

void output_line_close(struct output_line *o)
{
	for (unsigned i = 0; i < ROUNDS && o->fd >= 0; i++)
		if (read_some(o) <= 0)
			break;
	drop(o);
	line_end(o);
}
