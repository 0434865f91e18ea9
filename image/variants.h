/*
 * variants.h - the one list of the images that hakim pulls when nothing is named.
 *
 * Pure. Whatever else somebody builds is pulled by --image.
 */
#pragma once

#include <stdbool.h>

extern const char *const variants[]; /* NULL-terminated, in the order in which they are pulled */

bool variant_known(const char *name);
/* "base, php, …" for an error. */
void variants_text(char *text, unsigned long size);
