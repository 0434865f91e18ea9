/* Layers: gzip and zstd as streams, each input as both. */
#include "image/unpack.h"
#include "tests/fuzz/fuzz.h"

FUZZ_TARGET(image_layer)
{
	static const char none[] =
		"sha256:0000000000000000000000000000000000000000000000000000000000000000";
	int fd = fuzz_fd(text, len);
	struct err err;

	for (int kind = LAYER_TAR; kind <= LAYER_ZSTD; kind++)
		FUZZ_MUST(unpack_check(fd, 0, len, (enum layer_kind)kind, none, &err) < 0);
	/* A manifest may say more than there is. */
	FUZZ_MUST(unpack_check(fd, len / 2, len, LAYER_GZIP, none, &err) < 0);
}
