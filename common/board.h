/*
 * board.h - what PID 1 and the supervisor share: one sealed memfd that both map, and a handful of
 * inherited fds.
 *
 * Who writes what, and nobody else:
 *   kernel      pid[i]                  by CLONE_PARENT_SETTID, so there is no moment between clone
 * and record the child   slot[i].exec_*          between clone and execve, when it cannot become
 * its program PID 1       slot[i].status … ended, request and boot fields supervisor  slot[i].unit
 * … started; clears pid[i] and `ended` when it has consumed an end
 *
 * A listed pid without an end is alive and still ours. All fields that cross processes are read and
 * written with the board_* accessors (acquire/release); the order is: everything else first, then
 * `ended` or `request`.
 */
#pragma once

#include <stdint.h>

#define BOARD_MAGIC    0x64616f626d6b6168ull /* "hakmboad" */
#define BOARD_VERSION  1u
#define BOARD_SLOTS    2048
#define BOARD_NOTES    8
#define BOARD_DEGRADED 48

/* The fds that the supervisor inherits, by number. */
enum board_fd {
	BOARD_FD_KEEPER = 3, /* SOCK_SEQPACKET to PID 1, see keeper.h */
	BOARD_FD_BOARD = 4,  /* this memfd */
	BOARD_FD_STATE = 5,  /* the supervisor's own state, opaque to PID 1 */
	BOARD_FD_WAKE = 6,   /* eventfd: PID 1 adds 1 when there is something new on the board */
	BOARD_FD_WATCH = 7, /* timerfd: armed by PID 1 with each wake-up; the supervisor disarms it,
			       then reads the eventfd */
	BOARD_FD_END = 8,
};

/* What a listed process is to its unit. */
enum board_role {
	ROLE_NONE = 0,
	ROLE_MAIN,    /* the process of ExecStart= */
	ROLE_CONTROL, /* ExecStartPre=, ExecStop= …: one at a time a unit */
	ROLE_STATUS,  /* [X-Hakim] StatusExec= */
	ROLE_WITNESS, /* some process of a service whose main process is unknown */
	ROLE_READY,   /* [X-Hakim] ReadyExec= */
	ROLE_HEALTH,  /* [X-Hakim] HealthExec= */
};

/* Where between clone and execve a child failed; 0 when it did not. Order is the order in which
 * they are done. */
enum exec_stage {
	EXEC_OK = 0,
	EXEC_STDIO,
	EXEC_LIMITS,
	EXEC_CGROUP,
	EXEC_GROUP,
	EXEC_CAPABILITIES,
	EXEC_USER,
	EXEC_CHDIR,
	EXEC_NO_NEW_PRIVILEGES,
	EXEC_SECCOMP,
	EXEC_EXEC,
	/* Added later, at the end: the numbers outlive a program. */
	EXEC_KEYRING,
	EXEC_NAMESPACE,
	EXEC_NETWORK,
	EXEC_SECUREBITS,
	EXEC_PERSONALITY,
	EXEC_AMBIENT,
	EXEC_CREDENTIALS,
	EXEC_USERS,
};

/* A process may also be listed after it was made by somebody else: the daemon of a Type=forking
 * service is an orphan that PID 1 reaps. Its slot has the start time of /proc/PID/stat in cpu_us
 * until it ends, and pid[i] is written last. It may be gone before: adopt.c in the supervisor. */
struct board_slot {
	/* supervisor, before the clone */
	char unit[64];
	uint32_t role;       /* enum board_role */
	uint32_t command;    /* which of several commands */
	uint64_t started_ns; /* CLOCK_MONOTONIC */
	/* child */
	uint32_t exec_stage; /* enum exec_stage */
	int32_t exec_errno;
	uint8_t degraded[BOARD_DEGRADED]; /* by enum degrade: the errno of what this container
					     forbids and the service does without; 0: as asked */
	/* PID 1 */
	uint32_t ended;    /* 1: the fields below hold */
	int32_t status;    /* as of wait4(2) */
	uint64_t ended_ns; /* CLOCK_MONOTONIC */
	uint64_t cpu_us;   /* user + system */
	uint64_t maxrss_kb;
};

/* What PID 1 wants, as bits of board.request; they stay set until the container ends (stop) or are
 * cleared by the reader. */
enum board_request {
	REQUEST_STOP = 1u << 0,   /* stop everything in order before board.stop_by_ns */
	REQUEST_RELOAD = 1u << 1, /* SIGHUP: read the units anew; cleared by the supervisor */
	REQUEST_NO_HOME =
		1u << 2, /* the coder user's home does not answer: nothing is read there */
};

struct board {
	uint64_t magic;
	uint32_t version;
	uint32_t slots; /* BOARD_SLOTS of the PID 1 that made it */

	/* PID 1, set once before the first supervisor starts */
	uint64_t boot_ns;          /* CLOCK_MONOTONIC at PID 1's main() */
	uint64_t boot_realtime_ns; /* CLOCK_REALTIME at the same moment */
	uint64_t setup_done_ns;    /* the set-up child has ended */
	int32_t init_pid;          /* 1, or our own pid where we are a subreaper */
	uint32_t place; /* enum place_kind of init/place.h, for show only; the set-up child writes
			   it */
	uint32_t quiet; /* a program has the foreground: the supervisor says nothing on the console
			 */
	uint64_t nofile_soft, nofile_hard; /* the original RLIMIT_NOFILE: children get it back */
	char notes[BOARD_NOTES][192]; /* sentences for the status: a bad bootstrap string, a set-up
					 step that failed */

	/* PID 1, changing */
	uint32_t request; /* enum board_request */
	uint32_t supervisor_starts;
	uint64_t stop_by_ns;      /* CLOCK_MONOTONIC; valid with REQUEST_STOP */
	uint64_t orphans;         /* reaped, not listed */
	uint64_t console_dropped; /* bytes that did not fit the console */
	int32_t program_pid;      /* the foreground program, 0 if none */
	uint32_t fresh_start;     /* 1: come up without the old state, it crashed on it */

	/* the supervisor's process table */
	uint32_t high_water; /* no slot at or above this index was ever used */
	int32_t pid[BOARD_SLOTS];
	struct board_slot slot[BOARD_SLOTS];
};

#define board_load(p)     __atomic_load_n((p), __ATOMIC_ACQUIRE)
#define board_store(p, v) __atomic_store_n((p), (v), __ATOMIC_RELEASE)
#define board_or(p, v)    __atomic_fetch_or((p), (v), __ATOMIC_ACQ_REL)
#define board_and(p, v)   __atomic_fetch_and((p), (v), __ATOMIC_ACQ_REL)
