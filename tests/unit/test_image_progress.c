/* What the events of a fetch add up to, and the lines for a terminal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/cleanup.h"
#include "image/progress.h"

#define MIB UINT64_C(1048576)
#define NOW INT64_C(5000)

static const struct progress_look plain = {.columns = 80, .rows = 24};

struct drawn {
	size_t n;
	char lines[PROGRESS_LINES][PROGRESS_LINE_MAX];
};

static struct drawn draw(const struct progress *p, struct progress_look look, int64_t now)
{
	struct drawn drawn = {0};

	drawn.n = progress_lines(p, &look, now, drawn.lines);
	return drawn;
}

/* `digit` names the layer. */
static void take(struct progress *p, int64_t now, char digit, struct fetch_event event)
{
	char digest[80] = "sha256:";

	memset(digest + 7, digit, 64);
	event.digest = digest;
	progress_take(p, &event, now);
}

static void bytes(struct progress *p, int64_t now, char digit, uint64_t done, uint64_t all)
{
	take(p, now, digit,
	     (struct fetch_event){.kind = FETCH_BYTES,
				  .done = done * MIB,
				  .size = 10 * MIB,
				  .all_done = all * MIB,
				  .total = 40 * MIB});
}

static unsigned columns_of(const char *line)
{
	unsigned n = 0;

	for (const char *c = line; *c; c++) {
		if (*c == '\033') {
			c += strcspn(c, "m");
			continue;
		}
		n += ((unsigned char)*c & 0xc0) != 0x80;
	}
	return n;
}

static void a_layer_and_the_total_have_their_lines(void **state)
{
	struct progress p = {0};
	struct drawn d;

	bytes(&p, NOW, 'a', 0, 10);
	bytes(&p, NOW + 2000, 'a', 5, 15);
	d = draw(&p, plain, NOW + 2000);
	assert_int_equal(d.n, 2);
	assert_string_equal(d.lines[0],
			    "aaaaaaaaaaaa =================.................. 5.0 of 10.0 MiB");
	/* What was there before is no part of the rate. */
	assert_string_equal(d.lines[1], "total   37 % 15.0 of 40.0 MiB, 2.5 MiB/s, 10 s left");
}

static void what_is_not_known_is_left_out(void **state)
{
	struct progress p = {0};
	char text[160];

	progress_sum(&p, NOW, text, sizeof(text));
	assert_string_equal(text, "0.0 of 0.0 MiB");
	bytes(&p, NOW, 'a', 1, 10);
	progress_sum(&p, NOW, text, sizeof(text));
	assert_string_equal(text, "10.0 of 40.0 MiB");
	/* A layer that began anew. */
	bytes(&p, NOW + 1000, 'a', 0, 9);
	progress_sum(&p, NOW + 1000, text, sizeof(text));
	assert_string_equal(text, "9.0 of 40.0 MiB");
	assert_true(progress_rate(&p, NOW + 1000) == 0);
	/* Nothing is left to wait for. */
	bytes(&p, NOW + 2000, 'a', 10, 40);
	progress_sum(&p, NOW + 2000, text, sizeof(text));
	assert_string_equal(text, "40.0 of 40.0 MiB");
}

