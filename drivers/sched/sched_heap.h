/* SPDX-License-Identifier: MIT */
#ifndef DRIVERS_SCHED_SCHED_HEAP_H
#define DRIVERS_SCHED_SCHED_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A pairing heap: the smallest of a changing set, without an allocation and without recursion.
 * Equal keys come out in the order of their insertion.
 */
struct sched_heap_node {
	int64_t key;
	uint64_t serial; /* of the insertion */
	bool queued;
	struct sched_heap_node *child, *next;
	struct sched_heap_node *prev; /* the sibling before it, or the parent of a first child */
};

struct sched_heap {
	struct sched_heap_node *root;
	uint64_t serial;
};

/* Put a node in that is in no heap. */
void sched_heap_insert(struct sched_heap *heap, struct sched_heap_node *node, int64_t key);

/* Take a node out; one that is not in is left alone. */
void sched_heap_remove(struct sched_heap *heap, struct sched_heap_node *node);

/* The smallest, or NULL; it stays in. */
static inline struct sched_heap_node *sched_heap_first(const struct sched_heap *heap)
{
	return heap->root;
}

#endif /* DRIVERS_SCHED_SCHED_HEAP_H */
