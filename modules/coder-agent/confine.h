/*
 * confine.h - gives up what the downloader does not need: all capabilities, the way to new
 * privileges, and most system calls.
 *
 * Each step that this container does not allow is said in one sentence and left out: a workspace
 * without an agent would be worse. There is no way back from either.
 */
#pragma once

#include "common/err.h"

/* No capability in any set, no_new_privs, no core dump, no ptrace by the same user. Inherited by
 * what is executed. */
int confine_privileges(struct err *err);
/*
 * The system calls of libcurl with its resolver threads, OpenSSL and glibc, and no others; before
 * the first thread. No execve, no process, no namespace, no mount, no ptrace.
 */
int confine_syscalls(struct err *err);
