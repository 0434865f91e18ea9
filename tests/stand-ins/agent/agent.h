/*
 * agent.h - the stand-in for `coder agent`: behaves, to those who watch it from outside, as the
 * real one does.
 *
 * It speaks no yamux, no dRPC and no TLS, and it is not hardened: it runs whatever a local caller
 * asks for (spawn). It must never be installed. One thread does all the work in one poll loop; a
 * second one only exists, as in every Go program.
 */
#pragma once

#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

/* main.c */
enum script_state {
	SCRIPT_NONE = 0, /* not started: the manifest is not there yet */
	SCRIPT_RUNNING,
	SCRIPT_OK,     /* ended with 0, or there is none */
	SCRIPT_FAILED, /* ended otherwise, or could not be started */
};

struct agent {
	sigset_t child_mask; /* the mask that we were started with */
	char **child_env;
	const char *start_script, *stop_script; /* NULL when there is none */
	bool connected;                         /* sticky: was authenticated once */
	bool stopping;
	enum script_state start_state;
	int64_t start_began_ms, start_took_ms;
	pid_t start_pid, stop_pid; /* 0 when it does not run */
};

int64_t agent_now_ms(void);
/* One line in the real agent's human form on stderr. No caller may give it the token. */
void agent_log(const char *level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Runs `sh -c command` in a session of its own; its output goes to our stderr, or nowhere if
 * `quiet`. The pid, or -errno. */
pid_t agent_spawn(const struct agent *a, const char *command, bool quiet);
/* The server took our token: the first time, the manifest is there and the start script runs. */
void agent_connected(struct agent *a);

/* rpc.c: the WebSocket to the server. It fails in any way, it tries again for ever. */
enum rpc_state {
	RPC_WAIT = 0, /* for the next attempt */
	RPC_CONNECT,  /* connect(2) is under way */
	RPC_HEAD,     /* asked; the answer is not complete */
	RPC_OPEN,     /* 101: authenticated */
};

struct rpc {
	struct sockaddr_storage addr;
	socklen_t addr_len; /* 0: the host's name is one that we cannot resolve */
	char host[256];     /* with the port, for Host: */
	char path[512];     /* of the URL, without a slash at its end */
	const char *token;
	enum rpc_state state;
	int fd;
	int64_t deadline_ms; /* of the state */
	int64_t backoff_ms;
	char buf[4096]; /* what came and is not used yet */
	size_t len;
	uint64_t skip; /* bytes of a frame that nobody wants */
};

/* 0, or -EINVAL when the URL is none. The strings are the caller's and must stay. */
int rpc_init(struct rpc *r, const char *url, const char *token);
void rpc_poll(const struct rpc *r, struct pollfd *p, int64_t *deadline_ms);
void rpc_step(struct rpc *r, struct agent *a, short revents);

/* debug.c: the listeners of :2113 (debug, and how tests command us) and :2112 (Prometheus). */
#define DEBUG_CLIENTS 16
#define DEBUG_FDS     (2 + DEBUG_CLIENTS)

struct debug_client {
	int fd; /* -1: free */
	bool metrics;
	int64_t deadline_ms;
	char buf[4096];
	size_t len;
};

struct debug {
	int listen_fd[2]; /* debug, metrics; -1: disabled, or the address was taken */
	struct debug_client client[DEBUG_CLIENTS];
};

/* Empty addresses disable; one that cannot be bound is logged and is no reason to end, as in the
 * real one. */
void debug_init(struct debug *d, const char *debug_address, const char *metrics_address);
void debug_poll(const struct debug *d, struct pollfd p[DEBUG_FDS], int64_t *deadline_ms);
void debug_step(struct debug *d, struct agent *a, const struct pollfd p[DEBUG_FDS]);
/* "127.0.0.1:80", "[::1]:80", "localhost:80", ":80" → *addr. 0 or -EINVAL; no name but localhost is
 * known. */
int debug_parse_address(const char *text, struct sockaddr_storage *addr, socklen_t *len);
