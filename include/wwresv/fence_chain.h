/* SPDX-License-Identifier: MIT */
#ifndef WWRESV_FENCE_CHAIN_H
#define WWRESV_FENCE_CHAIN_H

#include <stdbool.h>
#include <stdint.h>

#include <wwresv/macros.h>

WWR_BEGIN_DECLS

struct wwr_fence;

/**
 * A node of a timeline before it is linked; afterwards it is a fence.
 *
 * A node signals when its own fence and everything before it have signalled.  Its error is that of
 * its own fence; what goes wrong at an earlier point is that point's error.  Its timestamp is the
 * latest of all of them.
 */
struct wwr_fence_chain;

/**
 * Take memory for a node, so that linking it cannot fail for want of it.
 *
 * @return for wwr_fence_chain_link() or wwr_fence_chain_destroy(); NULL: no memory
 * @par Thread safety
 * Any thread.
 * @par Kernel counterpart
 * dma_fence_chain_alloc()
 */
WWR_API struct wwr_fence_chain *wwr_fence_chain_create(void);

/**
 * Give a node back that was not linked.
 *
 * @param chain NULL is a no-op
 * @par Thread safety
 * Any thread.
 * @par Kernel counterpart
 * dma_fence_chain_free()
 */
WWR_API void wwr_fence_chain_destroy(struct wwr_fence_chain *chain);

/**
 * Make a node the newest point of a timeline.
 *
 * It belongs to the context of @p prev if that is a chain and @p seqno is larger than its number.
 * Otherwise it gets a new context, and if @p prev is a chain, that one's number: the timeline is
 * unordered from there on, and whoever looks for a point finds one that signals too late rather
 * than too early.
 *
 * Nobody but the library may signal a node or set its error.  Once somebody has a callback or
 * waits for it, it lives until it signals.
 *
 * @param chain     from wwr_fence_chain_create(); after success it is the fence
 * @param prev      the newest point so far, or any other fence that comes before, or NULL; the node
 *                  takes a reference of its own
 * @param fence     of this point, not a chain; the node takes a reference of its own
 * @param seqno     of this point; numbers of a timeline do not wrap around
 * @param ret_fence the node as a fence: the only reference
 * @retval 0       linked
 * @retval -EINVAL @p fence is a chain: flatten it with wwr_fence_merge(); nothing was changed
 * @par Thread safety
 * Not while another thread uses @p chain.
 * @par Kernel counterpart
 * dma_fence_chain_init(), which takes over the references
 */
WWR_API WWR_MUST_CHECK int wwr_fence_chain_link(struct wwr_fence_chain *chain,
						struct wwr_fence *prev, struct wwr_fence *fence,
						uint64_t seqno, struct wwr_fence **ret_fence);

/**
 * Is the fence a node of a timeline?
 *
 * @param fence borrowed
 * @par Thread safety
 * Any thread.
 * @par Kernel counterpart
 * dma_fence_is_chain()
 */
WWR_API bool wwr_fence_is_chain(const struct wwr_fence *fence);

/**
 * The fence of a point.
 *
 * @param fence borrowed
 * @return borrowed, alive as long as @p fence; @p fence itself if that is not a chain
 * @par Thread safety
 * Any thread.
 * @par Kernel counterpart
 * dma_fence_chain_contained()
 */
WWR_API struct wwr_fence *wwr_fence_chain_contained(struct wwr_fence *fence);

/**
 * Go to the point before, past those whose own fence has signalled: these are collected, that is
 * they leave the timeline for good.
 *
 *	for (node = wwr_fence_get(head); node != NULL; node = wwr_fence_chain_walk(node))
 *
 * @param fence the caller's reference is dropped; NULL is passed through
 * @return a reference; NULL: @p fence is not a chain, or nothing before it is pending
 * @par Thread safety
 * Any thread, any number of them on one timeline.
 * @par Kernel counterpart
 * dma_fence_chain_walk()
 */
WWR_API WWR_MUST_CHECK struct wwr_fence *wwr_fence_chain_walk(struct wwr_fence *fence);

/**
 * Find what to wait for to reach a point: the oldest node that signals no sooner.
 *
 * @param fence     borrowed: the newest point, or NULL: there is none yet
 * @param seqno     the point; 0 asks for nothing in particular
 * @param ret_fence a reference, or NULL: the point was reached without an error.  A point that has
 *                  failed is found, with its error, also when later ones have collected it; of
 * those at least the 16 latest are remembered.  @p fence for point 0
 * @retval 0       found
 * @retval -EINVAL the point was not submitted yet, or @p fence is not a chain
 * @par Thread safety
 * Any thread.
 * @par Kernel counterpart
 * dma_fence_chain_find_seqno(), which finds no failed point once it was collected
 */
WWR_API WWR_MUST_CHECK int wwr_fence_chain_find_seqno(struct wwr_fence *fence, uint64_t seqno,
						      struct wwr_fence **ret_fence);

WWR_END_DECLS

#endif /* WWRESV_FENCE_CHAIN_H */
