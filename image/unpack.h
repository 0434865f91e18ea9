/*
 * unpack.h - a layer, unpacked as a stream and never to the disk, to see whether its diff_id is
 * true.
 */
#pragma once

#include <stdint.h>

#include "common/err.h"
#include "image/manifest.h"

/* The `size` bytes at `offset` of the file are a layer of this kind whose unpacked bytes have the
 * digest `diff_id`. -EBADMSG when not. */
int unpack_check(int fd, uint64_t offset, uint64_t size, enum layer_kind kind, const char *diff_id,
		 struct err *err);
