/* SPDX-License-Identifier: MIT */
/* What arrays and chains have in common: their result before and when they signal. */
#include "reservation/fence_container.h"

#include <wwresv/fence_merge.h>

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
	if (wwr_atomic_cas(&fence->callbacks, &expected, FENCE_SIGNALED, WWR_RELEASE))
		/* Relaxed: as in wwr_fence_signal_at(). */
		wwr_atomic_store(&fence->timestamp_ns, ret_result->timestamp_ns, WWR_RELAXED);
	return true;
}

void fence_container_finish(struct wwr_fence *fence, const struct fence_result *result)
{
	container_set_error(fence, result);
	/* -EINVAL: somebody has looked and marked it. */
	(void)wwr_fence_signal_at(fence, result->timestamp_ns);
	wwr_fence_put(fence);
}

void wwr_fence_set_client_dependent(struct wwr_fence *fence)
{
	/* Relaxed: whoever publishes the fence publishes the flag. */
	(void)wwr_atomic_fetch_or(&fence->flags, FENCE_CLIENT, WWR_RELAXED);
}

bool wwr_fence_is_client_dependent(const struct wwr_fence *fence)
{
	struct wwr_fence_unwrap iter;
	const struct wwr_fence *part;
	bool found = false;

	if (!fence_is_client_marked(fence) || wwr_fence_is_signaled(fence))
		return false;
	/* What it is made of may have signalled; looking at it changes nothing for anybody. */
	wwr_fence_unwrap_begin(&iter, (struct wwr_fence *)fence);
	while (!found && (part = wwr_fence_unwrap_next(&iter)) != NULL)
		found = fence_is_client_marked(part) && !wwr_fence_is_signaled(part);
	wwr_fence_unwrap_end(&iter);
	return found;
}
