/*
 * tried.h - on what dockerd did not start in this life of the container, and whether it is up. Kept
 * in /run/hakim, which may outlive a container: what another life has written does not count.
 */
#pragma once

#include <stdbool.h>

#include "common/err.h"
#include "modules/docker/driver.h"

#define TRIED_NETWORK "network"

/* Sets `tried` and `why` of the drivers; whether the network was tried in vain, and why. */
bool tried_read(struct driver_facts *facts, char *why, size_t size);
/* `what` is a driver's name or TRIED_NETWORK. */
int tried_add(const char *what, const char *why, struct err *err);
void tried_forget(void);

void tried_set_up(bool up);
bool tried_is_up(void);
