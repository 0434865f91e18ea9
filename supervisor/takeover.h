/*
 * takeover.h - what takeover.c and takeover_text.c share; nobody else includes it.
 */
#pragma once

#include <stdbool.h>

struct manager;
struct service;

/* The service of that name; one that has no unit any more is made up to hold what runs of it. NULL
 * on a lack of memory. */
struct service *takeover_find(struct manager *m, const char *name);
/* Reads the last state; false: there is none, or it is not to be used. */
bool takeover_restore_text(struct manager *m);
