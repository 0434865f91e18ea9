/*
 * supervise.h - keeps the supervisor running: starts it, wakes it, kills it when it hangs, starts
 * it again when it has died, and reads the services' logs away when it cannot be kept alive.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct init;

void supervise_start(struct init *init);
/* There is something new on the board. */
void supervise_wake(struct init *init);
/* It has closed its socket half a second ago: one that still lives is of no use. */
void supervise_gone(struct init *init);
/* Its end, as of wait4(2). */
void supervise_reaped(struct init *init, int status);
/* It was stopped by a signal (SIGSTOP): it must answer a wake-up, or is replaced. */
void supervise_stopped(struct init *init);
/* The watch timer has run out. */
void supervise_watch(struct init *init);
/* Packets on the keeper's socket. Returns true when a shutdown was asked for. */
bool supervise_serve(struct init *init);
/* The log pipe of index `i` has something to read away. */
void supervise_drain(struct init *init, unsigned i);
/* True when no supervisor can be expected to stop the services in order. */
bool supervise_lost(const struct init *init);
