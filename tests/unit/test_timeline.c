#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "supervisor/ctl/boot_svg.h"
#include "supervisor/ctl/timeline.h"

static struct timeline timeline;
static json_t *packets;

static void read_packets(const char *text)
{
	timeline_free(&timeline);
	json_decref(packets);
	packets = json_loads(text, 0, NULL);
	assert_non_null(packets);
	assert_int_equal(timeline_read(packets, &timeline), 0);
}

static const struct timeline_row *row(const char *name)
{
	for (size_t i = 0; i < timeline.n; i++)
		if (strcmp(timeline.v[i].name, name) == 0)
			return &timeline.v[i];
	fail_msg("%s is not there", name);
	return NULL;
}

#define UNIT(name, queued, started, exec, ready, more)                                       \
	"{\"type\":\"unit\",\"name\":\"" name "\",\"active\":\"active\",\"since_us\":" ready \
	",\"queued_us\":" queued ",\"started_us\":" started ",\"exec_us\":" exec             \
	",\"ready_us\":" ready more "}"

static void the_chain_goes_back_over_those_that_were_waited_for(void **state)
{
	read_packets("[{\"type\":\"manager\",\"setup_us\":5}," UNIT(
		"a", "10", "10", "20", "100",
		"") "," UNIT("b", "10", "10", "10", "50",
			     "") "," UNIT("c", "10", "100", "110", "300",
					  ",\"after\":[\"a\",\"b\",\"gone\"]") "," UNIT("d", "10",
											"10", "10",
											"200",
											"") "]");
	assert_int_equal(timeline.n, 4);
	assert_int_equal(timeline.setup, 5);
	assert_int_equal(timeline.end, 300);
	assert_true(row("a")->chain && row("c")->chain);
	assert_false(row("b")->chain || row("d")->chain);
}

static void who_never_started_is_left_out_and_times_never_go_back(void **state)
{
	read_packets("[" UNIT("never", "10", "null", "null", "null",
			      "") "," UNIT("odd", "90", "50", "20", "10", "") "]");
	assert_int_equal(timeline.n, 1);
	assert_int_equal(row("odd")->queued, 50);
	assert_int_equal(row("odd")->exec, 50);
	assert_int_equal(row("odd")->finished, 50);
}

static void a_circle_of_orders_ends(void **state)
{
	read_packets("[" UNIT("a", "1", "1", "1", "1", ",\"after\":[\"b\"]") "," UNIT(
		"b", "1", "1", "1", "1", ",\"after\":[\"a\"]") "]");
	assert_true(row("a")->chain && row("b")->chain);
}

static void a_later_restart_does_not_stretch_the_boot(void **state)
{
	read_packets("[" UNIT("a", "1", "1", "2", "9", "") "," UNIT(
		"b", "1", "90000", "90001", "90009", ",\"restarts\":3") "]");
	assert_int_equal(timeline.end, 9);
	assert_true(row("b")->restarted);
}

static void what_came_after_the_boot_is_no_part_of_it(void **state)
{
	read_packets("[{\"type\":\"manager\",\"setup_us\":1,\"settled_us\":10}," UNIT(
		"a", "1", "1", "2", "9",
		"") "," UNIT("by_hand", "5000", "5000", "5001", "5009",
			     "") ","
				 "{\"type\":\"unit\",\"name\":\"later\",\"active\":\"failed\","
				 "\"since_us\":7000,"
				 "\"queued_us\":1,\"started_us\":1,\"exec_us\":2,\"ready_us\":8},"
				 "{\"type\":\"unit\",\"name\":\"soon\",\"active\":\"failed\","
				 "\"since_us\":9,"
				 "\"queued_us\":1,\"started_us\":1,\"exec_us\":2,\"ready_us\":8}]");
	assert_int_equal(timeline.end, 9);
	assert_true(row("by_hand")->restarted && row("a")->chain);
	assert_false(row("later")->failed);
	assert_true(row("soon")->failed);
}

static void nothing_is_a_boot_too(void **state)
{
	read_packets("[]");
	assert_int_equal(timeline.n, 0);
	assert_int_equal(timeline.end, 1);
}

static void a_scale_has_round_steps(void **state)
{
	assert_int_equal(timeline_step(1, 10), 1);
	assert_int_equal(timeline_step(1020000, 10), 100000);
	assert_int_equal(timeline_step(1500000, 10), 200000);
	assert_int_equal(timeline_step(40000000, 10), 5000000);
}

static void a_name_cannot_break_the_picture(void **state)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	read_packets("[" UNIT("a<b>&\\\"\\u0001", "1", "1", "2", "9", "") "]");
	boot_svg_put(out, &timeline);
	fclose(out);
	assert_non_null(strstr(text, "a&lt;b&gt;&amp;&quot;?"));
	assert_null(strstr(text, "a<b"));
	free(text);
}

static int free_all(void **state)
{
	timeline_free(&timeline);
	json_decref(packets);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_chain_goes_back_over_those_that_were_waited_for),
		cmocka_unit_test(who_never_started_is_left_out_and_times_never_go_back),
		cmocka_unit_test(a_circle_of_orders_ends),
		cmocka_unit_test(a_later_restart_does_not_stretch_the_boot),
		cmocka_unit_test(what_came_after_the_boot_is_no_part_of_it),
		cmocka_unit_test(nothing_is_a_boot_too),
		cmocka_unit_test(a_scale_has_round_steps),
		cmocka_unit_test(a_name_cannot_break_the_picture),
	};

	return cmocka_run_group_tests_name("timeline", tests, NULL, free_all);
}
