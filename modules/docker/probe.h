/*
 * probe.h - what storage drivers can do here, tried on the real data root and not guessed.
 *
 * The trial is a mount in a mount namespace of its own, so that nothing of it stays, even when it
 * is killed half-way; directories that an earlier one has left are removed.
 */
#pragma once

#include "modules/docker/driver.h"

/* Fills facts->of[]; never fails: what cannot be tried does not work, and `why` says so. */
void probe_drivers(const char *data_root, struct driver_facts *facts);
