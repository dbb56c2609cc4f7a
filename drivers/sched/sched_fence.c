/* SPDX-License-Identifier: MIT */
#include "drivers/sched/sched_job.h"

#include "lockset/wwr_atomic.h"

#include <wwresv/alloc.h>

static const char *fence_driver_name(const struct wwr_fence *fence)
{
	(void)fence;
	return "wwresv-sched";
}

static const char *scheduled_timeline_name(const struct wwr_fence *fence)
{
	return WWR_CONTAINER_OF(fence, struct wwr_sched_fence, scheduled)->entity->name;
}

static const char *finished_timeline_name(const struct wwr_fence *fence)
{
	return WWR_CONTAINER_OF(fence, struct wwr_sched_fence, finished)->entity->name;
}

static void scheduled_release(struct wwr_fence *fence)
{
	sched_fence_destroy(WWR_CONTAINER_OF(fence, struct wwr_sched_fence, scheduled));
}

/* It kept the other one, so that who has this one can get at that one. */
static void finished_release(struct wwr_fence *fence)
{
	wwr_fence_put(&WWR_CONTAINER_OF(fence, struct wwr_sched_fence, finished)->scheduled);
}

static const struct wwr_fence_ops scheduled_ops = {
    .driver_name = fence_driver_name,
    .timeline_name = scheduled_timeline_name,
    .release = scheduled_release,
};

static const struct wwr_fence_ops finished_ops = {
    .driver_name = fence_driver_name,
    .timeline_name = finished_timeline_name,
    .release = finished_release,
};

struct wwr_sched_fence *sched_fence_create(struct wwr_sched_entity *entity)
{
	struct wwr_sched_fence *fences = wwr_alloc(sizeof(*fences));

	if (fences != NULL)
		fences->entity = wwr_sched_entity_get(entity);
	return fences;
}

void sched_fence_destroy(struct wwr_sched_fence *fences)
{
	wwr_sched_entity_put(fences->entity);
	wwr_free(fences);
}

void sched_fence_arm(struct wwr_sched_fence *fences, uint64_t seqno, uint64_t sched_id)
{
	fences->sched_id = sched_id;
	wwr_fence_init(&fences->scheduled, &scheduled_ops, fences->entity->context, seqno);
	wwr_fence_init(&fences->finished, &finished_ops, fences->entity->context + 1, seqno);
	wwr_fence_get(&fences->scheduled);
}

struct wwr_fence *sched_fence_on_ring(struct wwr_fence *fence, uint64_t sched_id)
{
	/* Relaxed: a foreign fence may change its table meanwhile, but never to ours. */
	if (wwr_atomic_load(&fence->ops, WWR_RELAXED) != &finished_ops ||
	    WWR_CONTAINER_OF(fence, struct wwr_sched_fence, finished)->sched_id != sched_id)
		return fence;
	return &WWR_CONTAINER_OF(fence, struct wwr_sched_fence, finished)->scheduled;
}
