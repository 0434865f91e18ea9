/*
 * directory.h - the names in a directory, without the C library's allocations.
 */
#pragma once

#include <stdbool.h>

/* Calls `each` for every name but "." and "..". 0, or a negative errno. */
int directory_each(int fd, void (*each)(const char *name, void *data), void *data);
/* True when `name` is longer than `suffix` and ends in it. */
bool name_ends(const char *name, const char *suffix);
