/* The heads of HTTP answers: WWW-Authenticate headers alone, and all lines of a head. */
#include <string.h>

#include "image/challenge.h"
#include "image/http_header.h"
#include "tests/fuzz/fuzz.h"

static void check(const char *value)
{
	for (; *value; value++)
		FUZZ_MUST((unsigned char)*value >= 0x20 && *value != 0x7f);
}

FUZZ_TARGET(image_challenge)
{
	struct challenge list[CHALLENGES_MAX];
	struct http_response response = {.length = -1};
	size_t n = challenge_read(text, list, 0);

	FUZZ_MUST(n <= CHALLENGES_MAX);
	for (size_t i = 0; i < n; i++) {
		check(list[i].scheme);
		check(list[i].realm);
		check(list[i].service);
		check(list[i].error);
	}
	FUZZ_MUST(challenge_read(text, list, n) <= CHALLENGES_MAX);
	while (len) {
		const char *end = memchr(text, '\n', len);
		size_t line = end ? (size_t)(end - text) + 1 : len;

		http_header_line(&response, text, line);
		text += line;
		len -= line;
	}
	http_response_free(&response);
}
