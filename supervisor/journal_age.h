/*
 * journal_age.h - what becomes of a log with time: a file is rotated when its first line is as old
 * as LogRotateSec=, old files go when their last line is as old as LogMaxAgeSec=. Run by the thread
 * of the journal, which asks when to wake up next, so that nothing wakes up for nothing.
 */
#pragma once

#include <time.h>

#include "supervisor/journal_pump.h"

/* CLOCK_REALTIME seconds of what is due next; 0: nothing ever. */
time_t age_due(struct stream *s);
/* Does what is due. Returns whether there is an old file more. */
bool age_run(struct stream *s, time_t now);
