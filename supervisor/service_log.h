/*
 * service_log.h - the pipes of a service's output: made, kept by PID 1, given to the journal. They
 * live as long as the service is known, the same ones for each of its processes, so that nothing is
 * lost between one and the next. And what stdin, stdout and stderr of a process are.
 *
 * Nothing here reads a pipe: that is the journal's.
 */
#pragma once

#include <stdbool.h>

#include "common/err.h"
#include "supervisor/journal.h"
#include "supervisor/spawn.h"

struct service;

struct service_log {
	int index;                 /* its cursor, -1: the journal does not have it */
	int read[RECORD_STREAMS];  /* of stdout and stderr, -1: none */
	int write[RECORD_STREAMS]; /* the ends that processes get, -1: none */
	bool stale;                /* the unit was read anew: the journal is to have its rules */
};

void service_log_init(struct service_log *log);
/* Nothing to do when it is open. `taken_over`: it was, before this supervisor started. */
int service_log_open(struct service *s, bool taken_over, struct err *err);
/* For good: the unit is not known any more. */
void service_log_close(struct service *s);
/* A read end that PID 1 has kept. False: there is one already, the fd is still the caller's. */
bool service_log_adopt(struct service_log *log, bool is_error, int fd);
/*
 * Fills in what the streams of a process are, by StandardInput= and its kin; in_fd may be a
 * connection. *data_fd is the caller's to close once the process is cloned, if it is not negative.
 */
int service_stdio(struct service *s, struct spawn *spawn, int *data_fd, struct err *err);
