/* The order of units: edges, cycles, what is missing; and that it stays cheap. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "common/cleanup.h"
#include "supervisor/graph.h"

#define UNITS_MAX 2000

static struct unit *units, *list[UNITS_MAX];
static char names[UNITS_MAX][16];
static struct unit_set set;
static struct graph graph;

/* Units named u0000.service …: in order of name, as unit_set_load() leaves them. */
static void units_make(size_t n)
{
	units = calloc(n + 1, sizeof(*units));
	assert_non_null(units);
	set = (struct unit_set){.v = list, .n = n};
	for (size_t i = 0; i < n; i++) {
		snprintf(names[i], sizeof(names[i]), "u%04zu.service", i);
		units[i].name = names[i];
		list[i] = &units[i];
	}
}

static int units_free(void **state)
{
	for (size_t i = 0; i < set.n; i++) {
		strv_free(&units[i].after);
		strv_free(&units[i].before);
		strv_free(&units[i].wants);
		strv_free(&units[i].requires);
	}
	free(units);
	problems_free(&set.problems);
	graph_free(&graph);
	return 0;
}

static void add(struct strv *to, size_t i)
{
	assert_int_equal(strv_add(to, names[i]), 0);
}

static bool has(const size_t *v, size_t n, size_t value)
{
	for (size_t i = 0; i < n; i++)
		if (v[i] == value)
			return true;
	return false;
}

static bool is_after(size_t unit, size_t on)
{
	bool forward = has(graph.v[unit].after, graph.v[unit].n_after, on);

	/* Each edge stands at both of its ends. */
	assert_int_equal(forward, has(graph.v[on].before, graph.v[on].n_before, unit));
	return forward;
}

/* True when all units can be put in a row so that each comes after those that it must. */
static bool is_acyclic(void)
{
	static size_t waits[UNITS_MAX], ready[UNITS_MAX];
	size_t n = 0, done = 0;

	for (size_t i = 0; i < graph.n; i++) {
		waits[i] = graph.v[i].n_after;
		if (waits[i] == 0)
			ready[n++] = i;
	}
	for (; done < n; done++) {
		const struct graph_node *node = &graph.v[ready[done]];

		for (size_t i = 0; i < node->n_before; i++)
			if (--waits[node->before[i]] == 0)
				ready[n++] = node->before[i];
	}
	return done == graph.n;
}

static void no_units_are_a_graph(void **state)
{
	units_make(0);
	assert_int_equal(graph_build(&graph, &set, NULL), 0);
	assert_int_equal(graph.n, 0);
}

static void after_and_before_order_and_nothing_else(void **state)
{
	units_make(3);
	add(&units[0].after, 1);
	add(&units[0].before, 2);
	assert_int_equal(graph_build(&graph, &set, NULL), 0);
	assert_true(is_after(0, 1));
	assert_true(is_after(2, 0));
	assert_false(is_after(1, 0));
	assert_false(is_after(2, 1));
	assert_int_equal(graph.v[0].n_requires + graph.v[0].n_wants, 0);
	assert_int_equal(graph.cycles.n, 0);
}

static void the_same_order_said_twice_is_one_edge(void **state)
{
	units_make(2);
	add(&units[0].after, 1);
	add(&units[0].after, 1);
	add(&units[1].before, 0);
	assert_int_equal(graph_build(&graph, &set, NULL), 0);
	assert_int_equal(graph.v[0].n_after, 1);
	assert_int_equal(graph.v[1].n_before, 1);
}

static void wants_and_requires_do_not_order(void **state)
{
	units_make(3);
	add(&units[0].wants, 1);
	add(&units[0].requires, 2);
	add(&units[1].requires, 2);
	assert_int_equal(graph_build(&graph, &set, NULL), 0);
	assert_int_equal(graph.v[0].n_after, 0);
	assert_true(has(graph.v[0].wants, graph.v[0].n_wants, 1));
	assert_true(has(graph.v[0].requires, graph.v[0].n_requires, 2));
	assert_int_equal(graph.v[2].n_required_by, 2);
	assert_true(has(graph.v[2].required_by, 2, 0));
	assert_true(has(graph.v[2].required_by, 2, 1));
	assert_false(graph.requires_missing[0]);
}

static void names_are_found_without_their_suffix(void **state)
{
	units_make(2);
	assert_int_equal(strv_add(&units[0].after, "u0001"), 0);
	assert_int_equal(strv_add(&units[0].requires, "u0001"), 0);
	assert_int_equal(graph_build(&graph, &set, NULL), 0);
	assert_true(is_after(0, 1));
	assert_int_equal(graph.v[0].n_requires, 1);
}

static void built_in_targets_and_what_is_not_run_here_are_nothing(void **state)
{
	static const char *const others[] = {"network-online.target", "basic.target", "x.timer",
					     "tmp.mount", "user:default.target"};

	units_make(1);
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		assert_int_equal(strv_add(&units[0].after, others[i]), 0);
		assert_int_equal(strv_add(&units[0].before, others[i]), 0);
		assert_int_equal(strv_add(&units[0].wants, others[i]), 0);
		assert_int_equal(strv_add(&units[0].requires, others[i]), 0);
	}
	assert_int_equal(graph_build(&graph, &set, NULL), 0);
	assert_int_equal(graph.missing.n, 0);
	assert_false(graph.requires_missing[0]);
}

