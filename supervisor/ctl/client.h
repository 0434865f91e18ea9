/*
 * client.h - the line to the supervisor: docs/control.md from the side of the one who asks.
 *
 * Nothing here prints. Nothing here waits longer than the caller says. What comes is not trusted: a
 * packet that is too large, no JSON object, or has more fds than were asked for, is an error and
 * its fds are closed.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

#define CLIENT_FDS        128 /* of one answer; more are an error */
#define CLIENT_PLACES     4
#define CLIENT_TIMEOUT_MS 10000 /* an answer that needs no waiting for others has come by then */
#define CLIENT_FOR_EVER   (-1)
#define CLIENT_NO_UNIT    (-ENXIO) /* the code of "there is no unit NAME" */

struct client {
	int fd; /* -1: not connected */
	char path[108];
	char *buf;
};

/* What came before the end. */
struct reply {
	json_t *packets; /* array of objects; NULL: none came */
	int fds[CLIENT_FDS];
	unsigned n_fds; /* of all packets, in order */
};

/* A directory in which a supervisor may be. */
struct client_place {
	char dir[96];
};
/* The places that docs/control.md lists, in their order. Returns how many. */
unsigned client_places(struct client_place places[static CLIENT_PLACES]);
/* 0, or -EPERM and the like: anybody may have made that directory. */
int client_trusts(const char *dir, struct err *err);

/* Milliseconds of CLOCK_MONOTONIC, for deadlines. */
int64_t client_now_ms(void);

/*
 * Connects to the first supervisor that answers, of the places that docs/control.md lists.
 * `timeout_ms` also limits how long it waits for room in a queue of others who ask, and, up to two
 * seconds, for a supervisor where PID 1 is ours and only just boots. An error with
 * -EACCES is a refusal, -ETIMEDOUT and the others mean that there is none.
 */
int client_open(struct client *client, int timeout_ms, struct err *err);
void client_close(struct client *client);

/*
 * Asks, and waits for the end. 0: the end was ok. Else one sentence, and
 *	-EACCES         the caller may not ask
 *	CLIENT_NO_UNIT  there is no unit of that name
 *	-EREMOTEIO      the supervisor says that it failed
 *	-EBADMSG        it said something that cannot be understood
 *	-ETIMEDOUT      it said nothing for `timeout_ms`
 *	-ECONNRESET     it went away before it said anything
 * The reply is the caller's to free, also after an error.
 */
int client_ask(struct client *client, const char *const *words, size_t n, int timeout_ms,
	       struct reply *reply, struct err *err);
/* For what changes nothing: opens, asks, closes; and asks anew when the supervisor is just being
 * replaced. */
int client_ask_once(const char *const *words, size_t n, int timeout_ms, struct reply *reply,
		    struct err *err);
void reply_free(struct reply *reply);

/* The exit status that fits the error of a question. */
int client_exit_status(int error);
