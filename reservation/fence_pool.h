/* SPDX-License-Identifier: MIT */
#ifndef RESERVATION_FENCE_POOL_H
#define RESERVATION_FENCE_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <wwresv/fence_pool.h>

#include "reservation/fence_thread.h"

/* An object's head; the object follows.  Fields: (i) immutable, (c) whoever has it unused. */
struct fence_cell {
	struct wwr_fence_pool *pool; /* (i) */
	struct fence_cell *next;     /* (c) */
} __attribute__((aligned(16)));

/* Fields: (i) immutable, (l) under lock, (r) under the caches' registry lock. */
struct wwr_fence_pool {
	const struct wwr_fence_ops *ops; /* (i) */
	size_t cell_bytes;		 /* (i) */
	size_t max_free;		 /* (i) */
	uint32_t num_forks;		 /* (i) so many forks were before it */
	uint32_t lock;			 /* a wait lock; nothing is called under it */
	struct fence_cell_list free;	 /* (l) the common list */
	size_t num_cells;		 /* (l) all there are, used or not */
	struct wwr_fence_pool *next;	 /* (r) */
};

static inline struct wwr_fence *fence_cell_fence(struct fence_cell *cell)
{
	return (struct wwr_fence *)(cell + 1);
}

static inline void fence_cell_push(struct fence_cell_list *list, struct fence_cell *cell)
{
	cell->next = list->first;
	list->first = cell;
	list->num++;
}

static inline struct fence_cell *fence_cell_pop(struct fence_cell_list *list)
{
	struct fence_cell *cell = list->first;

	if (cell != NULL) {
		list->first = cell->next;
		list->num--;
	}
	return cell;
}

/* Move up to so many. */
void fence_cell_move(struct fence_cell_list *to, struct fence_cell_list *from, size_t num);

/* To the allocator. */
void fence_cells_free(struct fence_cell_list *list);

/* Give up to num cells to the common list; what that then has too much goes to the excess. */
void fence_pool_give(struct wwr_fence_pool *pool, struct fence_cell_list *from, size_t num,
		     size_t max_free, struct fence_cell_list *excess);

/* The caches of threads, fence_cache.c. */

/* The calling thread's cache of the pool, or NULL. */
static inline struct fence_cache *fence_cache_find(struct fence_thread *self,
						   const struct wwr_fence_pool *pool)
{
	for (int i = 0; i < FENCE_NUM_CACHES; i++) {
		/* Relaxed: this thread set it, and the pool lives. */
		if (wwr_atomic_load(&self->caches[i].pool, WWR_RELAXED) == pool)
			return &self->caches[i];
	}
	return NULL;
}

/* The thread has no room for it. */
void fence_pool_put_slow(struct fence_cell *cell);

/* A fence of a pool whose last reference is gone. */
static inline void fence_pool_put(struct wwr_fence *fence)
{
	struct fence_cell *cell = (struct fence_cell *)fence - 1;
	struct fence_cache *cache = fence_cache_find(fence_thread_self(), cell->pool);

	if (__builtin_expect(cache != NULL && cache->cells.num < WWR_FENCE_POOL_CACHE, 1))
		fence_cell_push(&cache->cells, cell);
	else
		fence_pool_put_slow(cell);
}

/* The same, but makes one, maybe in the place of another pool's; NULL: this thread may not. */
struct fence_cache *fence_cache_claim(struct fence_thread *self, struct wwr_fence_pool *pool);

/* A pool begins, and ends: what the threads have of it is added to the list. */
void fence_cache_add_pool(struct wwr_fence_pool *pool);
void fence_cache_remove_pool(struct wwr_fence_pool *pool, struct fence_cell_list *list);

/* How often this process is the child of a fork. */
uint32_t fence_cache_num_forks(void);

#endif /* RESERVATION_FENCE_POOL_H */
