/* The quirks' words: the switch, the JSON, and rows that only read, on trees that the test makes.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>
#include <jansson.h>

#include "init/quirk_file.h"
#include "init/quirk_json.h"
#include "init/quirk_rows.h"

static char root[64];

static void put(const char *path, const char *text)
{
	char full[256];

	for (const char *at = path + 1; (at = strchr(at, '/')); at++) {
		snprintf(full, sizeof(full), "%s%.*s", root, (int)(at - path), path);
		mkdir(full, 0755);
	}
	assert_int_equal(file_replace(root, path, text, strlen(text), 0644), 0);
}

static int make_root(void **state)
{
	snprintf(root, sizeof(root), "/tmp/test-quirk-XXXXXX");
	return mkdtemp(root) ? 0 : -1;
}

static int remove_root(void **state)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf '%s'", root);
	return system(command);
}

static struct quirk_world world(void)
{
	return (struct quirk_world){.root = root, .place = PLACE_LXC, .facts.memory_max = -1};
}

static enum quirk_outcome ask(quirk_fn *row, struct quirk_world *w, struct quirk_result *r)
{
	*r = (struct quirk_result){.error = 0};
	return row(w, r);
}

static void rows_are_switched_off_by_name(void **state)
{
	assert_true(quirk_is_off("-fuse", "fuse"));
	assert_true(quirk_is_off(" -run, -fuse\n", "fuse"));
	assert_false(quirk_is_off("fuse", "fuse"));
	assert_false(quirk_is_off("-fuses", "fuse"));
	assert_false(quirk_is_off("-fus", "fuse"));
	assert_false(quirk_is_off("", "fuse"));
	assert_false(quirk_is_off(NULL, "fuse"));
}

static void every_row_is_whole(void **state)
{
	for (unsigned i = 0; i < QUIRK_IDS; i++) {
		assert_non_null(quirk_table[i].name);
		assert_non_null(quirk_table[i].apply);
		assert_true(quirk_table[i].deadline_ms > 0);
		/* Only of what is over by then is it known. */
		assert_int_equal(quirk_table[i].hangs_with & ~quirk_table[i].needs, 0);
		for (unsigned k = 0; k < QUIRK_IDS; k++) {
			assert_true(k == i ||
				    strcmp(quirk_table[i].name, quirk_table[k].name) != 0);
			/* Nobody waits for what begins later. */
			if (quirk_table[i].needs & 1u << k) {
				assert_true(k < i);
				assert_true(quirk_table[k].when <= quirk_table[i].when);
			}
		}
	}
}

static const char *advice_of(const char *name)
{
	for (unsigned i = 0; i < QUIRK_IDS; i++)
		if (strcmp(quirk_table[i].name, name) == 0)
			return quirk_table[i].advice;
	fail_msg("there is no row %s", name);
	return NULL;
}

static void
what_is_the_containers_own_is_set_in_its_configuration_and_before_any_snapshot(void **state)
{
	static const struct {
		const char *row, *file, *sysctl;
	} own[] = {
		{"ping", "hakim-ping.conf", "net.ipv4.ping_group_range = 0 65535"},
		{"low-ports", "hakim-low-ports.conf", "net.ipv4.ip_unprivileged_port_start = 0"},
		{"ipv6", "hakim-ipv6.conf", "net.ipv6.conf.all.disable_ipv6 = 0"},
	};

	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
		char want[256];

		snprintf(
			want, sizeof(want),
			"echo 'lxc.sysctl.%s' >/etc/pve/%s && sed -i '1i lxc.include: /etc/pve/%s' "
			"/etc/pve/lxc/<ctid>.conf",
			own[i].sysctl, own[i].file, own[i].file);
		assert_memory_equal(advice_of(own[i].row), want, strlen(want));
	}
	assert_non_null(strstr(advice_of("ping"),
			       "  # or in the container: setcap cap_net_raw+ep /usr/bin/ping"));
	assert_string_equal(advice_of("nofile"),
			    "sed -i '1i lxc.prlimit.nofile: 524288' /etc/pve/lxc/<ctid>.conf");
	/* The host's own are other ones, and the end of the file may be a snapshot's. */
	for (unsigned i = 0; i < QUIRK_IDS; i++) {
		const char *advice = quirk_table[i].advice;

		if (!advice)
			continue;
		assert_null(strstr(advice, ">>/etc/pve/lxc"));
		assert_null(strstr(advice, "/etc/sysctl.d/"));
		assert_int_not_equal(strncmp(advice, "sysctl ", 7), 0);
		/* hakimctl doctor cuts no line, and has room for so much (doctor_view.h). */
		assert_true(strlen(advice) + 2 * 12 < 320);
	}
}

