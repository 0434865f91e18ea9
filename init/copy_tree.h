/*
 * copy_tree.h - copies what an image ships in a directory that is about to be hidden by a mount,
 * and takes away such a copy. Runs in a child: it reads and writes files. It follows no link.
 */
#pragma once

#include <stdbool.h>

/*
 * All below the directory `from` into the directory `to`, at most `depth` levels. `state` leaves
 * out what is no part of an image but left over from another life: sockets, FIFOs, pid files, and
 * files of more than 1 MiB. What an earlier run that was killed has copied whole is kept. What
 * cannot be copied is left out; the last such error is returned, a negative errno.
 */
int copy_tree(int from, int to, int depth, bool state);
/* Removes the directory `name` in `at` with all below it, at most `depth` levels, through no link.
 * 0, also where there is none; else the negative errno of what could not be removed. */
int copy_tree_remove(int at, const char *name, int depth);
