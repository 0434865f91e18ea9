/* What follows for other units from what happens to one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/cleanup.h"
#include "supervisor/relation.h"

enum {
	A,
	B,
	C,
	D,
	UNITS
};

static struct unit units[UNITS];
static struct unit *list[UNITS];
static char names[UNITS][16];
static enum relation_now state[UNITS];
static struct unit_set set;
static struct graph graph;
static struct relation_tasks tasks;

static int make(void **unused)
{
	memset(units, 0, sizeof(units));
	set = (struct unit_set){.v = list, .n = UNITS};
	for (size_t i = 0; i < UNITS; i++) {
		snprintf(names[i], sizeof(names[i]), "%c.service", (char)('a' + i));
		units[i].name = names[i];
		list[i] = &units[i];
		state[i] = NOW_UP;
	}
	return 0;
}

static int unmake(void **unused)
{
	for (size_t i = 0; i < UNITS; i++) {
		strv_free(&units[i].wants);
		strv_free(&units[i].requires);
		strv_free(&units[i].after);
		strv_free(&units[i].install.wanted_by);
		strv_free(&units[i].install.required_by);
		strv_free(&units[i].install.upheld_by);
		for (size_t k = 0; k < UNIT_RELATIONS; k++)
			strv_free(&units[i].relations[k]);
	}
	relation_tasks_free(&tasks);
	graph_free(&graph);
	return 0;
}

static void relate(size_t unit, enum unit_relation relation, size_t other)
{
	assert_int_equal(strv_add(&units[unit].relations[relation], names[other]), 0);
}

static enum relation_now now(void *arg, size_t unit)
{
	return state[unit];
}

static void happens(size_t unit, enum relation_cause cause)
{
	graph_free(&graph);
	relation_tasks_free(&tasks);
	assert_int_equal(graph_build(&graph, &set, NULL), 0);
	assert_int_equal(relation_follow(&graph, unit, cause, now, NULL, &tasks), 0);
}

static bool follows(size_t unit, enum relation_job job)
{
	for (size_t i = 0; i < tasks.n; i++)
		if (tasks.v[i].unit == unit && tasks.v[i].job == job)
			return true;
	return false;
}

static void a_start_pulls_in_and_stops_rivals(void **unused)
{
	assert_int_equal(strv_add(&units[A].requires, names[B]), 0);
	relate(A, RELATION_UPHOLDS, C);
	relate(D, RELATION_CONFLICTS, A);
	happens(A, CAUSE_START);
	assert_int_equal(tasks.n, 3);
	assert_true(follows(B, JOB_START) && follows(C, JOB_START) && follows(D, JOB_STOP));
	state[D] = NOW_DOWN;
	happens(A, CAUSE_START);
	assert_false(follows(D, JOB_STOP));
	state[A] = NOW_UP;
	happens(D, CAUSE_START);
	assert_true(follows(A, JOB_STOP));
}

static void a_binding_pulls_in_as_a_requirement_does(void **unused)
{
	relate(A, RELATION_BINDS_TO, B);
	happens(A, CAUSE_START);
	assert_true(follows(B, JOB_START));
	happens(B, CAUSE_STOP);
	assert_true(follows(A, JOB_STOP));
	happens(B, CAUSE_DOWN);
	assert_true(follows(A, JOB_STOP));
	assert_int_equal(strv_add(&units[C].requires, names[B]), 0);
	happens(B, CAUSE_DOWN);
	assert_false(follows(C, JOB_STOP));
}

static void parts_stop_and_restart_with_the_whole_and_not_the_other_way(void **unused)
{
	relate(A, RELATION_PART_OF, B);
	happens(B, CAUSE_STOP);
	assert_true(follows(A, JOB_STOP));
	happens(B, CAUSE_RESTART);
	assert_true(follows(A, JOB_RESTART));
	state[A] = NOW_DOWN;
	happens(B, CAUSE_RESTART);
	assert_int_equal(tasks.n, 0);
	happens(B, CAUSE_START);
	assert_int_equal(tasks.n, 0);
	state[A] = NOW_UP;
	happens(A, CAUSE_STOP);
	assert_int_equal(tasks.n, 0);
	happens(B, CAUSE_DOWN);
	assert_int_equal(tasks.n, 0);
}

static void reload_and_stop_are_passed_on_from_both_ends(void **unused)
{
	relate(A, RELATION_RELOAD_TO, B);
	relate(C, RELATION_RELOAD_FROM, A);
	relate(A, RELATION_STOP_TO, D);
	state[C] = NOW_COMING;
	happens(A, CAUSE_RELOAD);
	assert_int_equal(tasks.n, 1);
	assert_true(follows(B, JOB_RELOAD));
	happens(A, CAUSE_STOP);
	assert_int_equal(tasks.n, 1);
	assert_true(follows(D, JOB_STOP));
	happens(D, CAUSE_STOP);
	assert_int_equal(tasks.n, 0);
}

static void what_is_upheld_comes_up_again(void **unused)
{
	relate(A, RELATION_UPHOLDS, B);
	state[B] = NOW_DOWN;
	happens(B, CAUSE_DOWN);
	assert_true(follows(B, JOB_UPHOLD));
	state[A] = NOW_GOING;
	happens(B, CAUSE_DOWN);
	assert_int_equal(tasks.n, 0);
	happens(A, CAUSE_UP);
	assert_true(follows(B, JOB_START));
	state[B] = NOW_UP;
	happens(A, CAUSE_UP);
	assert_int_equal(tasks.n, 0);
}

static void an_end_starts_what_waits_for_it(void **unused)
{
	relate(A, RELATION_ON_FAILURE, B);
	relate(A, RELATION_ON_SUCCESS, C);
	happens(A, CAUSE_FAILED);
	assert_int_equal(tasks.n, 1);
	assert_true(follows(B, JOB_REACT));
	happens(A, CAUSE_SUCCEEDED);
	assert_int_equal(tasks.n, 1);
	assert_true(follows(C, JOB_REACT));
}

static void what_nobody_needs_any_more_stops(void **unused)
{
	assert_int_equal(strv_add(&units[A].wants, names[B]), 0);
	assert_int_equal(strv_add(&units[C].requires, names[B]), 0);
	units[B].stop_when_unneeded = true;
	state[A] = NOW_DOWN;
	happens(A, CAUSE_DOWN);
	assert_int_equal(tasks.n, 0);
	state[C] = NOW_DOWN;
	happens(A, CAUSE_DOWN);
	assert_true(follows(B, JOB_STOP));
	units[B].boot = true;
	happens(A, CAUSE_DOWN);
	assert_int_equal(tasks.n, 0);
}

static void an_enabled_unit_speaks_for_others(void **unused)
{
	assert_int_equal(strv_add(&units[A].install.wanted_by, names[B]), 0);
	assert_int_equal(strv_add(&units[A].install.required_by, names[C]), 0);
	assert_int_equal(strv_add(&units[A].install.upheld_by, names[D]), 0);
	happens(B, CAUSE_START);
	assert_int_equal(tasks.n, 0);
	units[A].enabled = true;
	happens(B, CAUSE_START);
	assert_true(follows(A, JOB_START));
	happens(A, CAUSE_STOP);
	assert_true(follows(C, JOB_STOP) && tasks.n == 1);
	happens(D, CAUSE_UP);
	state[A] = NOW_DOWN;
	happens(D, CAUSE_UP);
	assert_true(follows(A, JOB_START));
}

static void a_target_comes_after_what_it_pulls_in(void **unused)
{
	units[D].kind = KIND_TARGET;
	assert_int_equal(strv_add(&units[D].wants, names[A]), 0);
	assert_int_equal(strv_add(&units[D].requires, names[B]), 0);
	assert_int_equal(strv_add(&units[D].wants, names[C]), 0);
	assert_int_equal(strv_add(&units[C].after, names[D]), 0);
	units[B].no_default_dependencies = true;
	happens(D, CAUSE_START);
	assert_int_equal(graph.cycles.n, 0);
	assert_int_equal(graph.v[D].n_after, 1);
	assert_int_equal(graph.v[D].after[0], A);
	units[D].no_default_dependencies = true;
	happens(D, CAUSE_START);
	assert_int_equal(graph.v[D].n_after, 0);
}

static void a_unit_without_a_place_in_the_graph_has_no_consequences(void **unused)
{
	happens(UNITS, CAUSE_STOP);
	assert_int_equal(tasks.n, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make, unmake)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_start_pulls_in_and_stops_rivals),
		TEST(a_binding_pulls_in_as_a_requirement_does),
		TEST(parts_stop_and_restart_with_the_whole_and_not_the_other_way),
		TEST(reload_and_stop_are_passed_on_from_both_ends),
		TEST(what_is_upheld_comes_up_again),
		TEST(an_end_starts_what_waits_for_it),
		TEST(what_nobody_needs_any_more_stops),
		TEST(an_enabled_unit_speaks_for_others),
		TEST(a_target_comes_after_what_it_pulls_in),
		TEST(a_unit_without_a_place_in_the_graph_has_no_consequences),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
