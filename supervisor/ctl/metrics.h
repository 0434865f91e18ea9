/*
 * metrics.h - what the status says, as OpenMetrics text (openmetrics.io, specification 1.0).
 */
#pragma once

#include <jansson.h>
#include <stdio.h>

/* From the packets of `status`; what is not known is left out. The last line is "# EOF". */
void metrics_put(FILE *out, const json_t *packets);
