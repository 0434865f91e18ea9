#include "image/prune.h"

#include <string.h>

#include "image/containers.h"
#include "image/node_pull.h"
#include "image/shelf.h"

static bool is_used(const struct strv *used, const char *tag)
{
	for (size_t i = 0; i < used->n; i++)
		if (container_tag_is(used->v[i], tag))
			return true;
	return false;
}

static bool is_temporary(const char *file)
{
	return strncmp(file, NODE_PULL_PREFIX, strlen(NODE_PULL_PREFIX)) == 0;
}

/* Whether hakim made it: its variants are called so, and the state file has the others. */
static bool is_ours(const struct volumes *volumes, size_t i, const bool *known)
{
	return strncmp(volumes->v[i].file, "hakim-", 6) == 0 || known[i];
}

void prune_judge(const struct volumes *volumes, const struct strv *used, const bool *known,
		 unsigned keep, int64_t now, enum prune_why *why)
{
	for (size_t i = 0; i < volumes->n; i++) {
		char name[REFERENCE_FILE_MAX], tag[REFERENCE_TAG_MAX];
		char other[REFERENCE_FILE_MAX], other_tag[REFERENCE_TAG_MAX];
		unsigned newer = 0;

		why[i] = PRUNE_FOREIGN;
		if (is_temporary(volumes->v[i].file)) {
			why[i] = now - volumes->v[i].made > PRUNE_STALE_SECONDS ? PRUNE_STALE
										: PRUNE_UNFINISHED;
			continue;
		}
		if (!is_ours(volumes, i, known) || !shelf_name(volumes->v[i].file, name, tag))
			continue;
		for (size_t k = 0; k < i; k++)
			newer += is_ours(volumes, k, known) && !is_temporary(volumes->v[k].file) &&
				 shelf_name(volumes->v[k].file, other, other_tag) &&
				 strcmp(other, name) == 0;
		why[i] = newer < keep ? PRUNE_NEWEST : is_used(used, tag) ? PRUNE_USED : PRUNE_OLD;
	}
}
