/*
 * Tables of the kernel and of the host, as they are below a root: routes, uid_map, cgroups,
 * memory, mounts, users. Each part goes into one file; and quirks.json and mountinfo as hakimctl
 * reads them.
 */
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/network.h"
#include "init/place.h"
#include "init/quirk_file.h"
#include "init/quirk_json.h"
#include "init/quirk_rows.h"
#include "modules/openclaw-node/connection.h"
#include "supervisor/ctl/doctor_view.h"
#include "tests/fuzz/fuzz.h"

/* Its name is another one's in the supervisor, which is linked, too. */
#define user_find init_user_find
/* NOLINTNEXTLINE(bugprone-suspicious-include) */
#include "init/user.c"

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
	"proc/self/mountinfo",
	"etc/passwd",
	"etc/group",
	"proc/net/tcp",
};

/* What is read by an absolute path comes from below the root, too. */
int __wrap_open(const char *path, int flags, ...);
int __real_open(const char *path, int flags, ...);

static bool below_root;

int __wrap_open(const char *path, int flags, ...)
{
	char instead[128];
	va_list args;
	mode_t mode;

	va_start(args, flags);
	mode = flags & O_CREAT ? va_arg(args, mode_t) : 0;
	va_end(args);
	if (below_root &&
	    snprintf(instead, sizeof(instead), "%s%s", fuzz_dir(), path) < (int)sizeof(instead))
		path = instead;
	return __real_open(path, flags, mode);
}

static void absolute(void)
{
	static const char *const names[] = {"root", "coder", NULL};
	struct user user = {0};

	below_root = true;
	mount_at("/home", false);
	mount_at("/home", true);
	mount_is_shared("/");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (init_user_find(names[i], 0, &user) == 0)
			FUZZ_MUST(*user.home && *user.shell && user.n_groups > 0 &&
				  user.n_groups <= USER_GROUPS_MAX);
	below_root = false;
}

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
	char proc[96];

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
	absolute();
	snprintf(proc, sizeof(proc), "%s/proc", root);
	openclaw_connection_has(proc, 1, 18789);
}
