/*
 * console.h - PID 1's voice. It never blocks: it writes to a description of its own that is
 * O_NONBLOCK (the one that we were given is shared with other programs, and after ^S a write to a
 * pty hangs), and what does not fit is dropped and counted. No stdio, no allocation.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct console {
	int fd;         /* -1: there is none that can be written without blocking */
	bool is_socket; /* write by send(MSG_DONTWAIT) */
	bool must_poll; /* the description is shared: ask poll() first, and write little */
	bool quiet;     /* a program runs in the foreground: warnings only */
	bool raw; /* a person's program owns the terminal, perhaps in raw mode: end lines by CR LF
		   */
	uint64_t *dropped; /* where dropped bytes are counted; may be NULL */
};

/* One line under construction. What does not fit is cut. */
struct line {
	char text[512];
	size_t len;
};

/* For a program that is not PID 1: may block. */
void console_text(int fd, const char *text);
void console_open(struct console *console);
void line_add(struct line *line, const char *text);
void line_add_u64(struct line *line, uint64_t value);
/* The line as it is, and its end. */
void console_line(struct console *console, struct line *line);
/* "hakim-init: <a><b><c>\n"; any of them may be NULL. say is for information, warn is always shown.
 */
void console_say(struct console *console, const char *a, const char *b, const char *c);
void console_warn(struct console *console, const char *a, const char *b, const char *c);
