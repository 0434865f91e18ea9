/*
 * capability.h - the names of capabilities(7), and what this process has of them. Asks the kernel
 * by capget(2) only.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"

/* "CAP_CHOWN", "cap_chown" or "chown" → 0; -EINVAL: there is none of that name. */
int capability_parse(const char *name);
/* "CAP_CHOWN"; NULL: no name for it. */
const char *capability_name(unsigned capability);
/* The effective ones of this process. */
uint64_t capabilities_effective(void);
static inline uint64_t capability_bit(unsigned capability)
{
	return (uint64_t)1 << capability;
}
