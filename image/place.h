/*
 * place.h - directories: made, and asked whether something is mounted on them.
 */
#pragma once

#include <sys/types.h>

#include "common/err.h"

/* Makes a directory and those above it, all with this mode; one that is there is fine. */
int place_make(const char *path, mode_t mode, struct err *err);

/* 1 when something is mounted exactly there, 0 when not. */
int place_is_mountpoint(const char *path, struct err *err);
