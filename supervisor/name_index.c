#include "supervisor/name_index.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* FNV-1a: names are short, and whoever may name units may do worse than make them collide. */
static size_t hash(const char *name)
{
	uint64_t h = 0xcbf29ce484222325ull;

	for (; *name; name++)
		h = (h ^ (unsigned char)*name) * 0x100000001b3ull;
	return (size_t)(h ^ h >> 32);
}

/* The place of the name, or the free one where it would go. */
static struct name_entry *place(const struct name_index *index, const char *name)
{
	size_t at = hash(name) & (index->room - 1);

	while (index->v[at].name && strcmp(index->v[at].name, name) != 0)
		at = (at + 1) & (index->room - 1);
	return &index->v[at];
}

static int grow(struct name_index *index)
{
	struct name_index larger = {.room = index->room ? index->room * 2 : 64, .n = index->n};

	larger.v = calloc(larger.room, sizeof(*larger.v));
	if (!larger.v)
		return -ENOMEM;
	for (size_t i = 0; i < index->room; i++)
		if (index->v[i].name)
			*place(&larger, index->v[i].name) = index->v[i];
	free(index->v);
	*index = larger;
	return 0;
}

int name_index_add(struct name_index *index, const char *name, void *value)
{
	struct name_entry *entry;

	/* Half of it stays free, so that a search is short. */
	if (index->n * 2 >= index->room && grow(index) < 0)
		return -ENOMEM;
	entry = place(index, name);
	if (entry->name)
		return 1;
	*entry = (struct name_entry){name, value};
	index->n++;
	return 0;
}

bool name_index_find(const struct name_index *index, const char *name, void **value)
{
	const struct name_entry *entry = index->room ? place(index, name) : NULL;

	if (!entry || !entry->name)
		return false;
	if (value)
		*value = entry->value;
	return true;
}

void name_index_free(struct name_index *index)
{
	free(index->v);
	*index = (struct name_index){0};
}
