/*
 * survey.h - what is in the layers of an image that Proxmox would choke on: owners that an
 * unprivileged container does not have, and no sign of which distribution it is. Pure.
 *
 * Layers are given from the lowest up, as bytes of their tar. Nothing of them is kept but what is
 * asked for here: it costs the same for every image.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/strv.h"

/* The highest id of an unprivileged container of Proxmox: `lxc.idmap = u 0 100000 65536`. */
#define SURVEY_ID_MAX 65535

#define SURVEY_FILES   12
#define SURVEY_RELEASE 4096 /* bytes of an os-release that are read */
#define SURVEY_EXAMPLE 120

/* A file by which Proxmox knows a distribution; the first two have the ID. */
struct survey_file {
	unsigned layer; /* 1 is the lowest; 0: it is not there */
	bool elsewhere; /* it is a link that was not followed */
	char text[SURVEY_RELEASE];
	size_t len;
};

/* A plain value: what was found until now can be kept by copying it. Begin with {0}. */
struct survey {
	unsigned layers;
	uint64_t entries, bytes; /* of all layers, unpacked */
	uint64_t foreign;        /* entries of an id above SURVEY_ID_MAX */
	char example[SURVEY_EXAMPLE];
	uint64_t example_uid, example_gid;
	struct survey_file files[SURVEY_FILES];
	struct survey_file *reading;
};

struct survey_layer;

/* The next layer. It tells `survey`, which must stay where it is until the layer is freed. NULL: no
 * memory. */
struct survey_layer *survey_layer_new(struct survey *survey);
void survey_layer_freep(struct survey_layer **layer);

/* The next bytes of its tar, and their end. -EBADMSG with a sentence: it is no tar archive. Fits
 * unpack_sink_fn. */
int survey_layer_add(void *layer, const void *bytes, size_t len, struct err *err);
int survey_layer_end(struct survey_layer *layer, struct err *err);

/* Each as a sentence. -ENOMEM. */
int survey_warnings(const struct survey *survey, struct strv *warnings);
