/*
 * spawn.h - from a prepared description to a running process: a child of PID 1 (CLONE_PARENT) whose
 * pid the kernel writes into its slot of the board (CLONE_PARENT_SETTID), so that a supervisor that
 * dies at any instruction loses nobody.
 *
 * All that can fail for a reason of the unit's is prepared before; between clone and execve there
 * are system calls only (this program has a second thread: no malloc, no locks), and a failure
 * there is written onto the board.
 */
#pragma once

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/board.h"
#include "common/err.h"
#include "supervisor/identity.h"
#include "supervisor/limits.h"
#include "supervisor/sandbox_plan.h"
#include "supervisor/unit_exec.h"

#define SPAWN_FIRST_FD   3 /* sd_listen_fds(3): SD_LISTEN_FDS_START */
#define SPAWN_PID_DIGITS 10

/* Where a process writes. Only fds that are ours (and not `foreign`) are given to its user. */
struct spawn_output {
	int fd; /* -1: `path`, or where there is none: /dev/null, or as stdout for stderr */
	const char *path; /* opened by the child, which may have to wait for it; NULL: none */
	int flags;        /* of open(2) */
	bool foreign;
};

struct spawn {
	const char *unit; /* for the slot */
	enum board_role role;
	unsigned command;
	const char *path; /* absolute */
	char *const *argv;
	char *const *envp;
	const struct identity *identity;
	const struct unit_limits *limits;   /* never NULL */
	int oom_default;                    /* limits_oom_default() */
	const struct sandbox_plan *sandbox; /* NULL: none of it, "+" */
	mode_t umask;
	enum keyring_mode keyring;
	bool strict;              /* what this container forbids is a failure */
	const char *cwd;          /* NULL: "/" */
	const char *cwd_fallback; /* tried when cwd is not there; NULL: that is a failure */
	struct spawn_output out, error;
	const char *in_path; /* becomes stdin, opened by the child; NULL: in_fd */
	int in_fd;           /* becomes stdin; -1: /dev/null */
	int *fds;            /* become SPAWN_FIRST_FD and up, in this order */
	unsigned n_fds;
	int secret_fd;    /* becomes the fd behind those; -1: none */
	char *listen_pid; /* in an entry of envp: the child writes its own pid over these
			     SPAWN_PID_DIGITS bytes, which only it can know; NULL: nowhere */
	int exec_fd;   /* write end of a CLOEXEC pipe that tells of the execve by being closed; -1:
			  none */
	int cgroup_fd; /* directory of its cgroup; -1: none */
	const char *cgroup_procs; /* its cgroup.procs, where clone3 with CLONE_INTO_CGROUP is
				     refused; or NULL */
};

/*
 * Returns the slot's index and, in *pidfd, a CLOEXEC pidfd (or -1). -EAGAIN, -ENOMEM: try again
 * later. -ENOSPC: the board is full.
 */
int spawn_process(struct board *board, const struct spawn *spawn, int *pidfd, struct err *err);

/* Where neither the unit nor the container has a PATH. */
#define SPAWN_PATH_DEFAULT "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define SPAWN_NO_PROGRAM   (-ENOEXEC) /* told apart from "no such user" */

/* Looks `name` up in the PATH of the environment; absolute names are taken as they are. The caller
 * frees *path. */
int spawn_find_program(const char *name, const char *search, char **path, struct err *err);

/* "execve", "User=", … for a message about board_slot.exec_stage. */
const char *spawn_stage_name(uint32_t stage);
