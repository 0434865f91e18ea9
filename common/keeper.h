/*
 * keeper.h - the protocol on the SOCK_SEQPACKET pair between the supervisor and PID 1.
 *
 * One packet is one struct keeper_msg, cut after `data_len` bytes of data; a packet of STORE, and
 * each GIVE, carries exactly one fd by SCM_RIGHTS. The supervisor asks, PID 1 answers each request
 * with exactly one ACK of the same `seq` (GIVE packets of a LIST and the SECRETS packet come before
 * its ACK). The sender of a STORE holds its own copy of the fd until the ACK says 0: at the fd
 * limit the kernel drops fds and tells only by MSG_CTRUNC.
 *
 * The numbers are append-only: an older PID 1 runs with a newer supervisor (hakimctl reexec after
 * an upgrade), and answers what it does not know with -ENOSYS.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define KEEPER_NAME_MAX   96    /* with the NUL: "log:" + unit name */
#define KEEPER_DATA_MAX   49152 /* the secrets, all together */
#define KEEPER_FDS_MAX    4096
#define KEEPER_LIST_BATCH 64

enum keeper_op {
	KEEPER_ACK = 0,   /* PID 1 → supervisor; `result` is 0 or a negative errno */
	KEEPER_STORE = 1, /* keep this fd under `name`; an older one of that name is closed */
	KEEPER_DROP = 2,  /* close the fd of `name`; -ENOENT when there is none */
	KEEPER_LIST =
		3,           /* give kept fds back (copies), from index `result` on: up to
			      * KEEPER_LIST_BATCH GIVE packets     (a socket's buffer holds a few hundred),
			      * then an ACK whose result is the index to go on     from, or 0 at the end */
	KEEPER_GIVE = 4,     /* PID 1 → supervisor: one kept fd and its name */
	KEEPER_SECRETS = 5,  /* SECRETS packet with NAME=VALUE NUL NAME=VALUE NUL … in data, then
				ACK; also asked with this op */
	KEEPER_READY = 6,    /* the supervisor has taken over all that was running */
	KEEPER_STOPPED = 7,  /* the ordered stop is done; PID 1 ends what is left */
	KEEPER_SHUTDOWN = 8, /* stop the container, as if a stop signal had come */
	KEEPER_REEXEC = 9,   /* my next exit is on purpose: start the (new) program at once */
	KEEPER_EXIT = 10, /* as SHUTDOWN, and exit with status `result` (0 … 255) at the end; the
			     first one counts */
};

struct keeper_msg {
	uint32_t op;
	uint32_t seq;
	int32_t result;
	uint32_t data_len;
	char name[KEEPER_NAME_MAX];
	char data[]; /* KEEPER_SECRETS only */
};
