/*
 * dynamic_user.h - DynamicUser= (systemd.exec(5)): a user that is in no file, with a number from
 * systemd's own range, by a hash of its name: the same one at each start, unless it is taken.
 */
#pragma once

#include <stdbool.h>

#include "common/err.h"
#include "supervisor/identity.h"

#define DYNAMIC_UID_MIN 61184u
#define DYNAMIC_UID_MAX 65519u

/* True when the number is another's. */
typedef bool (*dynamic_taken)(void *arg, uid_t uid);

/* The number for a name; 0: all are taken. */
uid_t dynamic_uid(const char *name, dynamic_taken taken, void *arg);
/* True when the number is in /etc/passwd or /etc/group. */
bool dynamic_uid_known(uid_t uid);
/* That user and its group, without a home or a shell. */
void dynamic_identity(const char *name, uid_t uid, struct identity *id);
