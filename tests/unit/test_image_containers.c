/* What a container's configuration says of its template and its home. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/cleanup.h"
#include "image/containers.h"

static void the_source_is_what_is_before_the_first_comma(void **state)
{
	static const struct {
		const char *config, *want;
	} rows[] = {
		{"mp0: local-lvm:subvol-300-disk-1,mp=/home/coder,backup=1,size=30G\n",
		 "local-lvm:subvol-300-disk-1"},
		{"arch: amd64\nmp1: /mnt/pve/data/coder-homes/ws-raptors,mp=/home/coder,backup=1\n",
		 "/mnt/pve/data/coder-homes/ws-raptors"},
		{"mp0: a:b,mp=/data\nmp12: c:d,backup=0,mp=/home/coder/\n", "c:d"},
		{"mp0: mp=/home/coder,volume=x:y\n", "x:y"},
		{"mp0: /a=b/c,mp=/home/coder\n", "/a=b/c"},
		{"mp0: a:b,mp=/home/coder2\n", NULL},
		{"mp0: a:b,mp=/home/code\n", NULL},
		{"#mp0: a:b,mp=/home/coder\n", NULL},
		{"rootfs: a:b,mp=/home/coder\n", NULL},
		{"mp: a:b,mp=/home/coder\n", NULL},
		{"[snap]\nmp0: a:b,mp=/home/coder\n", NULL},
		{"", NULL},
		{"mp0:", NULL},
		{"mp0: ,mp=/home/coder", NULL},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		_cleanup_free_ char *source = container_mount(rows[i].config, "/home/coder");

		if (!rows[i].want && source)
			fail_msg("%s gave %s", rows[i].config, source);
		if (rows[i].want) {
			assert_non_null(source);
			assert_string_equal(source, rows[i].want);
		}
	}
}

static void tags_of_templates_are_found_in_snapshots_too(void **state)
{
	_cleanup_(strv_free) struct strv tags = {0};

	assert_int_equal(container_tags("tags: coder;hakim;template-latest;js\nx: template-no\n"
					"[snap]\ntags: template-v2026.02.14, template-\n",
					&tags),
			 0);
	assert_int_equal(tags.n, 2);
	assert_string_equal(tags.v[0], "latest");
	assert_string_equal(tags.v[1], "v2026.02.14");
}

static void proxmox_keeps_tags_in_lower_case(void **state)
{
	assert_true(container_tag_is("v1-rc", "V1-RC"));
	assert_false(container_tag_is("v1", "v1-rc"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_source_is_what_is_before_the_first_comma),
		cmocka_unit_test(tags_of_templates_are_found_in_snapshots_too),
		cmocka_unit_test(proxmox_keeps_tags_in_lower_case),
	};

	return cmocka_run_group_tests_name("image_containers", tests, NULL, NULL);
}
