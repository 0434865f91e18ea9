/*
 * Tables of the kernel and of the host, as they are below a root: routes, uid_map, cgroups,
 * memory. Each part goes into one file; and quirks.json and mountinfo as hakimctl reads them.
 */
#include <stdio.h>
#include <string.h>

#include "common/network.h"
#include "init/place.h"
#include "init/quirk_json.h"
#include "init/quirk_rows.h"
#include "supervisor/ctl/doctor_view.h"
#include "tests/fuzz/fuzz.h"

static const char *const files[] = {
	"proc/net/route",
	"proc/net/ipv6_route",
	"proc/net/if_inet6",
	"proc/net/dev",
	"etc/resolv.conf",
	"proc/self/uid_map",
	"proc/meminfo",
	"sys/fs/cgroup/cgroup.controllers",
	"sys/fs/cgroup/memory.max",
	"sys/fs/cgroup/memory.events",
	"sys/fs/cgroup/cgroup.procs",
	"proc/1/stat",
	"proc/1/cgroup",
	"proc/sys/kernel/random/boot_id",
	"sys/fs/cgroup/cgroup.subtree_control",
};

static void rows(const char *root)
{
	quirk_fn *const fns[] = {quirk_lxcfs, quirk_memory_high, quirk_route, quirk_resolv_conf,
				 quirk_ipv6};
	static struct quirk_sheet sheet;
	json_t *json;

	memset(&sheet, 0, sizeof(sheet));
	sheet.world.root = root;
	place_facts_read(PLACE_LXC, root, &sheet.world.facts);
	for (size_t i = 0; i < sizeof(fns) / sizeof(fns[0]); i++) {
		struct quirk_entry *e = &sheet.entries[i];

		e->outcome = fns[i](&sheet.world, &e->result);
		e->state = ENTRY_DONE;
	}
	quirk_json(&sheet);
	/* What PID 1 writes, hakimctl reads. */
	json = json_loads(sheet.json, 0, NULL);
	FUZZ_MUST(json);
	json_decref(json);
}

static void doctor(const char *text, size_t len)
{
	json_t *json = json_loadb(text, len, 0, NULL);
	struct doctor doctor = {0};
	char ctid[DOCTOR_CTID];

	doctor_ctid(text, ctid);
	if (json && doctor_read(&doctor, json, ctid) >= 0)
		doctor_read_units(&doctor, json);
	doctor_free(&doctor);
	json_decref(json);
}

FUZZ_TARGET(proc)
{
	const char *root = fuzz_dir();
	const char *rest = text;
	size_t left = len;

	doctor(text, len);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		struct fuzz_part part = {"", 0};

		fuzz_next(&rest, &left, &part);
		fuzz_put(files[i], part.text, part.len);
	}
	network_has_route(root);
	network_has_ipv6(root);
	network_has_interface(root);
	network_has_server(root);
	rows(root);
}
