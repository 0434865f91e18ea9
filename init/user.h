/*
 * user.h - looks one user up in /etc/passwd and /etc/group, without the C library's own look-up
 * (musl's opens a socket to nscd, glibc's loads plugins). Called in a child only: it reads files.
 */
#pragma once

#include <sys/types.h>

#define USER_GROUPS_MAX 64

struct user {
	uid_t uid;
	gid_t gid;
	gid_t groups[USER_GROUPS_MAX];
	int n_groups;
	char name[64], home[256], shell[256];
};

/* By name, or by uid when `name` is NULL. 0, or a negative errno (-ENOENT: there is none). */
int user_find(const char *name, uid_t uid, struct user *user);
