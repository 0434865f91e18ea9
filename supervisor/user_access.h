/*
 * user_access.h - who the coder user is, and a look at files with the rights of the coder user:
 * what lies in a home may be a link to anywhere. Only this thread, and only file access; the
 * supervisor stays who it is.
 */
#pragma once

#include "supervisor/identity.h"

/* Who the coder user is: CODER_USER, or "coder". */
int user_find(struct identity *id, struct err *err);

/* Does nothing where `user` is NULL or not set. No pair within a pair. */
void user_access_begin(const struct identity *user);
void user_access_end(void);
