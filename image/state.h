/*
 * state.h - the digests of what was pulled: a file of lines `<volid> <digest>`, as the old script
 * wrote them, so that either reads the other's.
 *
 * The same volume is another file on each node. Where there are several nodes, a line
 * `<node>/<volid> <digest>` is written besides, and where there is one for any node the plain line
 * counts no more. Lines that are not understood are kept. Changes are made under a lock, in a new
 * file that is renamed over the old one.
 */
#pragma once

#include "common/err.h"
#include "image/digest.h"

#define STATE_FILE     "/var/lib/vz/template/cache/.hakim-oci-digests.tsv"
#define STATE_TEXT_MAX (4u << 20)

/* Pure: the last line that counts, in a text; digest->text is "" when there is none. */
void state_find(const char *text, const char *volid, const char *node, struct digest *digest);
/* Pure: the text with the digest of `volid` (NULL: without one), to be freed. With a node, its line
 * is written, too. */
char *state_edit(const char *text, const char *volid, const char *node, const char *digest);

/* A file that is not there is empty. */
int state_read(const char *path, char **text, struct err *err);
int state_write(const char *path, const char *volid, const char *node, const char *digest,
		struct err *err);
