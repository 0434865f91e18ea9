/*
 * tree.h - the home and the project directory: there, and the user's.
 *
 * Only the directories that are named here are touched, never what is in them, and never through a
 * symlink in a place where the user can write. What is done in the home is done as the user
 * (setfsuid(2)), but for giving root's own directories to them.
 */
#pragma once

#include "common/err.h"
#include "common/strv.h"
#include "modules/home/account.h"

struct tree {
	const struct account *account;
	const char *project; /* absolute; below the home or elsewhere */
	const char *skel;    /* "/etc/skel" */
	struct strv *remarks;
};

/* 0 also where something could not be mended: the remarks say what. Negative: there is no home that
 * the user could work in. */
int tree_prepare(const struct tree *tree, struct err *err);

/* Whom the directory belongs to; ACCOUNT_NOBODY when it is not there. */
uid_t tree_owner(const char *path);
