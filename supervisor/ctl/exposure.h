/*
 * exposure.h - how much of the system a service could harm if it were taken over, by what its unit
 * asks for: a list of checks with weights, and from 0.0 (nothing) to 10.0 (everything), as
 * systemd-analyze(1) "security" rates it. Pure: it reads units, not processes.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "supervisor/unit.h"

struct exposure_check {
	const char *name; /* "PrivateTmp=", "CapabilityBoundingSet=~CAP_SYS_ADMIN" */
	const char *good, *bad;
	unsigned weight;
	/* How bad it is, from 0 to `range`. */
	unsigned range;
	unsigned (*badness)(const struct unit *unit, const struct exposure_check *check);
	uint64_t arg;
	const char *group; /* of system calls */
};

const struct exposure_check *exposure_checks(size_t *n);
/* In tenths, 0 to 100. */
unsigned exposure_of(const struct unit *unit);
/* How much of the whole a check adds, in hundredths of a point. */
unsigned exposure_part(const struct unit *unit, const struct exposure_check *check);

enum exposure_level {
	EXPOSURE_PERFECT = 0,
	EXPOSURE_SAFE,
	EXPOSURE_OK,
	EXPOSURE_MEDIUM,
	EXPOSURE_EXPOSED,
	EXPOSURE_UNSAFE,
	EXPOSURE_DANGEROUS,
};
enum exposure_level exposure_level(unsigned tenths);
const char *exposure_level_name(enum exposure_level level); /* "OK", "UNSAFE", … */
