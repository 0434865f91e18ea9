/* Files of our own that others may have written: the journal of a partial file, the digests. */
#include <string.h>

#include "image/journal.h"
#include "image/state.h"
#include "tests/fuzz/fuzz.h"

#define VOLID "local:vztmpl/hakim-js_latest.tar"

FUZZ_TARGET(image_files)
{
	static const char is[] =
		"sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
	struct archive_blob blobs[3] = {{.size = 10}, {.size = 20}, {.size = UINT64_MAX}};
	struct archive archive = {.blobs = blobs, .n = 3, .size = 1, .manifest.text = "sha256:0"};
	uint64_t at[3];
	struct digest digest;
	char *edited;

	if (journal_read(text, &archive, at))
		FUZZ_MUST(at[0] <= 10 && at[1] <= 20);
	state_find(text, VOLID, NULL, &digest);
	state_find(text, VOLID, "pve", &digest);
	/* What is written is found again. */
	for (int node = 0; node < 2; node++) {
		edited = state_edit(text, VOLID, node ? "pve" : NULL, is);
		if (!edited)
			continue;
		state_find(edited, VOLID, node ? "pve" : NULL, &digest);
		FUZZ_MUST(strcmp(digest.text, is) == 0);
		free(edited);
	}
	free(state_edit(text, VOLID, "pve", NULL));
}
