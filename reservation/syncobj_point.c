/* SPDX-License-Identifier: MIT */
/* Points of a syncobj's fence.  Nothing here knows of syncobjs or of their locks. */
#include "reservation/syncobj_point.h"

#include <wwresv/fence.h>
#include <wwresv/fence_chain.h>
#include <wwresv/fence_merge.h>

#include "reservation/fence_container.h"

#include <assert.h>

/* Adding a point looks at so many others: enough to keep up, and no more for long timelines. */
#define COLLECT_STEPS 16

bool syncobj_has_point(const struct wwr_fence *head, uint64_t point)
{
	if (head == NULL || point == 0)
		return head != NULL;
	return fence_is_chain(head) && head->seqno >= point;
}

struct wwr_fence *syncobj_find_point(struct wwr_fence *head, uint64_t point)
{
	struct wwr_fence *fence = NULL;
	int ret = wwr_fence_chain_find_seqno(head, point, &fence);

	assert(ret == 0);
	(void)ret;
	wwr_fence_put(head);
	/* None: everything up to the point is done. */
	return fence != NULL ? fence : wwr_fence_stub();
}

uint64_t syncobj_last_submitted(const struct wwr_fence *head)
{
	return head != NULL && fence_is_chain(head) ? head->seqno : 0;
}

uint64_t syncobj_last_done(struct wwr_fence *head)
{
	struct wwr_fence *oldest;
	struct wwr_fence *node;
	uint64_t point = 0;

	if (head == NULL || !fence_is_chain(head))
		return 0;
	oldest = wwr_fence_get(head);
	for (node = wwr_fence_chain_walk(wwr_fence_get(head));
	     node != NULL && fence_is_chain(node) && node->context == head->context;
	     node = wwr_fence_chain_walk(node)) {
		wwr_fence_put(oldest);
		oldest = wwr_fence_get(node);
	}
	/* If something of another context is pending before them all, none of them is done. */
	if (node == NULL)
		point = wwr_fence_is_signaled(oldest) ? oldest->seqno
						      : fence_to_chain(oldest)->prev_seqno;
	wwr_fence_put(node);
	wwr_fence_put(oldest);
	return point;
}

void syncobj_collect_points(struct wwr_fence *head)
{
	struct wwr_fence *node = head;

	for (int i = 0; i < COLLECT_STEPS && node != NULL; i++)
		node = wwr_fence_chain_walk(node);
	wwr_fence_put(node);
}

int syncobj_flatten(struct wwr_fence *fence, struct wwr_fence **ret_fence)
{
	if (fence_is_chain(fence))
		return wwr_fence_merge(1, &fence, ret_fence);
	*ret_fence = wwr_fence_get(fence);
	return 0;
}
