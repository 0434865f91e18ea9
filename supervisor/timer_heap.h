/*
 * timer_heap.h - which of many deadlines is the next one: a binary heap, so that setting one and
 * finding the first do not cost the more the more there are.
 *
 * It knows no clock. A node lies in its owner; it joins once, which is the only thing that can
 * fail, and leaves before its owner is freed.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct timer_node {
	uint64_t at;  /* 0: not set */
	size_t place; /* 1 and up in the heap; 0: not in it */
	void *owner;
};

struct timer_heap {
	struct timer_node **v; /* owned; the nodes are not */
	size_t n, joined, room;
};

/* Makes room for one more node. 0 or -ENOMEM; then it must not be set. */
int timer_heap_join(struct timer_heap *heap, struct timer_node *node, void *owner);
/* Nothing where it has not joined. */
void timer_heap_leave(struct timer_heap *heap, struct timer_node *node);
/* 0: it is not due at all. */
void timer_heap_set(struct timer_heap *heap, struct timer_node *node, uint64_t at);
/* The earliest, or NULL. */
struct timer_node *timer_heap_first(const struct timer_heap *heap);
void timer_heap_free(struct timer_heap *heap);
