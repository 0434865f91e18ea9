/*
 * syscall_filter.h - from struct unit_sandbox to programs for seccomp(2), compiled by libseccomp in
 * the parent, once a unit.
 */
#pragma once

#include "supervisor/sandbox.h"

/* Compiling a long list takes milliseconds: `from` has been compiled, and if it says the same,
 * *sandbox gets a copy of what came of it. True: it has its filters. */
bool syscall_filters_copy(struct unit_sandbox *sandbox, const struct unit_sandbox *from);
/* Fills sandbox->filters, where it is not yet done; the order is that of loading: the one that
 * could forbid seccomp(2) is the last. -ENOMEM, or another errno with a sentence. */
int syscall_filters_compile(struct unit_sandbox *sandbox, struct err *err);
