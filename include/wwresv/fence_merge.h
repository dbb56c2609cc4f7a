/* SPDX-License-Identifier: MIT */
#ifndef WWRESV_FENCE_MERGE_H
#define WWRESV_FENCE_MERGE_H

#include <wwresv/macros.h>

WWR_BEGIN_DECLS

struct wwr_fence;

/**
 * A walk over the fences that a chain of arrays is made of.  Fields: private, the calling thread
 * only.
 */
struct wwr_fence_unwrap {
	struct wwr_fence *node; /* a reference; NULL = over */
	unsigned int index;	/* of the next one in the node */
};

/**
 * Begin to look at the fences that a fence is made of: the members of an array, for a chain those
 * of each point from the newest on, otherwise the fence itself.
 *
 * @param iter  caller's memory
 * @param fence borrowed until wwr_fence_unwrap_next() was called; NULL = no fences
 * @par Thread safety
 * Any thread.
 * @par Kernel counterpart
 * dma_fence_unwrap_first()
 */
WWR_API void wwr_fence_unwrap_begin(struct wwr_fence_unwrap *iter, struct wwr_fence *fence);

/**
 * The next one, which is no container itself, and may have signalled; but points of a chain that
 * have signalled are collected on the way, see wwr_fence_chain_walk().
 *
 * @param iter begun
 * @return borrowed until the next call for @p iter; NULL = no more, and nothing to end
 * @par Thread safety
 * The thread that began.
 * @par Kernel counterpart
 * dma_fence_unwrap_next()
 */
WWR_API struct wwr_fence *wwr_fence_unwrap_next(struct wwr_fence_unwrap *iter);

/**
 * Leave a walk before it is over.  A no-op when it is.
 *
 * @param iter begun
 * @par Thread safety
 * The thread that began.
 * @par Kernel counterpart
 * none; dma_fence_put() of the cursor's chain
 */
WWR_API void wwr_fence_unwrap_end(struct wwr_fence_unwrap *iter);

/**
 * Make one fence of several, which signals when all of them have.
 *
 * Chains and arrays are flattened, what has signalled is left out, and of each context the latest
 * stays, in the order of the contexts.  What is left decides the result: nothing - a fence that has
 * signalled, with the latest timestamp (now, if there was no fence at all); one - that fence;
 * several - an array.
 *
 * Errors survive: if a fence that is left out has failed, the result fails with the error of
 * whichever failed first by its timestamp; one fence that is left is then an array, too.  Points of
 * a timeline that were collected before are no part of it any more.
 *
 * @param num       of @p fences
 * @param fences    borrowed; NULL entries are left out
 * @param ret_fence a reference
 * @retval 0       made
 * @retval -ENOMEM no memory
 * @par Thread safety
 * Any thread.
 * @par Kernel counterpart
 * dma_fence_unwrap_merge(), which forgets errors
 */
WWR_API WWR_MUST_CHECK int wwr_fence_merge(unsigned int num, struct wwr_fence *const *fences,
					   struct wwr_fence **ret_fence);

WWR_END_DECLS

#endif /* WWRESV_FENCE_MERGE_H */
