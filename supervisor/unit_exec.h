/*
 * unit_exec.h - who a unit's process is and what it finds around itself, beyond what unit.h has:
 * the part of systemd.exec(5) that is neither a limit (limits.h) nor a protection (sandbox.h).
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "common/strv.h"

enum keyring_mode {
	KEYRING_INHERIT = 0, /* the container's; our default, systemd's is private */
	KEYRING_PRIVATE,     /* a session keyring of its own */
	KEYRING_SHARED,      /* and the user's keyring linked into it */
};

/* RuntimeDirectoryPreserve=: when what RuntimeDirectory= made stays. */
enum preserve {
	PRESERVE_NO = 0,  /* it is removed when the service ends */
	PRESERVE_RESTART, /* it stays over a restart */
	PRESERVE_YES,
};

struct unit_exec {
	mode_t umask;                     /* default 0022 */
	struct strv supplementary_groups; /* names or numbers, beside those of /etc/group */
	struct strv unset_environment;    /* names, or NAME=VALUE */
	struct strv search_path;          /* ExecSearchPath=: absolute directories */
	bool login_environment_set;       /* SetLoginEnvironment= was given … */
	bool login_environment;           /* … with this value; else: where there is a User= */
	bool dynamic_user;
	bool start_only; /* PermissionsStartOnly=: but for ExecStart=, commands have a "+" */
	enum preserve runtime_preserve;
	enum keyring_mode keyring;
};

void unit_exec_free(struct unit_exec *exec);
