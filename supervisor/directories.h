/*
 * directories.h - RuntimeDirectory=, StateDirectory=, CacheDirectory=, LogsDirectory= and
 * ConfigurationDirectory=: made before a service starts, with its owner and mode, and told to it
 * by a variable; what is in /run goes when it ends. Never follows a symbolic link: they may lie
 * where another user can write.
 */
#pragma once

#include "common/err.h"
#include "common/strv.h"
#include "supervisor/identity.h"
#include "supervisor/unit.h"

/* Makes all of them and sets the variables in `env`. */
int directories_make(const struct unit *unit, const struct identity *id, struct strv *env,
		     struct err *err);
/* When the service has ended; `restarts`: it will start again by itself. */
void directories_end(const struct unit *unit, bool restarts);
/* "/run", "/var/lib", … */
const char *directory_root(enum directory_kind kind);
