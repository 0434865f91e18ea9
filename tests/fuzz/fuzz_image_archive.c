/*
 * Archives that somebody wrote: verified with their layers, and taken apart for their blobs. A
 * digest is nothing that a fuzzer hits upon, so that blobs named "?" get their true names first.
 */
#include <stdio.h>
#include <string.h>

#include "image/archive.h"
#include "image/digest.h"
#include "image/verify.h"
#include "tests/fuzz/fuzz.h"

#define BLOCK 512
#define BLOBS "blobs/sha256/?"

/* Sums of headers, too (ustar: all bytes, those of the sum as blanks). */
static void set_sum(char *header)
{
	unsigned sum = 0;

	memset(header + 148, ' ', 8);
	for (int i = 0; i < BLOCK; i++)
		sum += (unsigned char)header[i];
	snprintf(header + 148, 8, "%06o", sum);
	header[155] = ' ';
}

/* Gives blobs their names, and each "$n" of 64 characters in the documents that of the n-th. */
static void make_true(char *bytes, size_t len)
{
	char names[10][65];
	unsigned n = 0;

	for (size_t at = 0; at + BLOCK <= len; at += BLOCK) {
		char *header = bytes + at;
		char size[13] = "";
		struct digest digest;
		size_t room, left = len - at - BLOCK;

		if (memcmp(header + 257, "ustar", 5) != 0)
			continue;
		memcpy(size, header + 124, 12);
		room = strtoul(size, NULL, 8);
		/* strtoul(3) takes "-1", too. */
		for (char *p = header + BLOCK;
		     p + 64 <= bytes + len && p < header + BLOCK + (room < left ? room : left); p++)
			if (p[0] == '$' && p[1] >= '0' && p[1] <= '9' && p[2] == '$' &&
			    (unsigned)(p[1] - '0') < n)
				memcpy(p, names[p[1] - '0'], 64);
		if (memcmp(header, BLOBS, sizeof(BLOBS) - 1) == 0 && n < 10 && room <= left &&
		    digest_of(DIGEST_SHA256, header + BLOCK, room, &digest, NULL) >= 0) {
			memcpy(names[n], digest_hex(&digest), 65);
			memcpy(header + sizeof(BLOBS) - 2, names[n], 65);
			n++;
		}
		set_sum(header);
	}
}

FUZZ_TARGET(image_archive)
{
	char *bytes = fuzz_bytes(text, len);
	struct verified verified = {0};
	struct survey survey = {0};
	struct archive_entry entry;
	struct err err;
	uint64_t at = 0;
	char path[40];
	int fd;

	if (len && text[0] == 'b')
		make_true(bytes, len);
	fd = fuzz_fd(bytes, len);
	free(bytes);
	for (uint64_t before = 0; archive_next(fd, &at, &entry) == 1; before = at)
		FUZZ_MUST(at > before && memchr(entry.name, '\0', sizeof(entry.name)));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (verify_archive(path, &survey, &verified, &err) >= 0)
		FUZZ_MUST(verified.image.n > 0);
	verified_free(&verified);
}
