/* SPDX-License-Identifier: MIT */
/* What arrays and chains have in common: their result before and when they signal. */
#include "reservation/fence_container.h"

static void container_set_error(struct wwr_fence *fence, const struct fence_result *result)
{
	/* Relaxed: the signal publishes it; whoever comes to write it writes the same. */
	if (result->error != 0)
		wwr_atomic_store(&fence->error, result->error, WWR_RELAXED);
}

bool fence_container_poll(struct wwr_fence *fence, struct fence_result *ret_result)
{
	uintptr_t expected = 0;

	if (fence_is_chain(fence) ? !fence_chain_poll(fence_to_chain(fence), ret_result)
				  : !fence_array_poll(fence_to_array(fence), ret_result))
		return false;
	/*
	 * Mark it, if that calls nobody: then the next one need not look at all the members.  If
	 * there are callbacks, the thread that signalled the last member is about to call them.
	 */
	container_set_error(fence, ret_result);
	/* Release pairs with the acquire in wwr_fence_is_signaled(): error, and the members' work.
	 */
	if (wwr_atomic_cas(&fence->callbacks, &expected, FENCE_SIGNALED | FENCE_BUSY,
			   WWR_ACQ_REL)) {
		/* Relaxed: as in wwr_fence_signal_at(). */
		wwr_atomic_store(&fence->timestamp_ns, ret_result->timestamp_ns, WWR_RELAXED);
		fence_release_list(fence, FENCE_SIGNALED);
	}
	return true;
}

void fence_container_finish(struct wwr_fence *fence, const struct fence_result *result)
{
	container_set_error(fence, result);
	/* -EINVAL: somebody has looked and marked it. */
	(void)wwr_fence_signal_at(fence, result->timestamp_ns);
	wwr_fence_put(fence);
}
