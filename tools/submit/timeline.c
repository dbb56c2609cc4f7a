/* SPDX-License-Identifier: MIT */
#include "tools/submit/timeline.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <wwresv/fence.h>
#include <wwresv/macros.h>

struct timeline_fence {
	struct wwr_fence base;
	struct timeline_fence *next;
	char name[64];
};

static const char *driver_name(const struct wwr_fence *fence)
{
	(void)fence;
	return "software";
}

static const char *timeline_name(const struct wwr_fence *fence)
{
	return WWR_CONTAINER_OF(fence, struct timeline_fence, base)->name;
}

static void release(struct wwr_fence *fence)
{
	free(WWR_CONTAINER_OF(fence, struct timeline_fence, base));
}

static const struct wwr_fence_ops timeline_fence_ops = {
    .driver_name = driver_name,
    .timeline_name = timeline_name,
    .release = release,
};

void timeline_init(struct timeline *timeline, uint32_t client)
{
	*timeline = (struct timeline){
	    .client = client,
	    .context = wwr_fence_context_alloc(1),
	};
}

int timeline_add(struct timeline *timeline, uint32_t step, struct wwr_fence **ret_fence)
{
	struct timeline_fence *fence;

	/* Aligned for the fence, which keeps bits in pointers. */
	if (posix_memalign((void **)&fence, WWR_CACHE_LINE, sizeof(*fence)) != 0)
		return -ENOMEM;
	fence->next = NULL;
	snprintf(fence->name, sizeof(fence->name), "fence of step %" PRIu32 " of client %" PRIu32,
		 step, timeline->client);
	wwr_fence_init(&fence->base, &timeline_fence_ops, timeline->context,
		       ++timeline->last_seqno);
	if (timeline->last != NULL)
		timeline->last->next = fence;
	else
		timeline->first = fence;
	timeline->last = fence;
	*ret_fence = wwr_fence_get(&fence->base);
	return 0;
}

static void reach_seqno(struct timeline *timeline, uint64_t seqno)
{
	struct timeline_fence *fence;

	while (timeline->first != NULL && timeline->first->base.seqno <= seqno) {
		fence = timeline->first;
		timeline->first = fence->next;
		if (timeline->first == NULL)
			timeline->last = NULL;
		(void)wwr_fence_signal(&fence->base);
		wwr_fence_put(&fence->base);
	}
}

void timeline_reach(struct timeline *timeline, const struct wwr_fence *fence)
{
	reach_seqno(timeline, fence->seqno);
}

void timeline_reach_end(struct timeline *timeline)
{
	reach_seqno(timeline, timeline->last_seqno);
}

void timeline_fini(struct timeline *timeline)
{
	timeline_reach_end(timeline);
}
