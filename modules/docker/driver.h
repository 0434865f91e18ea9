/*
 * driver.h - which storage driver dockerd is to have. Decides only; the facts come from probe.h and
 * from the disk.
 *
 * A driver that has images on the disk stays while it works: under another one they would not be
 * seen any more.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"

enum driver {
	DRIVER_OVERLAY2 = 0,
	DRIVER_FUSE,
	DRIVER_VFS, /* needs nothing, and copies every layer whole */
	DRIVERS,
};

struct driver_facts {
	const char *wish; /* DOCKER_STORAGE_DRIVER; NULL, "" and "auto": choose */
	struct {
		bool works;
		char why[160]; /* where it does not; with `tried`, dockerd's own words */
		bool has_images;
		bool tried; /* dockerd could not start on it in this boot */
	} of[DRIVERS];
};

struct driver_choice {
	char name[32];
	char remark[400]; /* what a person should know; "" */
};

void driver_choose(const struct driver_facts *facts, struct driver_choice *choice);
const char *driver_name(enum driver driver);
