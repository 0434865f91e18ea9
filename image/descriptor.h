/*
 * descriptor.h - what names a blob or a manifest: its type, its digest, its size. A plain value.
 */
#pragma once

#include <stdint.h>

#include "image/digest.h"

#define DESCRIPTOR_TYPE_MAX 128
/* The most that a manifest or a configuration may have, in bytes. */
#define DOCUMENT_MAX (4u << 20)

struct descriptor {
	char media_type[DESCRIPTOR_TYPE_MAX];
	struct digest digest;
	uint64_t size; /* bytes; never 0 */
};
