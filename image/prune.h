/*
 * prune.h - which templates nothing needs any more. Pure.
 *
 * Kept are the newest N of each name and whatever a container's tag names, on any node. Templates
 * that are not called as hakim calls them are never touched.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/strv.h"
#include "image/volume.h"

enum prune_why {
	PRUNE_FOREIGN = 0, /* kept: not ours */
	PRUNE_NEWEST,      /* kept: among the newest N */
	PRUNE_USED,        /* kept: a container was made of this tag */
	PRUNE_UNFINISHED,  /* kept: made by a run that may still go on */
	PRUNE_OLD,         /* removed: older than the newest N, and no container names it */
	PRUNE_STALE,       /* removed: left behind by a run that is long over */
};

/* Writes why[i] for each of the volumes, which are sorted, newest first. `known` tells of those
 * that the state file names. `now` is in seconds. */
void prune_judge(const struct volumes *volumes, const struct strv *used, const bool *known,
		 unsigned keep, int64_t now, enum prune_why *why);

/* A run is over when its file was not touched for so long. */
#define PRUNE_STALE_SECONDS 86400
