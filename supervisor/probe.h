/*
 * probe.h - asks a service whether it is there: HTTP over TCP (IPv4, IPv6) and Unix sockets, or
 * only whether it can be connected, without a process and without ever blocking.
 *
 * One struct probe is one question under way. The caller adds probe->fd to its epoll with the
 * events that probe_events() names, calls probe_step() when they come, and probe_close() at the end
 * or at its own deadline. No DNS: hosts are numeric addresses or "localhost".
 *
 * The rooms: probe_target.c (the texts of the directives), probe.c (the connection), probe_http.c
 * (the answer).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"

struct probe_target; /* what was parsed; it must outlive the probe */

/*
 * "http://127.0.0.1:80/x", "http://[::1]/", "http://localhost:8080/", "http+unix:///run/x.sock:/x".
 * `statuses` ("200 204 3xx 400-403", NULL: 2xx) are the good ones, and the body, if there is a
 * `body`, must match (pattern.h).
 */
int probe_target_http(const char *url, const char *statuses, const char *body,
		      struct probe_target **target, struct err *err);
int probe_target_parse(const char *url, struct probe_target **target, struct err *err);
int probe_statuses_check(const char *text, struct err *err);
/* "127.0.0.1:80", "[::1]:80", "localhost:80" */
int probe_target_tcp(const char *text, struct probe_target **target, struct err *err);
/* "/run/x.sock" or "@abstract"; a stream, seqpacket or datagram socket. */
int probe_target_unix(const char *path, struct probe_target **target, struct err *err);
void probe_target_free(struct probe_target *target);

enum probe_result {
	PROBE_AGAIN = 0, /* wait for probe_events() on probe->fd (which may have changed) */
	PROBE_OK,        /* it answered well */
	PROBE_BAD,       /* it did not */
};

struct probe {
	int fd;
	const struct probe_target *target;
	unsigned state;
	unsigned address; /* "localhost": 0 is ::1, 1 is 127.0.0.1 */
	unsigned sent, got;
	char *bytes; /* of the answer: `line` or `body` */
	char *body;  /* owned, where the body is looked at */
	char line[256];
	/* At the end, for the status: "http://127.0.0.1:2113/debug/manifest: 500", "…: Connection
	 * refused" */
	char text[128];
};

enum probe_result probe_start(struct probe *probe, const struct probe_target *target);
enum probe_result probe_step(struct probe *probe);
uint32_t probe_events(const struct probe *probe); /* EPOLLIN or EPOLLOUT */
void probe_close(struct probe *probe);
