/* SPDX-License-Identifier: MIT */
#ifndef WWRESV_FENCE_ARRAY_H
#define WWRESV_FENCE_ARRAY_H

#include <stdbool.h>
#include <stdint.h>

#include <wwresv/macros.h>

WWR_BEGIN_DECLS

struct wwr_fence;

/**
 * Make a fence of several: it signals when all of them have.
 *
 * Its error is that of the member that failed first by its timestamp (of equals, the one that
 * stands first); its timestamp is the latest of theirs; a deadline is passed on to all of them.
 * Nobody but the library may signal it or set its error.  Once somebody has a callback or waits
 * for it, it lives until it signals.
 *
 * @param num       of @p fences, at least 1
 * @param fences    the array takes references of its own
 * @param context   from wwr_fence_context_alloc()
 * @param seqno     place in the context
 * @param ret_fence a reference
 * @retval 0       made
 * @retval -EINVAL @p num is 0, or one of @p fences is an array or a chain: unwrap it first, or use
 *                 wwr_fence_merge()
 * @retval -ENOMEM no memory
 * @par Thread safety
 * Any thread.
 * @par Kernel counterpart
 * dma_fence_array_create(), without signal_on_any
 */
WWR_API WWR_MUST_CHECK int wwr_fence_array_create(unsigned int num, struct wwr_fence *const *fences,
						  uint64_t context, uint64_t seqno,
						  struct wwr_fence **ret_fence);

/**
 * Was the fence made by wwr_fence_array_create() or wwr_fence_merge() of several?
 *
 * @param fence borrowed
 * @par Thread safety
 * Any thread.
 * @par Kernel counterpart
 * dma_fence_is_array()
 */
WWR_API bool wwr_fence_is_array(const struct wwr_fence *fence);

WWR_END_DECLS

#endif /* WWRESV_FENCE_ARRAY_H */
