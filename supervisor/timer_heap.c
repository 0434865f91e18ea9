#include "supervisor/timer_heap.h"

#include <errno.h>
#include <stdlib.h>

/* Places count from 1: the parent of i is i / 2. */
static struct timer_node **at(const struct timer_heap *heap, size_t place)
{
	return &heap->v[place - 1];
}

static void put(const struct timer_heap *heap, size_t place, struct timer_node *node)
{
	*at(heap, place) = node;
	node->place = place;
}

static void sift_up(const struct timer_heap *heap, struct timer_node *node)
{
	size_t place = node->place;

	for (; place > 1 && (*at(heap, place / 2))->at > node->at; place /= 2)
		put(heap, place, *at(heap, place / 2));
	put(heap, place, node);
}

static void sift_down(const struct timer_heap *heap, struct timer_node *node)
{
	size_t place = node->place;

	while (place * 2 <= heap->n) {
		size_t child = place * 2;

		if (child < heap->n && (*at(heap, child + 1))->at < (*at(heap, child))->at)
			child++;
		if ((*at(heap, child))->at >= node->at)
			break;
		put(heap, place, *at(heap, child));
		place = child;
	}
	put(heap, place, node);
}

static void take_out(struct timer_heap *heap, struct timer_node *node)
{
	struct timer_node *last = *at(heap, heap->n);
	size_t place = node->place;

	heap->n--;
	node->place = 0;
	if (last == node)
		return;
	put(heap, place, last);
	sift_up(heap, last);
	sift_down(heap, last);
}

int timer_heap_join(struct timer_heap *heap, struct timer_node *node, void *owner)
{
	*node = (struct timer_node){0};
	if (heap->joined == heap->room) {
		size_t room = heap->room ? heap->room * 2 : 16;
		struct timer_node **v = reallocarray(heap->v, room, sizeof(*v));

		if (!v)
			return -ENOMEM;
		heap->v = v;
		heap->room = room;
	}
	heap->joined++;
	node->owner = owner;
	return 0;
}

void timer_heap_leave(struct timer_heap *heap, struct timer_node *node)
{
	if (!node->owner)
		return;
	timer_heap_set(heap, node, 0);
	node->owner = NULL;
	heap->joined--;
}

void timer_heap_set(struct timer_heap *heap, struct timer_node *node, uint64_t when)
{
	if (!when) {
		if (node->place)
			take_out(heap, node);
		node->at = 0;
		return;
	}
	node->at = when;
	if (!node->place)
		put(heap, ++heap->n, node);
	sift_up(heap, node);
	sift_down(heap, node);
}

struct timer_node *timer_heap_first(const struct timer_heap *heap)
{
	return heap->n ? heap->v[0] : NULL;
}

void timer_heap_free(struct timer_heap *heap)
{
	free(heap->v);
	*heap = (struct timer_heap){0};
}