static void long_times_are_said_in_minutes_and_hours(void **state)
{
	static const struct {
		int64_t ms;
		const char *left;
	} rows[] = {
		{59000, " 59 s left"},          {60000, " 1 min 00 s left"},
		{3599000, " 59 min 59 s left"}, {3600000, " 1 h 00 min left"},
		{7320000, " 2 h 02 min left"},  {INT64_C(1) << 50, " 2500 h 00 min left"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct progress p = {0};
		char text[160];

		/* Half is there: the other half takes as long. */
		bytes(&p, 0, 'a', 0, 0);
		bytes(&p, rows[i].ms, 'a', 10, 20);
		progress_sum(&p, rows[i].ms, text, sizeof(text));
		assert_string_equal(strrchr(text, ',') + 1, rows[i].left);
	}
}

static void each_state_has_its_word(void **state)
{
	static const struct {
		struct fetch_event event;
		const char *text;
	} rows[] = {
		{{.kind = FETCH_BLOB, .done = MIB}, " 1.0 of 4.0 MiB"},
		{{.kind = FETCH_READ_BACK, .source = FETCH_FROM_LOCAL, .done = MIB},
		 " copying 1.0 of 4.0 MiB"},
		{{.kind = FETCH_READ_BACK, .source = FETCH_FROM_PARTIAL, .done = MIB},
		 " verifying 1.0 of 4.0 MiB"},
		{{.kind = FETCH_READ_BACK, .source = FETCH_FROM_PARTIAL, .done = 4 * MIB},
		 " verifying 4.0 MiB"},
		{{.kind = FETCH_BLOB_DONE, .done = 4 * MIB}, " done 4.0 MiB"},
		{{.kind = FETCH_BLOB_DONE, .source = FETCH_FROM_PARTIAL, .done = 4 * MIB},
		 " done 4.0 MiB"},
		{{.kind = FETCH_BLOB_DONE, .source = FETCH_FROM_LOCAL, .done = 4 * MIB},
		 " copied 4.0 MiB"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct progress p = {0};
		struct fetch_event event = rows[i].event;
		struct drawn d;
		size_t len;

		event.size = 4 * MIB;
		take(&p, NOW, 'a', event);
		d = draw(&p, plain, NOW);
		assert_int_equal(d.n, 2);
		len = strlen(rows[i].text);
		assert_true(strlen(d.lines[0]) > len);
		assert_string_equal(d.lines[0] + strlen(d.lines[0]) - len, rows[i].text);
	}
}

static void only_another_state_is_a_change(void **state)
{
	struct progress p = {0};
	struct fetch_event event = {.kind = FETCH_BLOB, .digest = "sha256:00", .size = 3};

	assert_true(progress_take(&p, &event, NOW));
	event.kind = FETCH_BYTES;
	event.done = 1;
	assert_false(progress_take(&p, &event, NOW));
	event.kind = FETCH_BLOB_DONE;
	event.done = 3;
	assert_true(progress_take(&p, &event, NOW));
	event.kind = FETCH_READ_BACK;
	assert_true(progress_take(&p, &event, NOW));
	assert_false(progress_take(&p, &event, NOW));
	assert_int_equal(p.n, 1);
}

static void other_events_change_nothing(void **state)
{
	static const enum fetch_event_kind kinds[] = {FETCH_RESOLVED, FETCH_RETRY, FETCH_WAITING,
						      FETCH_WARNING, FETCH_SYNCING};
	struct progress p = {0}, none = {0};

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		const struct fetch_event event = {.kind = kinds[i], .total = 7};

		assert_false(progress_take(&p, &event, NOW));
	}
	assert_memory_equal(&p, &none, sizeof(p));
}

static void the_newest_in_flight_are_shown_and_the_newest_is_last(void **state)
{
	struct progress p = {0};
	struct drawn d;

	for (int c = '0'; c < '9'; c++)
		bytes(&p, NOW, (char)c, 1, 1);
	take(&p, NOW, '9', (struct fetch_event){.kind = FETCH_BLOB_DONE, .total = MIB});
	d = draw(&p, plain, NOW);
	assert_int_equal(d.n, PROGRESS_LINES);
	for (size_t i = 0; i + 1 < d.n; i++)
		assert_int_equal(d.lines[i][0], '4' + (char)i);
	assert_memory_equal(d.lines[d.n - 1], "total", 5);
}

static void what_has_ended_is_shown_for_a_while(void **state)
{
	struct progress p = {0};

	take(&p, NOW, 'a', (struct fetch_event){.kind = FETCH_BLOB_DONE});
	bytes(&p, NOW, 'b', 1, 1);
	assert_int_equal(draw(&p, plain, NOW + 1999).n, 3);
	assert_int_equal(draw(&p, plain, NOW + 2000).n, 2);
	bytes(&p, NOW + 2000, 'b', 2, 2);
	assert_int_equal(p.n, 1);
}

static void a_copy_that_came_to_nothing_does_not_stay(void **state)
{
	struct progress p = {0};
	const struct fetch_event copy = {.kind = FETCH_READ_BACK, .source = FETCH_FROM_LOCAL};

	take(&p, NOW, 'a', copy);
	take(&p, NOW, 'b', copy);
	assert_int_equal(p.n, 1);
	assert_int_equal(p.layers[0].name[0], 'b');
	bytes(&p, NOW, 'c', 1, 1);
	assert_int_equal(p.n, 1);
	assert_int_equal(p.layers[0].name[0], 'c');
}

static void more_layers_than_there_is_room_for_are_forgotten(void **state)
{
	struct progress p = {0};

	for (int i = 0; i < 3 * PROGRESS_LAYERS; i++)
		bytes(&p, NOW, (char)('!' + i % 90), 1, 1);
	assert_int_equal(p.n, PROGRESS_LAYERS);
}

static void no_line_is_as_wide_as_the_terminal(void **state)
{
	struct progress p = {0};

	bytes(&p, 0, 'a', 0, 0);
	for (uint64_t i = 0; i < 3; i++)
		take(&p, 9000, (char)('b' + (char)i),
		     (struct fetch_event){.kind = i ? FETCH_BYTES : FETCH_READ_BACK,
					  .done = UINT64_MAX >> (i * 20),
					  .size = UINT64_MAX,
					  .all_done = UINT64_MAX / 2,
					  .total = UINT64_MAX});
	for (unsigned columns = 0; columns < 300; columns++)
		for (unsigned rows = 0; rows < 9; rows++)
			for (int kind = 0; kind < 4; kind++) {
				struct drawn d = draw(&p,
						      (struct progress_look){.columns = columns,
									     .rows = rows,
									     .utf8 = kind & 1,
									     .colour = kind & 2},
						      10000);

				assert_in_range(d.n, 1, rows > 1 ? rows - 1 : 1);
				for (size_t i = 0; i < d.n; i++)
					assert_in_range(columns_of(d.lines[i]), 1,
							columns > 1 ? columns - 1 : 1);
			}
}

static void utf8_and_colours_are_only_where_they_may_be(void **state)
{
	struct progress p = {0};
	struct progress_look look = plain;
	struct drawn d;

	bytes(&p, NOW, 'a', 5, 5);
	d = draw(&p, look, NOW);
	for (const char *c = d.lines[0]; *c; c++)
		assert_in_range(*c, ' ', '~');
	look.utf8 = true;
	d = draw(&p, look, NOW);
	assert_non_null(strstr(d.lines[0], "\u2588\u2591"));
	assert_null(strchr(d.lines[0], '\033'));
	look.colour = true;
	d = draw(&p, look, NOW);
	assert_non_null(strstr(d.lines[0], "\u2588\033[0m\u2591"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_layer_and_the_total_have_their_lines),
		cmocka_unit_test(what_is_not_known_is_left_out),
		cmocka_unit_test(long_times_are_said_in_minutes_and_hours),
		cmocka_unit_test(each_state_has_its_word),
		cmocka_unit_test(only_another_state_is_a_change),
		cmocka_unit_test(other_events_change_nothing),
		cmocka_unit_test(the_newest_in_flight_are_shown_and_the_newest_is_last),
		cmocka_unit_test(what_has_ended_is_shown_for_a_while),
		cmocka_unit_test(a_copy_that_came_to_nothing_does_not_stay),
		cmocka_unit_test(more_layers_than_there_is_room_for_are_forgotten),
		cmocka_unit_test(no_line_is_as_wide_as_the_terminal),
		cmocka_unit_test(utf8_and_colours_are_only_where_they_may_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
