/*
 * remove_tree.h - takes a directory away with all that is in it, without ever following a link or
 * leaving its file system. What is left when something cannot be removed stays.
 */
#pragma once

/*
 * `root` is ours and trusted; no part of `relative` below it need be. The removal of many files
 * takes long: past the first few hundred a thread of its own goes on, so that the loop never waits.
 */
void remove_tree(const char *root, const char *relative);
