#include "image/shelf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "image/pull.h"
#include "image/state.h"
#include "image/text.h"

bool shelf_name(const char *file, char name[REFERENCE_FILE_MAX], char tag[REFERENCE_TAG_MAX])
{
	char copy[REFERENCE_FILE_MAX + 8];
	char *bar;
	size_t len;

	if (!text_set(copy, sizeof(copy), file))
		return false;
	/* "x.tar.tar" is one of the old script's. */
	for (unsigned i = 0; i < 2; i++) {
		len = strlen(copy);
		if (len > 4 && strcmp(copy + len - 4, ".tar") == 0)
			copy[len - 4] = '\0';
		else if (i == 0)
			return false;
	}
	/* A tag may have "_" in it, and a repository's name, too: hakim's own names have none. */
	bar = strncmp(copy, "hakim-", 6) == 0 ? strchr(copy, '_') : strrchr(copy, '_');
	if (!bar || bar == copy || !bar[1])
		return false;
	*bar = '\0';
	return text_set(name, REFERENCE_FILE_MAX, copy) &&
	       text_set(tag, REFERENCE_TAG_MAX, bar + 1);
}

int shelf_open(const struct options *options, const char *node, struct shelf *shelf,
	       struct err *err)
{
	int r = way_choose(options, node, false, false, &shelf->place, err);

	if (r < 0)
		return r;
	shelf->state_file = pull_state_file(options);
	if (!shelf->state_file)
		return err_set(err, -ENOMEM, "out of memory");
	r = state_read(shelf->state_file, &shelf->state, err);
	if (r < 0)
		return r;
	if (shelf->place.way == WAY_DIRECT)
		return volumes_read(shelf->place.directory, options->datastore, &shelf->volumes,
				    err);
	shelf->asks = true;
	r = proxmox_open(&shelf->proxmox, options, shelf->place.way != WAY_PVESH, err);
	return r < 0 ? r
		     : volumes_ask(&shelf->proxmox, node, options->datastore, &shelf->volumes, err);
}

void shelf_close(struct shelf *shelf)
{
	place_free(&shelf->place);
	volumes_free(&shelf->volumes);
	if (shelf->asks)
		proxmox_close(&shelf->proxmox);
	free(shelf->state);
	free(shelf->state_file);
}
