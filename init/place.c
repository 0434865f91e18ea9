#include "init/place.h"

#include <string.h>
#include <unistd.h>

#define SECONDS(s) ((s)*1000000000ull)

enum place_kind place_detect(const char *container)
{
	if (container && strcmp(container, "lxc") == 0)
		return PLACE_LXC;
	if (container && strcmp(container, "podman") == 0)
		return PLACE_PODMAN;
	if (access("/run/.containerenv", F_OK) == 0)
		return PLACE_PODMAN;
	if (access("/.dockerenv", F_OK) == 0)
		return PLACE_DOCKER;
	return container && *container ? PLACE_OTHER : PLACE_UNKNOWN;
}

const char *place_name(uint32_t kind)
{
	static const char *const names[] = {
		[PLACE_UNKNOWN] = "unknown", [PLACE_LXC] = "lxc",     [PLACE_DOCKER] = "docker",
		[PLACE_PODMAN] = "podman",   [PLACE_OTHER] = "other",
	};

	return kind < sizeof(names) / sizeof(names[0]) ? names[kind] : "unknown";
}

uint64_t place_stop_limit_ns(enum place_kind kind)
{
	/* Proxmox kills 60 s after the stop signal, `docker stop` and `podman stop` after 10 s. */
	return kind == PLACE_LXC ? SECONDS(50) : SECONDS(8);
}
