/*
 * probe.h - asks a service whether it is ready: HTTP over TCP (IPv4, IPv6), without a process and
 * without ever blocking.
 *
 * One struct probe is one question under way. The caller adds probe->fd to its epoll with the
 * events that probe_events() names, calls probe_step() when they come, and probe_close() at the end
 * or at its own deadline. No DNS: hosts are numeric addresses or "localhost".
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"

struct probe_target; /* a parsed URL */

int probe_target_parse(const char *url, struct probe_target **target, struct err *err);
void probe_target_free(struct probe_target *target);

enum probe_result {
	PROBE_AGAIN = 0, /* wait for probe_events() on probe->fd (which may have changed) */
	PROBE_OK,        /* it answered 2xx */
	PROBE_BAD,       /* it did not; probe->text says why, for the status */
};

struct probe {
	int fd;
	const struct probe_target *target;
	unsigned state;
	unsigned address; /* "localhost": 0 is ::1, 1 is 127.0.0.1 */
	unsigned sent, got;
	char buf[256];
	char text[128]; /* "http://127.0.0.1:2113/debug/manifest: 500" or "…: Connection refused" */
};

enum probe_result probe_start(struct probe *probe, const struct probe_target *target);
enum probe_result probe_step(struct probe *probe);
uint32_t probe_events(const struct probe *probe); /* EPOLLIN or EPOLLOUT */
void probe_close(struct probe *probe);
