/* SPDX-License-Identifier: MIT */
#ifndef WWRESV_FENCE_POOL_H
#define WWRESV_FENCE_POOL_H

#include <stddef.h>
#include <stdint.h>

#include <wwresv/macros.h>

WWR_BEGIN_DECLS

struct wwr_fence;
struct wwr_fence_ops;

/**
 * Fences, or a driver's objects that begin with one, that are used again and again: once as many
 * were made as are in use at a time, making and releasing them neither allocates nor enters the
 * system.
 *
 * A thread keeps up to WWR_FENCE_POOL_CACHE unused objects for itself and deals with the pool's
 * common list in halves of that, so threads that only make fences and others that only release them
 * seldom meet.  No memory is unused but those and max_free in the common list; a thread that exits
 * gives its own back to the list.
 */
struct wwr_fence_pool;

#define WWR_FENCE_POOL_CACHE	64
#define WWR_FENCE_POOL_MAX_FREE 1024

struct wwr_fence_pool_options {
	/**
	 * Of all fences of the pool; outlives it.  A release op only cleans the object up: the
	 * memory goes back to the pool by itself.
	 */
	const struct wwr_fence_ops *ops;
	/** Of an object that begins with a struct wwr_fence; 0 = nothing else is in it. */
	size_t size_bytes;
	/** Unused objects in the common list, at most; 0 = WWR_FENCE_POOL_MAX_FREE. */
	unsigned int max_free;
};

/**
 * Make an empty pool.  Usage error: no ops, or too small a size.
 *
 * @param options copied
 * @return for wwr_fence_pool_destroy(); NULL: no memory
 * @par Thread safety
 * Any thread.
 * @par Kernel counterpart
 * kmem_cache_create()
 */
WWR_API struct wwr_fence_pool *wwr_fence_pool_create(const struct wwr_fence_pool_options *options);

/**
 * End a pool.  Usage error: fences of it live on.
 *
 * @param pool NULL is a no-op
 * @par Thread safety
 * Not while another thread uses it, or releases the last fence of it.
 * @par Kernel counterpart
 * kmem_cache_destroy()
 */
WWR_API void wwr_fence_pool_destroy(struct wwr_fence_pool *pool);

/**
 * Fill the common list, so that memory does not run out later.
 *
 * @param pool borrowed
 * @param num  so many unused objects are there at least, beside those that threads keep
 * @retval 0       there they are
 * @retval -EINVAL @p num is more than the list may hold
 * @retval -ENOMEM no memory; those made so far stay
 * @par Thread safety
 * Any thread.
 * @par Kernel counterpart
 * mempool_create_slab_pool()
 */
WWR_API WWR_MUST_CHECK int wwr_fence_pool_reserve(struct wwr_fence_pool *pool, unsigned int num);

/**
 * Give memory back to the allocator: unused objects of the common list and of this thread.
 *
 * @param pool     borrowed
 * @param max_free so many may stay
 * @return how many are gone
 * @par Thread safety
 * Any thread.
 * @par Kernel counterpart
 * kmem_cache_shrink()
 */
WWR_API size_t wwr_fence_pool_trim(struct wwr_fence_pool *pool, size_t max_free);

/**
 * Make a fence: as wwr_fence_init() with memory of the pool, where it goes back with its last
 * reference.
 *
 * @param pool    borrowed; outlives the fence
 * @param context from wwr_fence_context_alloc()
 * @param seqno   place in the context
 * @return a reference; NULL: no memory.  Behind the fence the object is zero when it is new, and
 *         otherwise as it was when it was released
 * @par Thread safety
 * Any thread.
 * @par Kernel counterpart
 * kmem_cache_alloc() and dma_fence_init64()
 */
WWR_API struct wwr_fence *wwr_fence_pool_alloc(struct wwr_fence_pool *pool, uint64_t context,
					       uint64_t seqno);

WWR_END_DECLS

#endif /* WWRESV_FENCE_POOL_H */
