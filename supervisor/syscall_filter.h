/*
 * syscall_filter.h - from struct unit_sandbox to programs for seccomp(2), compiled by libseccomp in
 * the parent, once a unit.
 */
#pragma once

#include "supervisor/sandbox.h"

/* Fills sandbox->filters, where it is not yet done; the order is that of loading: the one that
 * could forbid seccomp(2) is the last. -ENOMEM, or another errno with a sentence. */
int syscall_filters_compile(struct unit_sandbox *sandbox, struct err *err);
