/* The files of Proxmox: storage.cfg, and configurations of containers. */
#include <string.h>

#include "image/containers.h"
#include "image/storage.h"
#include "image/volume.h"
#include "tests/fuzz/fuzz.h"

FUZZ_TARGET(image_storage)
{
	char *bytes = fuzz_bytes(text, len);
	struct storages list = {0};
	struct strv tags = {0};
	struct err err;

	if (storage_parse(bytes, len, &list, &err) >= 0) {
		FUZZ_MUST(storage_find(&list, "local"));
		for (size_t i = 0; i < list.n; i++) {
			storage_check(&list.v[i], "pve", &err);
			storage_is_shared(&list.v[i]);
			free(storage_templates(&list.v[i]));
		}
	}
	storages_free(&list);
	free(bytes);
	container_tags(text, &tags);
	for (size_t i = 0; i < tags.n; i++)
		FUZZ_MUST(!strpbrk(tags.v[i], "; \n"));
	strv_free(&tags);
	free(container_mount(text, "/home/coder"));
	volume_is_template(text);
}
