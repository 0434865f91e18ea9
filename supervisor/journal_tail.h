/*
 * journal_tail.h - the last records of a log in memory, for the status. Pure. The owner sees to the
 * locking.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define TAIL_SIZE 1536

/* All-zero is empty. */
struct tail {
	size_t len;
	bool cut; /* data does not begin at the beginning of a record */
	char data[TAIL_SIZE];
};

void tail_push(struct tail *tail, const char *data, size_t len);
/* Copies the last whole lines that fit into buf, "\n" between, NUL at the end (a NUL in a line
 * becomes "?"). */
size_t tail_lines(const struct tail *tail, char *buf, size_t size);
