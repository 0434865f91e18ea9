/*
 * sockets.h - the manager's side of .socket units: they listen, their traffic starts a service, and
 * the service gets the fds.
 *
 * PID 1 keeps every fd by the name "sock:UNIT:INDEX": a new supervisor takes it over and never
 * binds anew, so no connection is refused in between. While the service runs its sockets are its
 * own business: the supervisor looks at them only while the service is at rest.
 */
#pragma once

#include <stdbool.h>

#include "common/err.h"
#include "common/strv.h"

struct manager;
struct service;

/* DO_LISTEN: binds what does not listen yet. A negative errno and why: it cannot listen. */
int sockets_listen(struct service *s, struct err *err);
/* DO_UNLISTEN: closes all of it, here and in PID 1. */
void sockets_unlisten(struct service *s);
/* What the service holds is closed here; PID 1's copies are dropped, too. */
void sockets_free(struct service *s);
/* An fd that PID 1 kept for it; takes the fd over. */
void sockets_take(struct service *s, unsigned index, int fd);
/* Looks at the sockets whose service is at rest, and no others; to be called when a state has
 * changed. */
void sockets_watch(struct manager *m);
/* True when traffic starts the service, so that the boot need not. */
bool sockets_start_it(struct manager *m, const struct service *s);

/* What a process is given besides 0, 1 and 2; sd_listen_fds(3). The fds stay the owners', but for
 * the last ones. */
struct pass_fds {
	int *v;
	unsigned n;
	unsigned n_owned; /* the last so many are our own, and closed with it */
	struct strv names;
	int in_fd; /* StandardInput=socket; -1: none */
};

int pass_fds_add(struct pass_fds *pass, int fd, const char *name);
void pass_fds_free(struct pass_fds *pass);
/* The sockets of the service, in the order of their units' names. */
int sockets_collect(struct service *s, struct pass_fds *pass, struct err *err);
/*
 * All that the main process gets, and LISTEN_FDS= and its kin in the environment. *listen_pid
 * points into the entry of LISTEN_PID=, where the child writes its own; NULL when nothing is
 * passed.
 */
int pass_fds_collect(struct service *s, struct pass_fds *pass, struct strv *env, char **listen_pid,
		     struct err *err);
