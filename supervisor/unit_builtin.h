/*
 * unit_builtin.h - the targets that systemd.special(7) lists and that need no file here. They are
 * what other units are ordered after and wanted by; here they are reached from the beginning, and
 * cost nothing.
 */
#pragma once

#include <stdbool.h>

enum builtin {
	BUILTIN_NONE = 0, /* the name is no built-in target */
	BUILTIN_UP,       /* reached from the beginning: what it wants is wanted at boot */
	BUILTIN_DOWN,     /* of a stop or a rescue: never reached */
};

/* By the name of the file or with its scope. */
enum builtin unit_builtin(const char *name);
/*
 * The unit whose other name a target is, where it is there: what wants the target then waits for
 * that unit. NULL: the target stands for nothing but itself.
 */
const char *unit_builtin_stands_for(const char *name);
