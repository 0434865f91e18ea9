/*
 * connections.h - Accept=yes of a .socket unit: each connection is accepted here and given to a
 * service of its own, an instance "NAME@N.service" of the template, which is forgotten when it has
 * ended.
 *
 * Until its process has it PID 1 keeps the connection, by the name "sock:NAME@N.service:0".
 */
#pragma once

#include "common/err.h"
#include "supervisor/unit.h"

struct manager;
struct service;

/* Of a service that was made for a connection. */
struct connection {
	int fd;                     /* -1: its process has it, or it is lost */
	char socket[UNIT_NAME_MAX]; /* the unit that has accepted it */
	char source[64];            /* who it is from: an address, or "uid-1000" */
	char port[8];               /* "" where there is none */
};

/* Accepts one. 0, also when there was none or it was refused; -EMFILE …: for now none can be. */
int connections_accept(struct service *socket, int listening);
/* The output goes to the log of the socket: a log a connection would be too many. */
int connections_log(struct service *s, bool taken_over, struct err *err);
/* REMOTE_ADDR= and REMOTE_PORT=. */
int connections_environment(const struct service *s, struct strv *env);
/* The main process was cloned: the connection is its own. */
void connections_spawned(struct service *s);
/* From the state, and from PID 1 (owns the fd); then what follows from both. */
void connections_restore(struct service *s, const char *socket, const char *source,
			 const char *port);
void connections_take(struct service *s, int fd);
void connections_settle(struct service *s);
void connections_free(struct service *s);
/* Services of connections that have ended go. Nobody may hold a service over this. */
void connections_forget(struct manager *m);
