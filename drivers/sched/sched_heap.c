/* SPDX-License-Identifier: MIT */
/*
 * Invariants: a node is not larger than its children; the root has no sibling; prev of a first
 * child is the parent, of another the sibling before it.
 */
#include "drivers/sched/sched_heap.h"

static bool node_before(const struct sched_heap_node *a, const struct sched_heap_node *b)
{
	return a->key != b->key ? a->key < b->key : a->serial < b->serial;
}

/* Make the larger one the first child of the other.  Neither has siblings. */
static struct sched_heap_node *heap_meld(struct sched_heap_node *a, struct sched_heap_node *b)
{
	struct sched_heap_node *swap;

	if (a == NULL || b == NULL)
		return a != NULL ? a : b;
	if (node_before(b, a)) {
		swap = a;
		a = b;
		b = swap;
	}
	b->next = a->child;
	if (b->next != NULL)
		b->next->prev = b;
	b->prev = a;
	a->child = b;
	return a;
}

/* One tree of a row of siblings: in pairs from the left, then all from the right. */
static struct sched_heap_node *heap_merge(struct sched_heap_node *first)
{
	struct sched_heap_node *pairs = NULL, *root = NULL;

	while (first != NULL) {
		struct sched_heap_node *a = first, *b = a->next;

		first = b != NULL ? b->next : NULL;
		a->next = NULL;
		if (b != NULL)
			b->next = NULL;
		a = heap_meld(a, b);
		a->next = pairs;
		pairs = a;
	}
	while (pairs != NULL) {
		struct sched_heap_node *next = pairs->next;

		pairs->next = NULL;
		root = heap_meld(root, pairs);
		pairs = next;
	}
	if (root != NULL)
		root->prev = NULL;
	return root;
}

void sched_heap_insert(struct sched_heap *heap, struct sched_heap_node *node, int64_t key)
{
	*node = (struct sched_heap_node){.key = key, .serial = heap->serial++, .queued = true};
	heap->root = heap_meld(heap->root, node);
}

static void heap_cut(struct sched_heap_node *node)
{
	if (node->prev->child == node)
		node->prev->child = node->next;
	else
		node->prev->next = node->next;
	if (node->next != NULL)
		node->next->prev = node->prev;
}

void sched_heap_remove(struct sched_heap *heap, struct sched_heap_node *node)
{
	struct sched_heap_node *children = node->child;

	if (!node->queued)
		return;
	if (node == heap->root) {
		heap->root = heap_merge(children);
	} else {
		heap_cut(node);
		heap->root = heap_meld(heap->root, heap_merge(children));
	}
	*node = (struct sched_heap_node){.queued = false};
}
