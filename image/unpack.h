/*
 * unpack.h - a layer, unpacked as a stream and never to the disk, to see whether its diff_id is
 * true.
 */
#pragma once

#include <stdint.h>

#include "common/err.h"
#include "image/manifest.h"

/* Gets the unpacked bytes as they come; negative ends it. */
typedef int unpack_sink_fn(void *arg, const void *bytes, size_t len, struct err *err);

/* A layer that comes in pieces. `sink` may be NULL. NULL: no memory. */
struct unpack;
struct unpack *unpack_new(enum layer_kind kind, unpack_sink_fn *sink, void *arg);
void unpack_freep(struct unpack **unpack);

/* The next bytes of the layer, packed. */
int unpack_add(struct unpack *unpack, const void *bytes, size_t len, struct err *err);
/* There are no more: -EBADMSG when it is cut, or the unpacked bytes have another digest than
 * `diff_id`. */
int unpack_end(struct unpack *unpack, const char *diff_id, struct err *err);

/* The `size` bytes at `offset` of the file are a layer of this kind whose unpacked bytes have the
 * digest `diff_id`. -EBADMSG when not. */
int unpack_check(int fd, uint64_t offset, uint64_t size, enum layer_kind kind, const char *diff_id,
		 struct err *err);
/* The same, and `sink` gets them. */
int unpack_read(int fd, uint64_t offset, uint64_t size, enum layer_kind kind, const char *diff_id,
		unpack_sink_fn *sink, void *arg, struct err *err);
