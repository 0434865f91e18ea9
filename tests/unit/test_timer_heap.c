/* test_timer_heap.c - the first deadline is the first one, whatever was set, changed and left
 * before. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/cleanup.h"
#include "supervisor/timer_heap.h"

#define NODES 97

static uint64_t least(const uint64_t *at)
{
	uint64_t found = 0;

	for (size_t i = 0; i < NODES; i++)
		if (at[i] && (!found || at[i] < found))
			found = at[i];
	return found;
}

static void the_first_is_the_earliest_after_any_change(void **state)
{
	_cleanup_(timer_heap_free) struct timer_heap heap = {0};
	struct timer_node nodes[NODES];
	uint64_t at[NODES] = {0};
	unsigned random = 1;

	for (size_t i = 0; i < NODES; i++)
		assert_int_equal(timer_heap_join(&heap, &nodes[i], &at[i]), 0);
	for (unsigned round = 0; round < 20000; round++) {
		size_t i;

		random = random * 1103515245 + 12345;
		i = (random >> 16) % NODES;
		/* One in four is taken out; few values, so that many are equal. */
		at[i] = (random >> 8) % 4 ? 1 + (random >> 20) % 50 : 0;
		timer_heap_set(&heap, &nodes[i], at[i]);
		if (!least(at)) {
			assert_null(timer_heap_first(&heap));
			continue;
		}
		assert_int_equal(timer_heap_first(&heap)->at, least(at));
		assert_int_equal(*(uint64_t *)timer_heap_first(&heap)->owner, least(at));
	}
}

static void they_come_in_order(void **state)
{
	_cleanup_(timer_heap_free) struct timer_heap heap = {0};
	struct timer_node nodes[NODES];
	uint64_t before = 0;

	for (size_t i = 0; i < NODES; i++) {
		assert_int_equal(timer_heap_join(&heap, &nodes[i], &heap), 0);
		timer_heap_set(&heap, &nodes[i], 1 + i * 37 % NODES);
	}
	for (size_t i = 0; i < NODES; i++) {
		struct timer_node *first = timer_heap_first(&heap);

		assert_int_equal(first->at, before + 1);
		before = first->at;
		timer_heap_leave(&heap, first);
	}
	assert_null(timer_heap_first(&heap));
	assert_int_equal(heap.joined, 0);
}

static void one_that_has_left_is_not_found(void **state)
{
	_cleanup_(timer_heap_free) struct timer_heap heap = {0};
	struct timer_node one = {0}, two = {0};

	assert_int_equal(timer_heap_join(&heap, &one, &heap), 0);
	assert_int_equal(timer_heap_join(&heap, &two, &heap), 0);
	timer_heap_set(&heap, &one, 1);
	timer_heap_set(&heap, &two, 2);
	timer_heap_leave(&heap, &one);
	timer_heap_leave(&heap, &one);
	assert_ptr_equal(timer_heap_first(&heap), &two);
	assert_int_equal(heap.joined, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_is_the_earliest_after_any_change),
		cmocka_unit_test(they_come_in_order),
		cmocka_unit_test(one_that_has_left_is_not_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
