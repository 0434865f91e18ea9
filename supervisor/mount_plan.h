/*
 * mount_plan.h - from the path directives of a unit to the steps that make its file system
 * namespace. Made in the parent; the only thing it asks the system is where symbolic links lead.
 *
 * Each path gets a mount of its own: a copy of what was there before the first step, with the
 * attributes that hold for it. So what stays writable below a read-only "/" keeps the flags that
 * the container gave it, and nothing ever has to be made writable.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/strv.h"
#include "supervisor/degrade.h"
#include "supervisor/sandbox.h"

#define MOUNT_STEPS_MAX 192

enum mount_op {
	MOUNT_TREE = 0, /* a copy of `source` onto `target`, with attributes */
	MOUNT_ATTR,     /* attributes of what is at `target` */
	MOUNT_TMPFS,    /* an empty file system, `options` as of mount(8) */
	MOUNT_CLOSED,   /* nothing to see: an empty directory or file without rights */
	MOUNT_PROC,     /* a new /proc, with options */
	MOUNT_DIR,      /* a directory is made */
	MOUNT_LINK,     /* a symbolic link to `source` */
};

struct mount_step {
	enum mount_op op;
	enum degrade part;
	char *source, *target, *options;
	uint64_t attr;  /* MOUNT_ATTR_* to set */
	bool recursive; /* with what is mounted below */
	bool exempts;   /* it takes `target` out of a protection: it must not be left out alone */
	bool make;      /* the place is made if it is not there */
	bool optional;  /* it may be missing */
};

struct mount_plan {
	bool wanted; /* a namespace is asked for */
	enum mount_flags flags;
	struct mount_step *v;
	size_t n;
};

/* What the plan takes from elsewhere. */
struct mount_places {
	const char *private_dir;     /* has "tmp" and "var-tmp" for PrivateTmp=; NULL: a tmpfs */
	const char *const *writable; /* the unit's own directories; NULL-terminated, or NULL */
	const char *credentials;     /* its credentials, which stay visible; or NULL */
};

/* -ENOENT with a sentence: a path is missing and has no "-". -E2BIG: there are too many. */
int mount_plan_make(struct mount_plan *plan, const struct unit_sandbox *sandbox,
		    const struct mount_places *places, struct err *err);
void mount_plan_free(struct mount_plan *plan);
