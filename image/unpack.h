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

/* What comes out is counted down in *left, of several layers, say; what does not fit is -EBADMSG.
 * Without it a layer has UNPACK_MAX of its own. */
#define UNPACK_MAX                                                                     \
	(256ull << 30) /* bytes; a few that are packed could become more than any disk \
			*/
void unpack_limit(struct unpack *unpack, uint64_t *left);

/* The next bytes of the layer, packed. */
int unpack_add(struct unpack *unpack, const void *bytes, size_t len, struct err *err);
/* There are no more: -EBADMSG when it is cut, or the unpacked bytes have another digest than
 * `diff_id`. */
int unpack_end(struct unpack *unpack, const char *diff_id, struct err *err);

/* The `size` bytes at `offset` of the file are a layer of this kind whose unpacked bytes have the
 * digest `diff_id`. -EBADMSG when not. */
int unpack_check(int fd, uint64_t offset, uint64_t size, enum layer_kind kind, const char *diff_id,
		 struct err *err);
/* The same, and `sink` gets them; `left` is unpack_limit()'s. */
int unpack_read(int fd, uint64_t offset, uint64_t size, enum layer_kind kind, const char *diff_id,
		uint64_t *left, unpack_sink_fn *sink, void *arg, struct err *err);
