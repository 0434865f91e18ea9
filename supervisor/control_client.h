/*
 * control_client.h - what a request of the control socket (docs/control.md) is answered with.
 *
 * The rooms: control.c has the socket, the clients and the packets; control_verbs.c the table of
 * requests and those that are most asked; control_*.c each its own, which it names here for one row
 * of the table.
 *
 * A handler never waits: not for the client, not for a service. It sends its answer at once
 * (client_end(), client_error()), or a long one packet by packet as the client reads it
 * (client_stream()), or says what has to come true first (client_wait()). It has done exactly one
 * of these when it returns.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/json.h"
#include "common/strv.h"
#include "supervisor/manager.h"

#define CONTROL_FDS 128 /* of one packet; SCM_RIGHTS takes up to 253 (unix(7)) */

struct client {
	struct control *control;
	struct manager *m;
	struct source source;
	int fd;
	uid_t uid; /* who asks: root, the supervisor's own user or the coder user */

	/* Free for the handler that streams or waits; freed and zeroed at the end of the answer. */
	struct strv names;
	unsigned flags;
	size_t next; /* client_stream(): the packet that comes next */

	/* control.c's own. */
	int (*stream)(struct client *client, size_t i);
	bool (*over)(struct client *client);
	uint64_t until_us;
};

/*
 * One packet, without waiting. 0, -EAGAIN when the client does not read fast enough, or another
 * errno. The fds stay the caller's.
 */
int client_packet(struct client *client, struct json *json, const int *fds, unsigned n_fds);

/* The end of the answer: ok where `error` is NULL. It also ends a stream or a wait. */
void client_end(struct client *client, const char *error);
void client_error(struct client *client, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * Calls `stream` with 0, 1, 2 … as long as the client takes packets, a few in each round of the
 * loop: 0: that one was sent; 1: there are no more, the end is sent; -EAGAIN: the same one again
 * when there is room; any other error ends the answer with it. `i` may be beyond what there was at
 * the first call, and units may have come or gone meanwhile.
 */
void client_stream(struct client *client, int (*stream)(struct client *client, size_t i));

/*
 * Calls `over` now and each time that a unit has come to rest or is up, until it has sent the end
 * and returns true; with `until_us` (CLOCK_MONOTONIC, 0: none) also once at that time, where
 * client_too_late() is true, and the answer ends then in any case.
 */
void client_wait(struct client *client, bool (*over)(struct client *client), uint64_t until_us);
bool client_too_late(const struct client *client);

/* All names are those of units. Else the error was sent. At least one must be given. */
bool client_knows(struct client *client, char *const *names, size_t n);
/* Remembers the names, in full. Else the error was sent. */
bool client_remember(struct client *client, char *const *names, size_t n);

/* A request: its name, and the words behind it. */
struct control_verb {
	const char *name;
	void (*handle)(struct client *client, char *const *words, size_t n);
};

/* control_wait.c */
void control_wait(struct client *client, char *const *words, size_t n);

/* control_verbs.c: the named units start or stop, and the answer's end comes when they have. */
void control_start(struct client *client, char *const *words, size_t n);
void control_stop(struct client *client, char *const *words, size_t n);
void control_restart(struct client *client, char *const *words, size_t n);

/* control_act.c */
void control_kill(struct client *client, char *const *words, size_t n);
void control_reset_failed(struct client *client, char *const *words, size_t n);
void control_reload_unit(struct client *client, char *const *words, size_t n);
void control_reload_or_restart(struct client *client, char *const *words, size_t n);
void control_try_reload_or_restart(struct client *client, char *const *words, size_t n);

/* control_units.c */
void control_reload(struct client *client, char *const *words, size_t n);
void control_enable(struct client *client, char *const *words, size_t n);
void control_disable(struct client *client, char *const *words, size_t n);
void control_preset(struct client *client, char *const *words, size_t n);
void control_mask(struct client *client, char *const *words, size_t n);
void control_unmask(struct client *client, char *const *words, size_t n);
void control_list_unit_files(struct client *client, char *const *words, size_t n);

/* control_verbs.c. NULL: there is none. */
const struct control_verb *control_verb_find(const char *name);
