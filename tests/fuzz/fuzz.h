/*
 * fuzz.h - what the fuzz targets have in common.
 *
 * A target is one file, fuzz_NAME.c, with one FUZZ_TARGET(NAME): a function that reads `len` bytes
 * somebody else wrote. It aborts when what it sees breaks a promise of a header; the sanitizers do
 * the rest. It leaves nothing behind: what one input did must not change what the next one does.
 *
 * The same file is linked twice: with libFuzzer (fuzzer.c, `make fuzz`), and with a driver that
 * needs no clang and reads the corpus (replay.c, in `make test-unit`). fuzz_image_*.c know image/
 * and common/ only, as their unit tests do.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

struct fuzz_target {
	const char *name;
	/* `text` is a copy of exactly `len` bytes and a NUL behind them. */
	void (*one)(const char *text, size_t len);
	struct fuzz_target *next;
};

/* All that are linked, in no order. */
extern struct fuzz_target *fuzz_targets;

#define FUZZ_TARGET(target)                                                         \
	static void fuzz_one(const char *text, size_t len);                         \
	static struct fuzz_target fuzz_target = {.name = #target, .one = fuzz_one}; \
	__attribute__((constructor)) static void fuzz_register(void)                \
	{                                                                           \
		fuzz_target.next = fuzz_targets;                                    \
		fuzz_targets = &fuzz_target;                                        \
	}                                                                           \
	static void fuzz_one(const char *text, size_t len)

/* Runs a target over these bytes; an fd that it leaves open each time is a finding, too. */
void fuzz_run(const struct fuzz_target *target, const uint8_t *data, size_t len);

/* A promise of a header, which must hold whatever the input is. */
#define FUZZ_MUST(condition)      \
	do {                      \
		if (!(condition)) \
			abort();  \
	} while (0)

/* The bytes without a NUL behind them, so that a step too far is seen; the caller frees them. */
char *fuzz_bytes(const char *text, size_t len);

/* A file in memory with these bytes, at offset 0: always the same fd, which stays open. */
int fuzz_fd(const char *bytes, size_t len);

/* A directory to write into, for the whole process; it is gone at the end. */
const char *fuzz_dir(void);
/* DIR/NAME with these bytes; directories in the name are made. Returns the path, in a static
 * buffer. */
const char *fuzz_put(const char *name, const char *bytes, size_t len);

/*
 * An input of several parts, which lines "%%" divide. Cuts the next one off: false when there is
 * none. *text is moved behind it; the part is not NUL-terminated.
 */
struct fuzz_part {
	const char *text;
	size_t len;
};
bool fuzz_next(const char **text, size_t *len, struct fuzz_part *part);
/* A copy with a NUL; the caller frees it. An input without such a part has an empty one. */
char *fuzz_next_text(const char **text, size_t *len);

/* Whether the bytes are a JSON object with this member, a string: its beginning is put into
 * `value`. For those who cannot include jansson.h beside common/json.h. */
bool fuzz_json(const char *bytes, size_t len, const char *key, char *value, size_t size);