static void the_sheet_is_json_whatever_is_in_it(void **state)
{
	struct quirk_sheet *sheet = calloc(1, sizeof(*sheet));
	json_error_t error;
	json_t *got;
	size_t len;

	sheet->world = world();
	sheet->world.facts.kind = "lxc";
	for (unsigned i = 0; i < QUIRK_IDS; i++) {
		struct quirk_entry *e = &sheet->entries[i];

		e->state = ENTRY_DONE;
		e->outcome = i ? QUIRK_NEEDS_HOST : QUIRK_FAILED;
		/* The worst: every character is escaped, and every text is full. */
		memset(e->result.text, '"', sizeof(e->result.text) - 1);
		memset(e->result.advice, '\\', sizeof(e->result.advice) - 1);
	}
	strcpy(sheet->entries[1].result.text, "a\n\xff\"b");
	len = quirk_json(sheet);
	assert_int_equal(len, strlen(sheet->json));
	got = json_loads(sheet->json, 0, &error);
	if (!got)
		fail_msg("%s at %d: %.60s", error.text, error.position,
			 sheet->json + (error.position > 30 ? error.position - 30 : 0));
	assert_int_equal(json_array_size(json_object_get(got, "quirks")), QUIRK_IDS);
	assert_string_equal(json_string_value(json_object_get(
				    json_array_get(json_object_get(got, "quirks"), 1), "text")),
			    "a??\"b");
	assert_true(json_is_null(
		json_object_get(json_array_get(json_object_get(got, "quirks"), 0), "advice")));
	assert_true(json_is_null(json_object_get(json_object_get(got, "place"), "memory_max")));
	json_decref(got);
	free(sheet);
}

static void lxcfs_is_missed_where_the_machines_memory_is_shown(void **state)
{
	struct quirk_world w = world();
	struct quirk_result r;

	put("/proc/meminfo", "MemTotal:       16384000 kB\nMemFree: 1 kB\n");
	assert_int_equal(ask(quirk_lxcfs, &w, &r), QUIRK_FINE);
	w.facts.memory_max = 1 << 30;
	assert_int_equal(ask(quirk_lxcfs, &w, &r), QUIRK_NEEDS_HOST);
	assert_non_null(strstr(r.text, "16000 MiB"));
	assert_non_null(strstr(r.text, "1024 MiB"));
	put("/proc/meminfo", "MemTotal:       1048576 kB\n");
	assert_int_equal(ask(quirk_lxcfs, &w, &r), QUIRK_FINE);
}

static void memory_high_is_counted(void **state)
{
	struct quirk_world w = world();
	struct quirk_result r;

	assert_int_equal(ask(quirk_memory_high, &w, &r), QUIRK_FINE);
	put("/sys/fs/cgroup/memory.events", "low 3\nhigh 0\nmax 9\n");
	assert_int_equal(ask(quirk_memory_high, &w, &r), QUIRK_FINE);
	put("/sys/fs/cgroup/memory.events", "low 0\nhigh 12\nmax 0\n");
	assert_int_equal(ask(quirk_memory_high, &w, &r), QUIRK_NEEDS_HOST);
	assert_non_null(strstr(r.text, " 12 times"));
}

static void inotify_limits_are_compared_with_what_editors_need(void **state)
{
	struct quirk_world w = world();
	struct quirk_result r;

	put("/proc/sys/fs/inotify/max_user_watches", "524288\n");
	put("/proc/sys/fs/inotify/max_user_instances", "128\n");
	assert_int_equal(ask(quirk_inotify, &w, &r), QUIRK_FINE);
	put("/proc/sys/user/max_inotify_watches", "8192\n");
	assert_int_equal(ask(quirk_inotify, &w, &r), QUIRK_NEEDS_HOST);
	assert_non_null(strstr(r.advice, "fs.inotify.max_user_watches="));
}

