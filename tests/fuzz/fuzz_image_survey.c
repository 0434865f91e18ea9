/*
 * The tar of a layer, looked into: in one piece and in small ones, which must come to the same.
 * Sums of headers are made right first, since nothing else would get through.
 */
#include <stdio.h>
#include <string.h>

#include "image/survey.h"
#include "tests/fuzz/fuzz.h"

#define BLOCK 512

static void set_sums(char *bytes, size_t len)
{
	for (size_t at = 0; at + BLOCK <= len; at += BLOCK) {
		char *header = bytes + at;
		unsigned sum = 0;

		if (memcmp(header + 257, "ustar", 5) != 0)
			continue;
		memset(header + 148, ' ', 8);
		for (int i = 0; i < BLOCK; i++)
			sum += (unsigned char)header[i];
		snprintf(header + 148, 8, "%06o", sum);
		header[155] = ' ';
	}
}

static int look(const char *bytes, size_t len, size_t step, struct survey *survey)
{
	struct survey_layer *layer = survey_layer_new(survey);
	struct err err;
	int r = 0;

	FUZZ_MUST(layer);
	for (size_t at = 0; at < len && r >= 0; at += step)
		r = survey_layer_add(layer, bytes + at, len - at < step ? len - at : step, &err);
	if (r >= 0)
		r = survey_layer_end(layer, &err);
	survey_layer_freep(&layer);
	return r;
}

FUZZ_TARGET(image_survey)
{
	char *bytes = fuzz_bytes(text, len);
	static struct survey whole, parts;
	struct strv warnings = {0};

	whole = parts = (struct survey){0};
	set_sums(bytes, len);
	FUZZ_MUST(look(bytes, len, len + 1, &whole) == look(bytes, len, 1 + len % 700, &parts));
	FUZZ_MUST(whole.entries == parts.entries && whole.foreign == parts.foreign);
	/* As a layer above itself. */
	look(bytes, len, len + 1, &whole);
	FUZZ_MUST(survey_warnings(&whole, &warnings) == 0);
	strv_free(&warnings);
	free(bytes);
}
