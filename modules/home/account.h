/*
 * account.h - whose workspace it is: what /etc/passwd and /etc/group have, what the container's
 * variables wish, and what is to be done about it.
 *
 * It decides and does nothing. An account that exists is never changed: files belong to its number.
 */
#pragma once

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

#include "common/err.h"
#include "common/strv.h"

#define ACCOUNT_NAME_MAX 33 /* useradd(8): 32 letters */
#define ACCOUNT_NOBODY   ((uid_t)-1)

/* CODER_USER, CODER_HOME, CODER_UID, CODER_GID; texts as they are in the environment, NULL: not
 * set. */
struct account_wish {
	const char *user, *home, *uid, *gid;
};

struct account {
	char user[ACCOUNT_NAME_MAX], group[ACCOUNT_NAME_MAX];
	char home[4096]; /* absolute */
	uid_t uid;
	gid_t gid;
	bool make_group, make_user;
	bool shared_uid;     /* another name has the number, too: useradd --non-unique */
	struct strv remarks; /* a sentence each: what is otherwise than was wished */
};

/*
 * `home_owner` is whom the home that is there already belongs to, or ACCOUNT_NOBODY. The caller
 * frees account->remarks. -EINVAL: a variable has a value that cannot be; the sentence names it.
 */
int account_decide(FILE *passwd, FILE *group, const struct account_wish *wish, uid_t home_owner,
		   struct account *account, struct err *err);
/* CODER_USER and CODER_HOME alone: where the home will be looked for. */
int account_names(const struct account_wish *wish, struct account *account, struct err *err);
