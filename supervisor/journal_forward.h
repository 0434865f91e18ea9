/*
 * journal_forward.h - the lines of a log on the container's console, as "name: line", for `docker
 * logs`. Never waits: what the console does not take at once is dropped and counted. A line may
 * come twice after the supervisor was killed; the log itself has it once.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FORWARD_LINE 1024 /* a longer one is divided */
#define FORWARD_NAME 64

struct forward_console {
	int fd;        /* O_NONBLOCK; -1: none */
	bool terminal; /* colours, and no control characters */
	bool raw;      /* a program may have it in raw mode: lines end in CR LF */
	bool cut;      /* the last line did not fit */
};

struct forward {
	char name[FORWARD_NAME];
	unsigned head; /* bytes of the header that were seen; FORWARD_TEXT: all */
	size_t len;
	char line[FORWARD_LINE];
};

/* NULL on a lack of memory. */
struct forward *forward_new(const char *name);
/* Takes records as they are written to the file. Returns how many bytes the console did not take.
 */
uint64_t forward_records(struct forward *f, struct forward_console *console, const char *bytes,
			 size_t len);
