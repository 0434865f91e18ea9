/*
 * degrade.h - the parts of a unit that a container may forbid and that a service can do without:
 * each has a place in board_slot.degraded, where the child leaves the errno. The parent makes
 * sentences of them for the status.
 *
 * The numbers are on the board, which outlives a supervisor: rows are only added, at the end.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/board.h"

enum degrade {
	DEGRADE_NICE = 0,
	DEGRADE_OOM_SCORE,
	DEGRADE_SCHEDULING,
	DEGRADE_AFFINITY,
	DEGRADE_IO_SCHEDULING,
	DEGRADE_TIMER_SLACK,
	DEGRADE_COREDUMP,
	DEGRADE_RLIMIT, /* lowered to the container's hard limit */
	DEGRADE_KEYRING,
	DEGRADE_NAMESPACE, /* no mount namespace at all: every path directive */
	DEGRADE_NETWORK,
	DEGRADE_IPC,
	DEGRADE_USERS,
	DEGRADE_HOSTNAME,
	DEGRADE_PROTECT_SYSTEM,
	DEGRADE_PROTECT_HOME,
	DEGRADE_PRIVATE_TMP,
	DEGRADE_PRIVATE_DEVICES,
	DEGRADE_KERNEL_TUNABLES,
	DEGRADE_KERNEL_LOGS,
	DEGRADE_KERNEL_MODULES,
	DEGRADE_CONTROL_GROUPS,
	DEGRADE_PROC,
	DEGRADE_PATHS,
	DEGRADE_EXEC_PATHS,
	DEGRADE_TEMPORARY,
	DEGRADE_BIND,
	DEGRADE_CREDENTIALS,
	DEGRADE_FILTERS,
	DEGRADE_PARTS,
};

_Static_assert(DEGRADE_PARTS <= BOARD_DEGRADED, "board.h has a place for each");

/* In the child: `error` is a positive errno. Returns 0, or -error where that must refuse it. */
static inline int degrade_note(struct board_slot *slot, enum degrade part, int error, bool strict)
{
	if (strict)
		return -error;
	slot->degraded[part] = error > 0 && error < 256 ? (uint8_t)error : 255;
	return 0;
}

/* The directive that a part belongs to: "OOMScoreAdjust=". */
const char *degrade_name(enum degrade part);
/* What is different for the service, without a dot at the end. */
const char *degrade_meaning(enum degrade part);
