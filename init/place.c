#include "init/place.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statfs.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <linux/magic.h>

#include "common/id_map.h"
#include "init/format.h"
#include "init/quirk_file.h"

#define SECONDS(s) ((s)*1000000000ull)

enum place_kind place_by_environment(const char *container, bool kubernetes)
{
	if (container && strcmp(container, "lxc") == 0)
		return PLACE_LXC;
	if (container && strcmp(container, "systemd-nspawn") == 0)
		return PLACE_NSPAWN;
	/* A pod's runtime may leave the signs of Docker or podman, too: the pod decides. */
	if (kubernetes)
		return PLACE_KUBERNETES;
	if (container && strcmp(container, "podman") == 0)
		return PLACE_PODMAN;
	return container && *container ? PLACE_OTHER : PLACE_UNKNOWN;
}

bool place_is_sure(enum place_kind kind)
{
	return kind == PLACE_LXC || kind == PLACE_NSPAWN || kind == PLACE_KUBERNETES;
}

enum place_kind place_detect(const char *container, bool kubernetes)
{
	enum place_kind kind = place_by_environment(container, kubernetes);

	if (place_is_sure(kind))
		return kind;
	if (access("/var/run/secrets/kubernetes.io", F_OK) == 0)
		return PLACE_KUBERNETES;
	if (kind == PLACE_PODMAN || access("/run/.containerenv", F_OK) == 0)
		return PLACE_PODMAN;
	return access("/.dockerenv", F_OK) == 0 ? PLACE_DOCKER : kind;
}

const char *place_name(uint32_t kind)
{
	static const char *const names[PLACES] = {
		[PLACE_UNKNOWN] = "unknown",       [PLACE_LXC] = "lxc",
		[PLACE_DOCKER] = "docker",         [PLACE_PODMAN] = "podman",
		[PLACE_OTHER] = "other",           [PLACE_NSPAWN] = "systemd-nspawn",
		[PLACE_KUBERNETES] = "kubernetes",
	};

	return kind < PLACES ? names[kind] : "unknown";
}

uint64_t place_stop_limit_ns(enum place_kind kind)
{
	switch (kind) {
	case PLACE_LXC:    /* Proxmox kills 60 s after the stop signal */
	case PLACE_NSPAWN: /* machinectl: 90 s */
		return SECONDS(50);
	case PLACE_KUBERNETES: /* terminationGracePeriodSeconds is 30 */
		return SECONDS(28);
	default: /* `docker stop` and `podman stop`: after 10 s */
		return SECONDS(8);
	}
}

/* Which of LXC's managers made it: each leaves something of its own. */
static const char *lxc_flavour(const char *root)
{
	static const char pve[] = "# --- BEGIN PVE ---";
	char text[2048];

	/* PVE::LXC::Setup::Base writes its block at each start. */
	if (file_read(root, "/etc/hosts", text, sizeof(text)) > 0 && strstr(text, pve))
		return "proxmox";
	if (file_read(root, "/etc/resolv.conf", text, sizeof(text)) > 0 && strstr(text, pve))
		return "proxmox";
	if (file_exists(root, "/dev/incus") || file_exists(root, "/dev/.incus-mounts") ||
	    file_exists(root, "/dev/lxd") || file_exists(root, "/dev/.lxd-mounts"))
		return "incus";
	return "lxc";
}

static void read_ids(const char *root, struct place_facts *facts)
{
	char path[256];
	struct id_map map;
	uint32_t highest;

	format_text(path, sizeof(path), "%s/proc/self/uid_map", root);
	if (id_map_read(path, &map) < 0 || !id_map_highest(&map, UINT32_MAX - 1, &highest))
		return;
	id_map_outside(&map, 0, &facts->outer_uid);
	facts->ids = highest + 1;
	facts->user_namespace = !id_map_is_whole(&map);
}

static void read_cgroup(const char *root, struct place_facts *facts)
{
	char text[128];

	if (file_read(root, "/sys/fs/cgroup/cgroup.controllers", text, sizeof(text)) >= 0) {
		char path[256];

		facts->cgroup = 2;
		format_text(facts->cgroup_controllers, sizeof(facts->cgroup_controllers), "%.*s",
			    (int)strcspn(text, "\n"), text);
		format_text(path, sizeof(path), "%s/sys/fs/cgroup/cgroup.subtree_control", root);
		facts->cgroup_writable = access(path, W_OK) == 0;
	} else if (file_exists(root, "/sys/fs/cgroup/unified") ||
		   file_exists(root, "/sys/fs/cgroup/memory") ||
		   file_exists(root, "/sys/fs/cgroup/cpu")) {
		facts->cgroup = 1;
	}
	facts->memory_max = file_number(root, "/sys/fs/cgroup/memory.max");
	if (facts->memory_max < 0)
		facts->memory_max =
			file_number(root, "/sys/fs/cgroup/memory/memory.limit_in_bytes");
	/* v1's "no limit" is the largest number of pages. */
	if (facts->memory_max >= INT64_MAX / 4096 * 4096 - 4096)
		facts->memory_max = -1;
}

/* LXC gives each life of a container an id; else the machine's with the moment of our start. */
static void read_boot_id(const char *root, struct place_facts *facts)
{
	char id[64], stat[1024];
	const char *at;
	int field = 2;

	if (file_read(root, "/dev/.lxc-boot-id", id, sizeof(id)) > 0) {
		format_text(facts->boot_id, sizeof(facts->boot_id), "%.*s", (int)strcspn(id, "\n"),
			    id);
		return;
	}
	if (file_read(root, "/proc/sys/kernel/random/boot_id", id, sizeof(id)) <= 0 ||
	    file_read(root, "/proc/1/stat", stat, sizeof(stat)) <= 0)
		return;
	/* Field 22, starttime; the name in field 2 may hold anything (proc(5)). */
	at = strrchr(stat, ')');
	while (at && field < 22 && (at = strchr(at + 1, ' ')))
		field++;
	if (at)
		format_text(facts->boot_id, sizeof(facts->boot_id), "%.36s-%.*s", id,
			    (int)strspn(at + 1, "0123456789"), at + 1);
}

void place_facts_read(enum place_kind kind, const char *root, struct place_facts *facts)
{
	struct utsname name;

	*facts = (struct place_facts){.kind = place_name(kind), .memory_max = -1};
	read_ids(root, facts);
	if (kind == PLACE_LXC)
		facts->kind = lxc_flavour(root);
	else if (kind == PLACE_UNKNOWN && !facts->user_namespace)
		facts->kind = "bare";
	facts->nesting = file_exists(root, "/dev/.lxc/proc");
	read_cgroup(root, facts);
	read_boot_id(root, facts);
	if (uname(&name) == 0)
		format_text(facts->kernel, sizeof(facts->kernel), "%s", name.release);
}
