#include "init/console.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* A new description of what fd 2 (or 1) is, so that O_NONBLOCK is ours alone. */
static int reopen(int fd)
{
	char path[] = "/proc/self/fd/0";

	path[sizeof(path) - 2] = (char)('0' + fd);
	return open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

void console_open(struct console *console)
{
	struct stat st;
	int fd = 2;

	console->fd = -1;
	if (fstat(2, &st) < 0) {
		fd = 1;
		if (fstat(1, &st) < 0)
			return;
	}
	if (S_ISSOCK(st.st_mode)) {
		/* A socket has no path to be opened by; MSG_DONTWAIT does the same for one call. */
		console->fd = fcntl(fd, F_DUPFD_CLOEXEC, 100);
		console->is_socket = true;
		return;
	}
	if (S_ISREG(st.st_mode)) {
		/* A description of our own would write at its own offset, over what others write.
		 */
		console->fd = fcntl(fd, F_DUPFD_CLOEXEC, 100);
		return;
	}
	console->fd = reopen(fd);
	if (console->fd >= 0) {
		int high = fcntl(console->fd, F_DUPFD_CLOEXEC, 100);

		/* Out of the way of the fds that the supervisor inherits by number. */
		if (high >= 0) {
			close(console->fd);
			console->fd = high;
		}
		return;
	}
	/*
	 * No /proc, or the pipe belongs to a user of the host (moby#31243). A pipe that poll()
	 * calls writable takes PIPE_BUF bytes; a terminal's word cannot be trusted (after ^S), so
	 * we stay silent on one.
	 */
	if (S_ISFIFO(st.st_mode)) {
		console->fd = fcntl(fd, F_DUPFD_CLOEXEC, 100);
		console->must_poll = true;
	}
}

void line_add(struct line *line, const char *text)
{
	while (text && *text && line->len < sizeof(line->text) - 1)
		line->text[line->len++] = *text++;
}

void line_add_u64(struct line *line, uint64_t value)
{
	char digits[21];
	size_t at = sizeof(digits);

	digits[--at] = '\0';
	do {
		digits[--at] = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	line_add(line, digits + at);
}

static void console_write(struct console *console, const char *text, size_t len)
{
	ssize_t n = -1;

	if (console->fd < 0) {
		n = -1;
	} else if (console->is_socket) {
		n = send(console->fd, text, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	} else if (console->must_poll) {
		struct pollfd p = {.fd = console->fd, .events = POLLOUT};

		if (poll(&p, 1, 0) == 1 && (p.revents & POLLOUT))
			n = write(console->fd, text, len);
	} else {
		n = write(console->fd, text, len);
	}
	if (n < 0)
		n = 0;
	if ((size_t)n < len && console->dropped)
		__atomic_fetch_add(console->dropped, len - (size_t)n, __ATOMIC_RELAXED);
}

void console_line(struct console *console, struct line *line)
{
	/* A terminal in raw mode (a person's program owns it) does not turn \n into \r\n. */
	if (console->raw && line->len < sizeof(line->text) - 2)
		line->text[line->len++] = '\r';
	if (line->len == sizeof(line->text))
		line->len--;
	line->text[line->len++] = '\n';
	console_write(console, line->text, line->len);
}

void console_warn(struct console *console, const char *a, const char *b, const char *c)
{
	struct line line = {.len = 0};

	line_add(&line, "hakim-init: ");
	line_add(&line, a);
	line_add(&line, b);
	line_add(&line, c);
	console_line(console, &line);
}

void console_say(struct console *console, const char *a, const char *b, const char *c)
{
	if (!console->quiet)
		console_warn(console, a, b, c);
}

void console_text(int fd, const char *text)
{
	size_t len = strlen(text);

	while (len) {
		ssize_t n = write(fd, text, len);

		if (n <= 0)
			return;
		text += n;
		len -= (size_t)n;
	}
}
