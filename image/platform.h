/*
 * platform.h - "linux/amd64", "linux/arm/v7": read, and compared with an index's entries.
 */
#pragma once

#include <stdbool.h>

#include "common/err.h"

#define PLATFORM_PART_MAX 32
#define PLATFORM_TEXT_MAX (3 * PLATFORM_PART_MAX)

struct platform {
	char os[PLATFORM_PART_MAX];
	char architecture[PLATFORM_PART_MAX]; /* Go's name: amd64, arm64 … */
	char variant[PLATFORM_PART_MAX];      /* never "" where the architecture has variants */
};

/* Reads OS/ARCHITECTURE[/VARIANT]; NULL is this machine. -EINVAL with a sentence. */
int platform_parse(const char *text, struct platform *platform, struct err *err);

/* The same of three strings, each of which may be NULL. False: one of them is too long. */
bool platform_set(struct platform *platform, const char *os, const char *architecture,
		  const char *variant);

bool platform_is(const struct platform *a, const struct platform *b);

/* As people write it; a variant that goes without saying is left out. */
void platform_text(const struct platform *platform, char text[PLATFORM_TEXT_MAX]);
