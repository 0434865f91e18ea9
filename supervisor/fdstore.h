/*
 * fdstore.h - the fds that a service has the supervisor keep for its next start: FDSTORE=1 of
 * sd_notify(3), FileDescriptorStoreMax= of systemd.service(5).
 *
 * PID 1 keeps a copy of each by the name "fds:UNIT:INDEX"; the fd's own name may be longer than
 * that has room for and is in the state. The state is written first: a kept fd without a line is
 * called "stored", a line without a kept fd is nothing.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"

struct service;
struct pass_fds;

/*
 * A message of the service, as lines, with the fds that came with it; owns the fds. Stores or
 * removes what FDSTORE=1, FDSTOREREMOVE=1, FDNAME= and FDPOLL= say, and closes all else.
 */
void fdstore_message(struct service *s, const char *text, int *fds, size_t n);
/* For the next start, behind its sockets. */
int fdstore_collect(struct service *s, struct pass_fds *pass, struct err *err);
/* Its state has changed: gives free what FileDescriptorStorePreserve= does not hold. */
void fdstore_state_changed(struct service *s);
/* Closes all, here and in PID 1. */
void fdstore_free(struct service *s);

/* For the state: calls add() for each fd. */
void fdstore_save(const struct service *s,
		  void (*add)(void *data, unsigned index, bool poll, const char *name), void *data);
/* What the state says of an fd, before fdstore_take(); and what PID 1 kept. Owns the fd. */
void fdstore_expect(struct service *s, unsigned index, bool poll, const char *name);
void fdstore_take(struct service *s, unsigned index, int fd);
/* All is taken over: forgets what was expected and is not there. */
void fdstore_settle(struct service *s);

/* The lines of a message that concern the store; pure. */
struct fdstore_request {
	bool store, remove;
	bool poll;        /* FDPOLL=0 sets it to false */
	const char *name; /* points into the text; NULL: none */
	size_t name_len;
};
struct fdstore_request fdstore_parse(const char *text);
