/*
 * reach.h - can a TCP port of a host be connected now? Blocks, up to a few seconds an address; for
 * a process of its own.
 */
#pragma once

#include <stdint.h>

#include "common/err.h"

/* `host` is a name or an address, that of IPv6 also in brackets. */
int openclaw_reach(const char *host, uint16_t port, struct err *err);
