/*
 * sandbox_plan.h - the protections of a unit, ready for the child: plain data that the parent has
 * made, and the steps that the child takes with it between clone and execve, by system calls alone
 * and in systemd's order (exec_invoke()):
 *
 *   sandbox_enter()      before the change of identity: personality, namespaces
 *   (the groups)
 *   sandbox_confine()    the user namespace, which other groups may not be set in, and what it
 * would undo: the bounding set, and what is kept over the change of identity (the user)
 *   sandbox_finish()     after it and after chdir(): ambient capabilities, securebits,
 *                        NoNewPrivileges=, system call filters
 */
#pragma once

#include "common/board.h"
#include "supervisor/identity.h"
#include "supervisor/mount_plan.h"
#include "supervisor/sandbox.h"
#include "supervisor/user_namespace.h"

struct sandbox_plan {
	bool strict;
	int credential_error; /* set before sandbox_prepare(): they are not in memory only */
	const struct unit_sandbox *sandbox; /* of the unit: it outlives the plan */
	uint64_t bounding;
	bool raises; /* capabilities have to outlive the change of identity */
	bool filter_needs_admin;
	bool no_filters; /* they cannot be had, and are a part of what degrades */
	struct mount_plan mounts;
	struct user_map users;
};

/* In the parent. Negative: the unit must not start, and the sentence says why. */
int sandbox_prepare(struct sandbox_plan *plan, struct unit_sandbox *sandbox,
		    const struct identity *id, const struct mount_places *places, bool strict,
		    struct err *err);
void sandbox_plan_free(struct sandbox_plan *plan);

/* In the child. 0, or a negative errno and in *stage where. *users: the fd of a user namespace for
 * sandbox_confine(), or -1. */
int sandbox_enter(const struct sandbox_plan *plan, struct board_slot *slot, int *users,
		  enum exec_stage *stage);
int sandbox_confine(const struct sandbox_plan *plan, struct board_slot *slot, int users,
		    enum exec_stage *stage);
int sandbox_finish(const struct sandbox_plan *plan, enum exec_stage *stage);
