/* SPDX-License-Identifier: MIT */
#include "drivers/mock/job_fence.h"

#include "drivers/mock/queue.h"
#include <wwresv/alloc.h>
#include "lockset/wwr_atomic.h"

#include <wwresv/device.h>

static const char *job_fence_driver_name(const struct wwr_fence *fence)
{
	(void)fence;
	return "wwresv-mock";
}

static const char *started_timeline_name(const struct wwr_fence *fence)
{
	return WWR_CONTAINER_OF(fence, struct job_fence, started)->queue->name;
}

static const char *finished_timeline_name(const struct wwr_fence *fence)
{
	return WWR_CONTAINER_OF(fence, struct job_fence, finished)->queue->name;
}

static void job_fence_put(struct job_fence *fences)
{
	/* Release and acquire pair between the two releases: the last one frees. */
	if (wwr_atomic_fetch_sub(&fences->refcount, 1, WWR_ACQ_REL) == 1)
		job_fence_destroy(fences);
}

static void started_release(struct wwr_fence *fence)
{
	job_fence_put(WWR_CONTAINER_OF(fence, struct job_fence, started));
}

static void finished_release(struct wwr_fence *fence)
{
	struct job_fence *fences = WWR_CONTAINER_OF(fence, struct job_fence, finished);

	wwr_fence_put(&fences->started);
	job_fence_put(fences);
}

static const struct wwr_fence_ops started_ops = {
    .driver_name = job_fence_driver_name,
    .timeline_name = started_timeline_name,
    .release = started_release,
};

static void done_release(struct wwr_fence *fence)
{
	job_fence_put(WWR_CONTAINER_OF(fence, struct job_fence, done));
}

static const char *done_timeline_name(const struct wwr_fence *fence)
{
	return WWR_CONTAINER_OF(fence, struct job_fence, done)->queue->name;
}

static const struct wwr_fence_ops done_ops = {
    .driver_name = job_fence_driver_name,
    .timeline_name = done_timeline_name,
    .release = done_release,
};

static const struct wwr_fence_ops finished_ops = {
    .driver_name = job_fence_driver_name,
    .timeline_name = finished_timeline_name,
    .release = finished_release,
};

struct job_fence *job_fence_create(struct wwr_queue *queue, uint64_t label)
{
	struct job_fence *fences = wwr_alloc(sizeof(*fences));

	if (fences == NULL)
		return NULL;
	fences->queue = wwr_queue_get(queue);
	fences->label = label;
	fences->start_engine = -1;
	fences->ring = -1;
	return fences;
}

void job_fence_destroy(struct job_fence *fences)
{
	wwr_queue_put(fences->queue);
	wwr_free(fences);
}

void job_fence_arm(struct job_fence *fences, uint64_t seqno, uint64_t commit)
{
	fences->commit = commit;
	fences->refcount = fences->queue->entity != NULL ? 3 : 2;
	wwr_fence_init(&fences->finished, &finished_ops, fences->queue->context, seqno);
	wwr_fence_init(&fences->started, &started_ops, fences->queue->context + 1, seqno);
	/* Whoever has the finished one may ask for the start, however late. */
	(void)wwr_fence_get(&fences->started);
	if (fences->queue->entity != NULL)
		wwr_fence_init(&fences->done, &done_ops, fences->queue->context + 2, seqno);
}

struct job_fence *job_fence_of(const struct wwr_fence *fence)
{
	/* Relaxed: a foreign fence may change its table meanwhile, but never to one of ours. */
	const struct wwr_fence_ops *ops = wwr_atomic_load(&fence->ops, WWR_RELAXED);

	if (ops == &finished_ops)
		return WWR_CONTAINER_OF(fence, struct job_fence, finished);
	if (ops == &started_ops)
		return WWR_CONTAINER_OF(fence, struct job_fence, started);
	return NULL;
}

bool wwr_job_fence_info(const struct wwr_fence *fence, struct wwr_job_fence_info *ret_info)
{
	const struct job_fence *fences = job_fence_of(fence);

	if (fences == NULL)
		return false;
	ret_info->label = fences->label;
	ret_info->commit = fences->commit;
	ret_info->device = fences->queue->device;
	ret_info->finished = fence == &fences->finished;
	ret_info->engine = -1;
	if (wwr_fence_is_signaled(fence))
		ret_info->engine = ret_info->finished ? fences->engine : fences->start_engine;
	return true;
}
