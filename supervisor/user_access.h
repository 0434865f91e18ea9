/*
 * user_access.h - who the coder user is, and a look at files with the rights of the coder user:
 * what lies in a home may be a link to anywhere. Only this thread, and only file access; the
 * supervisor stays who it is.
 */
#pragma once

#include "supervisor/identity.h"

/* Who the coder user is: CODER_USER, or "coder". */
int user_find(struct identity *id, struct err *err);

/*
 * From here on files are looked at with the rights of the user; does nothing where `user` is NULL
 * or not set. What it returns is given to the end: false within another such pair.
 */
bool user_access_begin(const struct identity *user);
void user_access_end(bool begun);

/* /run/user/UID, for the user alone, if it can be made; a service without it goes on. */
void user_runtime_dir_make(const struct identity *user);