static void routes_and_addresses_are_read_from_the_kernels_tables(void **state)
{
	static const char head[] = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\n";
	struct quirk_world w = world();
	struct quirk_result r;
	char text[512];

	assert_int_equal(ask(quirk_route, &w, &r), QUIRK_NEEDS_HOST);
	snprintf(text, sizeof(text), "%seth0\t0000000A\t00000000\t0001\t0\t0\n", head);
	put("/proc/net/route", text);
	assert_int_equal(ask(quirk_route, &w, &r), QUIRK_NEEDS_HOST);
	snprintf(text, sizeof(text), "%seth0\t00000000\t0100000A\t0003\t0\t0\n", head);
	put("/proc/net/route", text);
	assert_int_equal(ask(quirk_route, &w, &r), QUIRK_FINE);
	put("/proc/net/route", head);
	put("/proc/net/ipv6_route",
	    "00000000000000000000000000000000 00 00000000000000000000000000000000 00 "
	    "00000000000000000000000000000000 ffffffff 00000001 00000000 00200200       lo\n");
	assert_int_equal(ask(quirk_route, &w, &r), QUIRK_NEEDS_HOST);
	put("/proc/net/ipv6_route",
	    "00000000000000000000000000000000 00 00000000000000000000000000000000 00 "
	    "fe800000000000000000000000000001 00000400 00000001 00000000 00000003     eth0\n");
	assert_int_equal(ask(quirk_route, &w, &r), QUIRK_FINE);
}

static void ipv6_is_told_by_switch_and_address(void **state)
{
	struct quirk_world w = world();
	struct quirk_result r;

	put("/proc/sys/net/ipv6/conf/all/disable_ipv6", "1\n");
	assert_int_equal(ask(quirk_ipv6, &w, &r), QUIRK_NEEDS_HOST);
	put("/proc/sys/net/ipv6/conf/all/disable_ipv6", "0\n");
	put("/proc/net/if_inet6", "00000000000000000000000000000001 01 80 10 80       lo\n"
				  "fe800000000000000000000000000001 02 40 20 80     eth0\n");
	assert_int_equal(ask(quirk_ipv6, &w, &r), QUIRK_FINE);
	assert_non_null(strstr(r.text, "no IPv6 address"));
	put("/proc/net/if_inet6", "fd000000000000000000000000000001 02 40 00 80     eth0\n");
	assert_int_equal(ask(quirk_ipv6, &w, &r), QUIRK_FINE);
	assert_null(strstr(r.text, "no IPv6 address"));
}

static void resolv_conf_is_only_looked_at(void **state)
{
	struct quirk_world w = world();
	struct quirk_result r;
	char link[128];

	assert_int_equal(ask(quirk_resolv_conf, &w, &r), QUIRK_NEEDS_HOST);
	put("/etc/resolv.conf", "# nothing\nsearch example.org\n");
	assert_int_equal(ask(quirk_resolv_conf, &w, &r), QUIRK_NEEDS_HOST);
	put("/etc/resolv.conf", "search example.org\nnameserver 10.0.0.1\n");
	assert_int_equal(ask(quirk_resolv_conf, &w, &r), QUIRK_FINE);
	snprintf(link, sizeof(link), "%s/etc/resolv.conf", root);
	unlink(link);
	assert_int_equal(symlink("/run/nowhere/stub.conf", link), 0);
	assert_int_equal(ask(quirk_resolv_conf, &w, &r), QUIRK_NEEDS_HOST);
	assert_non_null(strstr(r.text, "/run/nowhere/stub.conf"));
	assert_int_equal(unlink(link), 0);
}

