/*
 * identity.h - users and groups by /etc/passwd and /etc/group alone: a static program has no NSS,
 * and a look-up must not open sockets or load plugins in the supervisor.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "common/err.h"
#include "common/strv.h"

#define IDENTITY_GROUPS_MAX 128

struct identity {
	bool set; /* false: stay who we are */
	uid_t uid;
	gid_t gid;
	gid_t groups[IDENTITY_GROUPS_MAX];
	int n_groups;
	char name[64], home[256], shell[256]; /* empty when the user has no entry (a bare number) */
};

/* `user` and `group` as in User= and Group=: names or numbers, either may be NULL. -ENOENT with a
 * sentence. */
/* SupplementaryGroups=: added to those of the user. */
int identity_add_groups(struct identity *id, const struct strv *groups, struct err *err);
int identity_find(const char *user, const char *group, struct identity *id, struct err *err);
