/*
 * boot_svg.h - a timeline as a picture: one SVG file that needs nothing else.
 */
#pragma once

#include <stdio.h>

#include "supervisor/ctl/timeline.h"

/* What cannot be written is seen by ferror(out). */
void boot_svg_put(FILE *out, const struct timeline *timeline);