static void what_is_missing_is_told_and_only_requires_counts(void **state)
{
	units_make(2);
	assert_int_equal(strv_add(&units[0].after, "x.service"), 0);
	assert_int_equal(strv_add(&units[0].wants, "y.service"), 0);
	assert_int_equal(strv_add(&units[1].requires, "z.service"), 0);
	assert_int_equal(graph_build(&graph, &set, NULL), 0);
	assert_int_equal(graph.missing.n, 2);
	assert_true(
		strv_has(&graph.missing, "u0000.service: Wants=y.service: there is no such unit"));
	assert_true(strv_has(&graph.missing,
			     "u0001.service: Requires=z.service: there is no such unit"));
	assert_false(graph.requires_missing[0]);
	assert_true(graph.requires_missing[1]);
}

static void a_unit_that_could_not_be_loaded_is_told_so(void **state)
{
	struct unit_problem *problem = calloc(1, sizeof(*problem));

	units_make(1);
	assert_non_null(problem);
	*problem = (struct unit_problem){strdup("x"), true, strdup("z.service")};
	set.problems = (struct problems){problem, 1};
	assert_int_equal(strv_add(&units[0].requires, "z.service"), 0);
	assert_int_equal(graph_build(&graph, &set, NULL), 0);
	assert_string_equal(graph.missing.v[0],
			    "u0000.service: Requires=z.service: this unit could not be loaded");
}

static void a_cycle_loses_one_edge_and_is_told(void **state)
{
	units_make(2);
	add(&units[0].after, 1);
	add(&units[1].after, 0);
	assert_int_equal(graph_build(&graph, &set, NULL), 0);
	assert_true(is_after(0, 1));
	assert_false(is_after(1, 0));
	assert_int_equal(graph.cycles.n, 1);
	assert_string_equal(graph.cycles.v[0], "u0000.service → u0001.service → u0000.service: "
					       "After=u0000.service of u0001.service is left out");
}

static void a_cycle_through_before_names_the_directive_that_is_left_out(void **state)
{
	units_make(2);
	add(&units[0].after, 1);
	add(&units[0].before, 1);
	assert_int_equal(graph_build(&graph, &set, NULL), 0);
	assert_true(is_acyclic());
	assert_int_equal(graph.cycles.n, 1);
	assert_string_equal(graph.cycles.v[0], "u0000.service → u0001.service → u0000.service: "
					       "Before=u0001.service of u0000.service is left out");
}

static void a_unit_after_itself_is_a_cycle_of_one(void **state)
{
	units_make(1);
	add(&units[0].after, 0);
	add(&units[0].requires, 0);
	assert_int_equal(graph_build(&graph, &set, NULL), 0);
	assert_false(is_after(0, 0));
	assert_int_equal(graph.v[0].n_requires, 0);
	assert_int_equal(graph.cycles.n, 1);
}

static void a_way_that_leads_into_a_cycle_is_not_part_of_it(void **state)
{
	units_make(4);
	add(&units[0].after, 1);
	add(&units[1].after, 2);
	add(&units[2].after, 3);
	add(&units[3].after, 2);
	assert_int_equal(graph_build(&graph, &set, NULL), 0);
	assert_true(is_after(0, 1));
	assert_true(is_after(1, 2));
	assert_true(is_after(2, 3));
	assert_null(strstr(graph.cycles.v[0], "u0000"));
	assert_null(strstr(graph.cycles.v[0], "u0001"));
}

static void a_long_chain_and_a_long_cycle_cost_little(void **state)
{
	clock_t began = clock();

	units_make(UNITS_MAX);
	for (size_t i = 0; i + 1 < UNITS_MAX; i++)
		add(&units[i].after, i + 1);
	assert_int_equal(graph_build(&graph, &set, NULL), 0);
	assert_int_equal(graph.cycles.n, 0);
	assert_true(is_acyclic());
	graph_free(&graph);
	add(&units[UNITS_MAX - 1].after, 0);
	assert_int_equal(graph_build(&graph, &set, NULL), 0);
	assert_int_equal(graph.cycles.n, 1);
	assert_true(strlen(graph.cycles.v[0]) < 500);
	assert_non_null(strstr(graph.cycles.v[0], "(1992 more)"));
	assert_true(is_acyclic());
	/* CPU time, so that a busy machine does not count: far more than it takes, far less than
	 * n². */
	assert_true(clock() - began < 2 * CLOCKS_PER_SEC);
}

static void a_knot_of_all_units_is_untied_and_told_in_a_few_lines(void **state)
{
	units_make(200);
	for (size_t i = 0; i < 200; i++)
		for (size_t k = 0; k < 200; k++)
			add(k % 2 ? &units[i].after : &units[i].before, k);
	assert_int_equal(graph_build(&graph, &set, NULL), 0);
	assert_true(is_acyclic());
	assert_int_equal(graph.cycles.n, 17);
	assert_non_null(strstr(graph.cycles.v[16], "more cycles"));
}

#define TEST(name) cmocka_unit_test_teardown(name, units_free)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(no_units_are_a_graph),
		TEST(after_and_before_order_and_nothing_else),
		TEST(the_same_order_said_twice_is_one_edge),
		TEST(wants_and_requires_do_not_order),
		TEST(names_are_found_without_their_suffix),
		TEST(built_in_targets_and_what_is_not_run_here_are_nothing),
		TEST(what_is_missing_is_told_and_only_requires_counts),
		TEST(a_unit_that_could_not_be_loaded_is_told_so),
		TEST(a_cycle_loses_one_edge_and_is_told),
		TEST(a_cycle_through_before_names_the_directive_that_is_left_out),
		TEST(a_unit_after_itself_is_a_cycle_of_one),
		TEST(a_way_that_leads_into_a_cycle_is_not_part_of_it),
		TEST(a_long_chain_and_a_long_cycle_cost_little),
		TEST(a_knot_of_all_units_is_untied_and_told_in_a_few_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
