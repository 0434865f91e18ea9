/*
 * probe_target.h - where a probe goes and what it expects there: the texts of the directives, taken
 * apart. probe*.c alone include it.
 */
#pragma once

#include <stddef.h>
#include <sys/socket.h>

#include "supervisor/pattern.h"
#include "supervisor/probe.h"

#define TARGET_SHOWN \
	72 /* of a target in struct probe's text: the reason must have room behind it */
#define ADDRESS_MAX  2
#define STATUS_MIN   100
#define STATUS_MAX   599
#define STATUS_WORDS ((STATUS_MAX - STATUS_MIN) / 64 + 1)

struct probe_target {
	char *text;    /* as given */
	char *request; /* NULL: that it can be connected is all */
	size_t request_len;
	struct sockaddr_storage address[ADDRESS_MAX];
	socklen_t address_len[ADDRESS_MAX];
	unsigned addresses;
	uint64_t statuses[STATUS_WORDS]; /* bits, from STATUS_MIN on: those that are good */
	struct pattern *body;            /* NULL: any */
};

/* The answer of an HTTP server, as far as it has come. */
enum probe_answer {
	ANSWER_MORE = 0, /* the line, or the body that is asked for, has not ended */
	ANSWER_GOOD,
	ANSWER_NO_HTTP,
	ANSWER_TOO_LONG, /* the first line */
	ANSWER_BAD_STATUS,
	ANSWER_BAD_BODY,
};

/*
 * probe_http.c: judges the first `len` bytes of an answer; with `ended` nothing more comes, because
 * it was closed or is as much as is read. *status is the code, or 0.
 */
enum probe_answer probe_answer_judge(const struct probe_target *target, const char *bytes,
				     size_t len, bool ended, int *status);
