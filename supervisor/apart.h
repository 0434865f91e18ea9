/*
 * apart.h - memory for things of one size that no child needs between clone and execve: a clone
 * does not copy these pages (MADV_DONTFORK), so that they cost nothing at a start, and writing to
 * them afterwards no fault.
 *
 * What a child reads, and be it through a pointer, must not lie here: it would end by SIGSEGV.
 * For any thread of the supervisor. Pages are kept for the next one, until all of it is closed.
 */
#pragma once

#include <pthread.h>
#include <stddef.h>

struct apart {
	size_t size;  /* of each */
	void *free;   /* a list through their first words */
	void *chunks; /* a list through their first words, too */
	char *fresh;  /* of the last chunk, what was never used */
	size_t left;  /* of it */
	pthread_mutex_t lock;
};

void apart_init(struct apart *apart, size_t size);
/* All zero; NULL: no memory. */
void *apart_new(struct apart *apart);
void apart_free(struct apart *apart, void *object);
/* Nothing of it may be used any more. */
void apart_close(struct apart *apart);
