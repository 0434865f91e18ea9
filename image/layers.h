/*
 * layers.h - the layers of an image in a registry, looked into while they arrive: never on the
 * disk, and never whole in memory.
 */
#pragma once

#include "common/err.h"
#include "image/reference.h"
#include "image/session.h"
#include "image/survey.h"

/* Fetches each layer, and surveys what is in it. Refused is what has another size, digest or
 * diff_id than the image says, and what is no tar archive. `survey` begins as {0}. */
int layers_survey(struct fetch_session *session, const struct reference *ref,
		  const struct fetched_image *image, struct survey *survey, struct err *err);