static void everybody_may_ping_up_to_the_highest_group_that_is_mapped(void **state)
{
	struct quirk_world w = world();
	struct quirk_result r;
	char got[64];

	put("/proc/sys/net/ipv4/ping_group_range", "1\t0\n");
	put("/proc/self/gid_map", "0 100000 1000\n1000 1000 1\n1001 101001 64535\n");
	assert_int_equal(ask(quirk_ping, &w, &r), QUIRK_REMEDIED);
	file_read(root, "/proc/sys/net/ipv4/ping_group_range", got, sizeof(got));
	assert_memory_equal(got, "0 65535", 7);
	/* A hole at the end: 65535 is no group there, and EINVAL. */
	put("/proc/sys/net/ipv4/ping_group_range", "1\t0\n");
	put("/proc/self/gid_map", "0 100000 1000\n70000 1000 100\n");
	assert_int_equal(ask(quirk_ping, &w, &r), QUIRK_REMEDIED);
	file_read(root, "/proc/sys/net/ipv4/ping_group_range", got, sizeof(got));
	assert_memory_equal(got, "0 999", 5);
}

static void places_are_told_apart(void **state)
{
	struct place_facts facts;

	put("/proc/self/uid_map", "         0     100000      65536\n");
	put("/sys/fs/cgroup/cgroup.controllers", "cpu memory pids\n");
	put("/sys/fs/cgroup/memory.max", "max\n");
	place_facts_read(PLACE_LXC, root, &facts);
	assert_string_equal(facts.kind, "lxc");
	assert_true(facts.user_namespace);
	assert_int_equal(facts.outer_uid, 100000);
	assert_int_equal(facts.ids, 65536);
	assert_int_equal(facts.cgroup, 2);
	assert_string_equal(facts.cgroup_controllers, "cpu memory pids");
	assert_int_equal(facts.memory_max, -1);
	put("/sys/fs/cgroup/memory.max", "1073741824\n");
	put("/dev/incus/sock", "");
	place_facts_read(PLACE_LXC, root, &facts);
	assert_string_equal(facts.kind, "incus");
	assert_int_equal(facts.memory_max, 1 << 30);
	put("/etc/hosts", "127.0.0.1 localhost\n# --- BEGIN PVE ---\n");
	place_facts_read(PLACE_LXC, root, &facts);
	assert_string_equal(facts.kind, "proxmox");
	put("/proc/self/uid_map", "         0          0 4294967295\n");
	place_facts_read(PLACE_UNKNOWN, root, &facts);
	assert_string_equal(facts.kind, "bare");
	assert_false(facts.user_namespace);
	/* As idmap lines for one shared directory make it. */
	put("/proc/self/uid_map", "0 100000 1000\n1000 1000 1\n1001 101001 64535\n");
	place_facts_read(PLACE_LXC, root, &facts);
	assert_int_equal(facts.outer_uid, 100000);
	assert_int_equal(facts.ids, 65536);
	assert_true(facts.user_namespace);
	assert_int_equal(place_detect("lxc", true), PLACE_LXC);
	assert_int_equal(place_detect("systemd-nspawn", false), PLACE_NSPAWN);
	assert_int_equal(place_detect("podman", true), PLACE_KUBERNETES);
	assert_int_equal(place_detect("podman", false), PLACE_PODMAN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_switched_off_by_name),
		cmocka_unit_test(every_row_is_whole),
		cmocka_unit_test(
			what_is_the_containers_own_is_set_in_its_configuration_and_before_any_snapshot),
		cmocka_unit_test(the_sheet_is_json_whatever_is_in_it),
#define WITH_ROOT(test) cmocka_unit_test_setup_teardown(test, make_root, remove_root)
		WITH_ROOT(lxcfs_is_missed_where_the_machines_memory_is_shown),
		WITH_ROOT(memory_high_is_counted),
		WITH_ROOT(inotify_limits_are_compared_with_what_editors_need),
		WITH_ROOT(routes_and_addresses_are_read_from_the_kernels_tables),
		WITH_ROOT(ipv6_is_told_by_switch_and_address),
		WITH_ROOT(resolv_conf_is_only_looked_at),
		WITH_ROOT(everybody_may_ping_up_to_the_highest_group_that_is_mapped),
		WITH_ROOT(places_are_told_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
