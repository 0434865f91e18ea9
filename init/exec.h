/*
 * exec.h - becomes a program as execvp(3) would, with a given environment: the C library's would
 * use the initial environ, which still has holes of secrets. Between fork and exec: only system
 * calls.
 */
#pragma once

#include <stdbool.h>

/*
 * Returns only if it failed: a negative errno. With `shell`, a text without a #! line is run by
 * /bin/sh, as shells and glibc's execvp(3) do; the place before argv[0] is written then, and so is
 * argv[0].
 */
int exec_program(char **argv, char **envp, bool shell);
