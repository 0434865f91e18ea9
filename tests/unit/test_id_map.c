/* The maps of a user namespace: all lines, whole numbers, holes. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "common/id_map.h"

static int read_text(const char *text, struct id_map *map)
{
	char path[] = "/tmp/test-id-map-XXXXXX";
	int fd = mkstemp(path);
	int r;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	r = id_map_read(path, map);
	unlink(path);
	return r;
}

static uint32_t outside(const struct id_map *map, uint32_t id)
{
	uint32_t found;

	return id_map_outside(map, id, &found) ? found : 0;
}

static uint32_t highest(const struct id_map *map, uint32_t limit)
{
	uint32_t found;

	return id_map_highest(map, limit, &found) ? found : UINT32_MAX;
}

static void every_line_is_read_and_a_hole_is_no_number(void **state)
{
	struct id_map map;

	/* As idmap lines for one shared directory make it. */
	assert_int_equal(read_text("         0     100000       1000\n"
				   "      1000       1000          1\n"
				   "      1001     101001      64535\n",
				   &map),
			 0);
	assert_int_equal(map.n, 3);
	assert_int_equal(outside(&map, 0), 100000);
	assert_int_equal(outside(&map, 999), 100999);
	assert_int_equal(outside(&map, 1000), 1000);
	assert_int_equal(outside(&map, 1001), 101001);
	assert_int_equal(outside(&map, 65535), 165535);
	assert_int_equal(outside(&map, 65536), 0);
	assert_int_equal(highest(&map, 65535), 65535);
	assert_int_equal(highest(&map, 70000), 65535);
	assert_int_equal(highest(&map, 1000), 1000);
	assert_false(id_map_is_whole(&map));
	assert_int_equal(read_text("5000 1 10\n0 200000 1000", &map), 0);
	assert_int_equal(outside(&map, 1000), 0);
	assert_int_equal(highest(&map, 65535), 5009);
	assert_int_equal(highest(&map, 4999), 999);
	assert_int_equal(highest(&map, 5003), 5003);
}

static void the_machines_own_is_whole(void **state)
{
	struct id_map map;

	assert_int_equal(read_text("         0          0 4294967295\n", &map), 0);
	assert_true(id_map_is_whole(&map));
	assert_int_equal(highest(&map, UINT32_MAX - 1), UINT32_MAX - 1);
	assert_int_equal(outside(&map, 65534), 65534);
}

static void as_many_lines_as_the_kernel_has_and_no_more(void **state)
{
	static char text[16384];
	struct id_map map;
	size_t len = 0;

	for (unsigned i = 0; i < ID_MAP_MAX; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%10u %10u %10u\n", i * 10,
					1000000 + i * 100, 10u);
	assert_int_equal(read_text(text, &map), 0);
	assert_int_equal(map.n, ID_MAP_MAX);
	assert_int_equal(outside(&map, 3399), 1000000 + 339 * 100 + 9);
	snprintf(text + len, sizeof(text) - len, "9000 9000 1\n");
	assert_int_equal(read_text(text, &map), -EINVAL);
	assert_int_equal(map.n, 0);
}

static void what_is_no_map_is_none(void **state)
{
	static const char *const bad[] = {"0 1\n", "0 1 2 3\n", "x\n", "0 1 4294967296\n",
					  "-1 0 1\n"};
	struct id_map map;
	uint32_t id;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(read_text(bad[i], &map), -EINVAL);
		assert_int_equal(map.n, 0);
	}
	/* Before anybody has written it. */
	assert_int_equal(read_text("", &map), 0);
	assert_false(id_map_outside(&map, 0, &id));
	assert_false(id_map_highest(&map, UINT32_MAX, &id));
	assert_int_equal(read_text("0 5 0\n", &map), 0);
	assert_false(id_map_highest(&map, UINT32_MAX, &id));
	assert_int_equal(id_map_read("/nowhere/uid_map", &map), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_line_is_read_and_a_hole_is_no_number),
		cmocka_unit_test(the_machines_own_is_whole),
		cmocka_unit_test(as_many_lines_as_the_kernel_has_and_no_more),
		cmocka_unit_test(what_is_no_map_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
