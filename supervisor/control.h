/*
 * control.h - the control socket (docs/control.md): who may ask, what is asked, and the answers.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "common/json.h"

struct manager;
struct service;

/* Listens on the socket in m->runtime_dir; `kept` is the listening socket that PID 1 kept, or -1.
 */
int control_open(struct manager *m, int kept, struct err *err);
/* A service has come to rest or is up: answers who waits for it. */
void control_settled(struct manager *m);
/* When the next client has waited as long as it wanted to (CLOCK_MONOTONIC, 0: none), and the
 * answer to those whose time has come. */
uint64_t control_next_timer(const struct manager *m);
void control_timers_due(struct manager *m);
void control_close(struct manager *m);

/* report.c: one JSON object each, as docs/control.md says. */
void report_manager(struct manager *m, struct json *json);
/* Where we are, in one word. */
const char *report_place(const struct manager *m);
void report_service(struct service *s, struct json *json, bool with_tail);
