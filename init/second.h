/*
 * second.h - is another hakim-init at work in this container already?
 *
 * Two would run every module twice and write into the same logs: an image that has hakim-init as
 * its entrypoint, and a devcontainer Feature or a command that names it once more. So the second
 * one runs its program as it is, or says so and ends. Only one that is not PID 1 asks: PID 1 is
 * always the first, and its start does not depend on a file.
 */
#pragma once

#include <stdbool.h>

struct options;

/*
 * Looks at PID 1, and at a lock in $HAKIM_RUNTIME_DIR, /run/hakim or /tmp/hakim-UID, which is ours
 * from now on if nobody had it, and who is not root at root's control socket. What cannot be found
 * out counts as no. Whoever sets HAKIM_RUNTIME_DIR has a place of its own, and is compared by the
 * lock alone.
 */
bool second_found(void);
/* What a second one does instead: becomes the program. The exit status if it cannot, or if there is
 * none. */
int second_main(const struct options *options);

/* Is `text`, a /proc/PID/cmdline of `len` bytes, a hakim-init that supervises? `same` says that its
 * program is our own file, under whatever name. */
bool second_is_init(const char *text, unsigned long len, bool same);
