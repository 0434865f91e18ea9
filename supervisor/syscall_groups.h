/*
 * syscall_groups.h - the sets of system calls that SystemCallFilter= knows by "@name"
 * (systemd.exec(5), "Currently predefined system call sets"), and the numbers of names.
 */
#pragma once

#include <stddef.h>

struct syscall_group {
	const char *name;    /* "@clock" */
	const char *members; /* names of calls and of groups, separated by blanks */
};

/* All of them, in order of name. */
const struct syscall_group *syscall_groups(size_t *n);
const struct syscall_group *syscall_group_find(const char *name);

#define SYSCALL_NOT_HERE INT16_MIN /* known, and not on this machine or to this library */

/* The number of a call for seccomp_rule_add(), SYSCALL_NOT_HERE, or SYSCALL_UNKNOWN: there is no
 * call of that name. */
#define SYSCALL_UNKNOWN (-1000000)
int syscall_number(const char *name);
