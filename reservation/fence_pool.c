/* SPDX-License-Identifier: MIT */
/*
 * Pools of fences.  Invariant: a cell is in use, in one thread's cache, or in the common list;
 * num_cells counts all of them, so a pool that ends knows whether any is in use.
 */
#include "reservation/fence_pool.h"

#include <wwresv/alloc.h>

#include "lockset/park.h"
#include "lockset/usage.h"
#include "reservation/fence_core.h"
#include "reservation/fence_track.h"

#include <errno.h>

#define CACHE_BATCH (WWR_FENCE_POOL_CACHE / 2)

void fence_cell_move(struct fence_cell_list *to, struct fence_cell_list *from, size_t num)
{
	while (num-- > 0 && from->first != NULL)
		fence_cell_push(to, fence_cell_pop(from));
}

void fence_cells_free(struct fence_cell_list *list)
{
	while (list->first != NULL)
		wwr_free(fence_cell_pop(list));
}

struct wwr_fence_pool *wwr_fence_pool_create(const struct wwr_fence_pool_options *options)
{
	const struct wwr_fence_ops *ops = options->ops;
	size_t size_bytes = options->size_bytes;
	struct wwr_fence_pool *pool;

	WWR_USAGE(ops != NULL && ops->driver_name != NULL && ops->timeline_name != NULL,
		  "wwr_fence_pool_create: no driver_name or no timeline_name op");
	if (size_bytes == 0)
		size_bytes = sizeof(struct wwr_fence);
	WWR_USAGE(size_bytes >= sizeof(struct wwr_fence) &&
		      size_bytes <= SIZE_MAX - sizeof(struct fence_cell),
		  "wwr_fence_pool_create: %zu bytes have no room for a fence", size_bytes);
	pool = wwr_alloc(sizeof(*pool));
	if (pool == NULL)
		return NULL;
	pool->ops = ops;
	pool->cell_bytes = sizeof(struct fence_cell) + size_bytes;
	pool->max_free = options->max_free != 0 ? options->max_free : WWR_FENCE_POOL_MAX_FREE;
	fence_cache_add_pool(pool);
	return pool;
}

void wwr_fence_pool_destroy(struct wwr_fence_pool *pool)
{
	if (pool == NULL)
		return;
	fence_cache_remove_pool(pool, &pool->free);
	/* After a fork, threads that are gone may have had some for ever. */
	WWR_USAGE(pool->free.num == pool->num_cells || pool->num_forks != fence_cache_num_forks(),
		  "wwr_fence_pool_destroy: %zu fences of pool %p live on",
		  pool->num_cells - pool->free.num, (void *)pool);
	fence_cells_free(&pool->free);
	wwr_free(pool);
}

static struct fence_cell *cell_alloc(struct wwr_fence_pool *pool)
{
	struct fence_cell *cell = wwr_alloc(pool->cell_bytes);

	if (cell != NULL)
		cell->pool = pool;
	return cell;
}

int wwr_fence_pool_reserve(struct wwr_fence_pool *pool, unsigned int num)
{
	bool enough;

	if (num > pool->max_free)
		return -EINVAL;
	for (;;) {
		struct fence_cell *cell;

		wait_lock_ranked(&pool->lock, RANK_FENCE_POOL);
		enough = pool->free.num >= num;
		wait_unlock(&pool->lock);
		if (enough)
			return 0;
		cell = cell_alloc(pool);
		if (cell == NULL)
			return -ENOMEM;
		wait_lock_ranked(&pool->lock, RANK_FENCE_POOL);
		fence_cell_push(&pool->free, cell);
		pool->num_cells++;
		wait_unlock(&pool->lock);
	}
}

void fence_pool_give(struct wwr_fence_pool *pool, struct fence_cell_list *from, size_t num,
		     size_t max_free, struct fence_cell_list *excess)
{
	size_t num_before = excess->num;

	wait_lock_ranked(&pool->lock, RANK_FENCE_POOL);
	fence_cell_move(&pool->free, from, num);
	if (pool->free.num > max_free)
		fence_cell_move(excess, &pool->free, pool->free.num - max_free);
	pool->num_cells -= excess->num - num_before;
	wait_unlock(&pool->lock);
}

size_t wwr_fence_pool_trim(struct wwr_fence_pool *pool, size_t max_free)
{
	struct fence_cache *cache = fence_cache_find(fence_thread_self(), pool);
	struct fence_cell_list excess = {NULL, 0};
	struct fence_cell_list none = {NULL, 0};
	size_t num_freed;

	fence_pool_give(pool, cache != NULL ? &cache->cells : &none, SIZE_MAX, max_free, &excess);
	num_freed = excess.num;
	fence_cells_free(&excess);
	return num_freed;
}

/* The thread has no cell at hand: take a batch from the common list, or new memory. */
static struct fence_cell *pool_take_slow(struct wwr_fence_pool *pool, struct fence_thread *self,
					 struct fence_cache *cache)
{
	struct fence_cell *cell;

	if (cache == NULL)
		cache = fence_cache_claim(self, pool);
	wait_lock_ranked(&pool->lock, RANK_FENCE_POOL);
	cell = fence_cell_pop(&pool->free);
	if (cache != NULL)
		fence_cell_move(&cache->cells, &pool->free, CACHE_BATCH - 1);
	wait_unlock(&pool->lock);
	if (cell != NULL)
		return cell;

	cell = cell_alloc(pool);
	if (cell == NULL)
		return NULL;
	wait_lock_ranked(&pool->lock, RANK_FENCE_POOL);
	pool->num_cells++;
	wait_unlock(&pool->lock);
	return cell;
}

struct wwr_fence *wwr_fence_pool_alloc(struct wwr_fence_pool *pool, uint64_t context,
				       uint64_t seqno)
{
	struct fence_thread *self = fence_thread_self();
	struct fence_cache *cache = fence_cache_find(self, pool);
	struct fence_cell *cell = NULL;
	struct wwr_fence *fence;

	if (__builtin_expect(cache != NULL, 1))
		cell = fence_cell_pop(&cache->cells);
	if (__builtin_expect(cell == NULL, 0))
		cell = pool_take_slow(pool, self, cache);
	if (cell == NULL)
		return NULL;
	fence = fence_cell_fence(cell);
	fence_init(fence, pool->ops, context, seqno);
	fence->flags |= FENCE_POOLED;
	fence_track_begin(fence, __builtin_return_address(0));
	return fence;
}

void fence_pool_put_slow(struct fence_cell *cell)
{
	struct wwr_fence_pool *pool = cell->pool;
	struct fence_cache *cache = fence_cache_find(fence_thread_self(), pool);
	struct fence_cell_list excess = {NULL, 0};
	struct fence_cell_list alone = {NULL, 0};

	if (cache == NULL)
		cache = fence_cache_claim(fence_thread_self(), pool);
	if (cache == NULL) {
		fence_cell_push(&alone, cell);
		fence_pool_give(pool, &alone, 1, pool->max_free, &excess);
	} else {
		fence_cell_push(&cache->cells, cell);
		if (cache->cells.num > WWR_FENCE_POOL_CACHE)
			fence_pool_give(pool, &cache->cells, CACHE_BATCH, pool->max_free, &excess);
	}
	fence_cells_free(&excess);
}
