/*
 * init.h - PID 1's one context. All of it is static memory: after the start nothing is allocated.
 *
 * PID 1 never has an opinion: it keeps what must not be lost, reaps, takes signals and ends in
 * order. Nothing here may block, and no failure but the end of the container ends it.
 */
#pragma once

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "common/board.h"
#include "init/console.h"
#include "init/environment.h"
#include "init/keep.h"
#include "init/place.h"
#include "init/policy.h"
#include "init/stop.h"

/* What the epoll tells in its data.u32; kept log pipes that PID 1 drains itself are DRAIN_BASE +
 * their index. */
enum source {
	SOURCE_SIGNAL = 0, /* signalfd */
	SOURCE_KEEPER,     /* a packet of the supervisor */
	SOURCE_WATCH,      /* a wake-up was unread for 10 s */
	SOURCE_TIMER,      /* our own deadline */
	SOURCE_DRAIN_BASE = 16,
};

struct init {
	struct console console;
	struct environment env;
	struct keep keep;
	enum place_kind place;
	bool is_pid1;
	uint64_t kernel_mask;  /* the signal mask that we were started with; children get it back */
	uint64_t ignored;      /* and the signals that were ignored then */
	struct rlimit nofile;  /* the original limit; children get it back */
	uint64_t nofile_found; /* its soft part as it was */

	struct board *board;
	int board_fd, state_fd, wake_fd, watch_fd; /* see enum board_fd */
	int signal_fd, timer_fd, epoll_fd;
	int null_fd;          /* /dev/null, where drained logs go */
	uint64_t timer_at_ns; /* what timer_fd is set to; 0: not armed */

	/* the supervisor */
	const char *supervisor_path;
	struct supervise_history history;
	pid_t supervisor;        /* 0: none runs */
	int keeper_fd;           /* our end of the pair, -1 */
	bool supervisor_ready;   /* it said READY */
	bool supervisor_reexec;  /* its next end is on purpose */
	bool supervisor_killed;  /* we killed it because it hung */
	bool supervisor_missing; /* no such program in this image: we are only an init */
	bool draining; /* we read the log pipes away ourselves, so that no service blocks */
	uint64_t supervisor_since_ns; /* when it said READY */
	uint64_t gone_by_ns; /* it closed its socket: if it is not dead by then, it is killed */
	uint64_t supervisor_at_ns; /* when to start it again; 0: not waiting */

	/* the foreground program */
	char **program;            /* argv, NULL: none */
	bool login_shell;          /* the program is the coder user's login shell */
	pid_t program_pid;         /* 0: not running */
	uint64_t program_asked_ns; /* when it was last asked to end */
	int program_status;        /* as of wait4(2), when it has ended */
	bool program_ended;
	bool interactive; /* it owns the terminal */

	/* the stop */
	enum stop_phase phase;
	bool ordered_done; /* the supervisor has stopped all that it ran */
	bool status_from_program;
	uint64_t stop_limit_ns; /* in all */
	uint64_t stop_by_ns;    /* CLOCK_MONOTONIC */
	uint64_t phase_by_ns;   /* end of this phase */
	uint64_t kill_again_ns; /* SIGKILL to all is repeated, but not in a storm */
	int exit_status;        /* valid in STOP_DONE */
};

uint64_t now_ns(void);
