/*
 * logfollow.h - `hakimctl logs -f`: what is added to logs, over rotations and from one supervisor
 * to the next.
 */
#pragma once

#include "supervisor/ctl/logmerge.h"

/* Before anything is printed: sees what the files are now. With `raw`, of one log only, the bytes
 * will be passed on as they come; else whole lines. */
int log_follow_begin(struct log_set *set, bool raw, struct err *err);
/* Goes on where the walks of the logs are, until an error: -EPIPE where the reader has gone. Lines
 * of several logs come in the order of their time, as far as they come together. */
int log_follow(struct log_set *set, bool raw, struct err *err);
/* Also where it was never begun. */
void log_follow_end(struct log_set *set);
