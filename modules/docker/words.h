/*
 * words.h - why dockerd did not start, by its own last words. Pure.
 *
 * They are looked for since the last start, which hakim-docker's own line in the log begins.
 */
#pragma once

#include <stddef.h>

/* What hakim-docker's line begins with, and the log is searched for. */
#define WORDS_BEGIN "hakim-docker: storage driver"

enum words {
	WORDS_NONE = 0, /* it said nothing of it (yet) */
	WORDS_OTHER,    /* what another driver or network does not mend */
	WORDS_DRIVER,   /* the storage driver cannot be used */
	WORDS_NETWORK,  /* the bridge or iptables cannot */
};

/* `why` is a text of one line without the time, cut to its size; "" with WORDS_NONE. */
enum words words_read(const char *log, char *why, size_t size);
