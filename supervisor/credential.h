/*
 * credential.h - LoadCredential=, ImportCredential= and SetCredential= (systemd.exec(5),
 * CREDENTIALS): files in /run/credentials/UNIT, in memory, that only the service's user can read.
 * Their content is in no log, no status and no environment.
 */
#pragma once

#include "common/err.h"
#include "common/strv.h"
#include "supervisor/identity.h"
#include "supervisor/sandbox.h"

#define CREDENTIALS_ROOT "/run/credentials"
#define CREDENTIALS_MAX  (1u << 20) /* bytes in all, as in systemd */

/*
 * Writes them anew and sets CREDENTIALS_DIRECTORY in `env`; nothing where the unit has none.
 * *degraded: an errno where they do not lie in memory only.
 */
int credentials_make(const char *unit, const struct unit_sandbox *sandbox,
		     const struct identity *id, struct strv *env, int *degraded, struct err *err);
void credentials_end(const char *unit, const struct unit_sandbox *sandbox);
/* A name that is a file name: no "/", not "." or "..". */
bool credential_id_valid(const char *id);
