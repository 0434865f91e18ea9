/*
 * processes.h - which processes of the container belong to which service: one walk over /proc
 * answers it for all services at once. For services without a cgroup; it signals and changes
 * nothing.
 *
 * A process is a service's when its session is one that the service began, when it was orphaned and
 * carries the INVOCATION_ID that the service was started with, or when its parent is the service's.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct manager;
struct service;

#define INVOCATION_LEN 32 /* hexadecimal digits */

struct process {
	pid_t pid, parent, session;
	char state;           /* as in proc(5): 'Z' is a zombie */
	uint64_t cpu_ticks;   /* its own, and of children that it has waited for */
	uint64_t start_ticks; /* since boot; with the pid it names one process for ever */
	const struct service *owner;
};

struct processes {
	struct process *v; /* in order of pid; zombies are left out */
	size_t n, cap;
	uint64_t taken_us; /* CLOCK_MONOTONIC, before the walk; 0: none */
};

/* One process by /proc/PID/stat; 0 or -ESRCH. */
int process_read(pid_t pid, struct process *process);
/* The INVOCATION_ID in the environment that a process was started with, into INVOCATION_LEN + 1
 * bytes; "" where there is none, or we may not read it. */
void process_invocation(pid_t pid, char *id);

/*
 * The list, taken not before `since_us` and a few milliseconds old at most: many services that ask
 * at the same time cost one walk. One that was taken after the last process of a service was cloned
 * never shows the service as empty when it is not: whoever forks later is in it.
 */
const struct processes *processes_get(struct manager *m, uint64_t since_us);
/* A service goes: the list may point to it. */
void processes_forget(struct manager *m);
/* Sends a signal, by pidfd, if the pid is still the process of the list. */
void process_signal(const struct process *process, int sig);
