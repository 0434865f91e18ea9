/*
 * mount_child.h - carries out a mount_plan in the child: a file system namespace of its own, step
 * by step. System calls only. A step that this container forbids is noted on the board and left
 * out; if that would leave less writable than was asked for, the child goes back to the namespace
 * that it came from, and that is noted.
 */
#pragma once

#include "common/board.h"
#include "supervisor/mount_plan.h"

/* 0, or a negative errno: the service must not run. */
int mount_child_apply(const struct mount_plan *plan, bool strict, struct board_slot *slot);
/* Brings "lo" up in a new network namespace. */
int mount_child_loopback(void);
