/* SPDX-License-Identifier: MIT */
#include "drivers/mock/job.h"

#include "drivers/mock/device_bo.h"
#include "drivers/mock/job_fence.h"
#include "drivers/mock/mock_device.h"
#include "drivers/mock/queue.h"
#include "drivers/mock/run_queue.h"
#include <wwresv/alloc.h>
#include "lockset/usage.h"
#include "lockset/wwr_atomic.h"

#include <errno.h>
#include <string.h>

#define MIN_ROOM 4

/*
 * Make room for one more entry, or for `wanted` in all: returns the array, maybe moved, or NULL
 * with the old one left alone.
 */
static void *array_grow(void *array, uint32_t num, uint32_t wanted, uint32_t *max,
			size_t entry_bytes)
{
	uint32_t new_max = *max < MIN_ROOM / 2 ? MIN_ROOM : *max * 2;
	void *new_array;

	if (num < *max && wanted <= *max)
		return array;
	if (new_max < wanted)
		new_max = wanted;
	new_array = wwr_alloc_array(new_max, entry_bytes);
	if (new_array == NULL)
		return NULL;
	if (num != 0)
		memcpy(new_array, array, num * entry_bytes);
	wwr_free(array);
	*max = new_max;
	return new_array;
}

static int job_grow_buffers(struct wwr_job *job, uint32_t wanted)
{
	void *array = array_grow(job->accesses, job->num_buffers, wanted, &job->max_accesses,
				 sizeof(*job->accesses));

	if (array == NULL)
		return -ENOMEM;
	job->accesses = array;

	array = array_grow(job->bos, job->num_buffers, wanted, &job->max_bos, sizeof(*job->bos));
	if (array == NULL)
		return -ENOMEM;
	job->bos = array;
	return 0;
}

static int job_grow_sources(struct wwr_job *job)
{
	void *array = array_grow(job->sources, job->num_sources, 0, &job->max_sources,
				 sizeof(struct job_fence *));

	if (array == NULL)
		return -ENOMEM;
	job->sources = array;

	array = array_grow(job->start_tokens, job->num_sources, 0, &job->max_tokens,
			   sizeof(*job->start_tokens));
	if (array == NULL)
		return -ENOMEM;
	job->start_tokens = array;
	return 0;
}

int job_add_dep(struct wwr_job *job, struct wwr_fence *fence)
{
	struct job_dep *deps =
	    array_grow(job->deps, job->num_deps, 0, &job->max_deps, sizeof(*job->deps));

	if (deps == NULL)
		return -ENOMEM;
	job->deps = deps;
	deps[job->num_deps++] = (struct job_dep){.fence = wwr_fence_get(fence), .job = job};
	return 0;
}

void job_drop_implicit_deps(struct wwr_job *job)
{
	while (job->num_deps > job->num_explicit)
		wwr_fence_put(job->deps[--job->num_deps].fence);
}

void job_drop_explicit(struct wwr_job *job, uint32_t num_deps, uint32_t num_sources)
{
	job->num_explicit = num_deps;
	job_drop_implicit_deps(job);
	while (job->num_sources > num_sources)
		wwr_fence_put(&job->sources[--job->num_sources]->started);
}

static void job_release_fences(struct wwr_job *job)
{
	if (!job->armed) {
		job_fence_destroy(job->fences);
		return;
	}
	/* The second put may free what holds both. */
	wwr_fence_put(&job->fences->started);
	if (job->queue->entity != NULL)
		wwr_fence_put(&job->fences->done);
	wwr_fence_put(&job->fences->finished);
}

void job_forget_pieces(struct wwr_job *job)
{
	for (uint32_t i = 0; i < job->num_buffers; i++) {
		wwr_free((void *)job->accesses[i].pieces);
		job->accesses[i].pieces = NULL;
	}
}

static void job_release(struct wwr_job *job)
{
	for (uint32_t i = 0; i < job->num_deps; i++)
		wwr_fence_put(job->deps[i].fence);
	for (uint32_t i = 0; i < job->num_sources; i++)
		wwr_fence_put(&job->sources[i]->started);
	for (uint32_t i = 0; i < job->num_buffers; i++)
		wwr_device_bo_put(job->bos[i]);
	job_forget_pieces(job);
	/* Else the scheduler has given it back. */
	if (job->has_sched_job)
		wwr_sched_job_fini(&job->sched_job);
	job_release_fences(job);
	queue_bonds_put(job->bonds);
	wwr_queue_put(job->queue);

	wwr_free(job->deps);
	wwr_free(job->sources);
	wwr_free(job->start_tokens);
	wwr_free(job->bos);
	wwr_free(job->accesses);
	wwr_free(job);
}

int wwr_job_create(struct wwr_queue *queue, const struct wwr_job_config *config,
		   struct wwr_job **ret_job)
{
	struct wwr_job *job;

	if (config != NULL && (config->duration_ns < 0 || config->interval_ns < 0))
		return -EINVAL;
	job = wwr_alloc(sizeof(*job));
	if (job == NULL)
		return -ENOMEM;
	if (config != NULL)
		job->config = *config;
	job->fences = job_fence_create(queue, job->config.label);
	if (job->fences == NULL)
		goto err_free_job;

	job->refcount = 1;
	job->queue = wwr_queue_get(queue);
	job->engine = -1;
	job->bound = -1;
	if (job_grow_buffers(job, job->config.num_buffers) != 0)
		goto err_put_job;
	*ret_job = job;
	return 0;

err_put_job:
	wwr_job_put(job);
	return -ENOMEM;
err_free_job:
	wwr_free(job);
	return -ENOMEM;
}

struct wwr_job *wwr_job_get(struct wwr_job *job)
{
	/* Relaxed: the caller has a reference, which keeps the job. */
	(void)wwr_atomic_fetch_add(&job->refcount, 1, WWR_RELAXED);
	return job;
}

void wwr_job_put(struct wwr_job *job)
{
	if (job == NULL)
		return;
	/* Release and acquire pair among the puts: the last one sees all uses before the others. */
	if (wwr_atomic_fetch_sub(&job->refcount, 1, WWR_ACQ_REL) == 1)
		job_release(job);
}

int wwr_job_add_buffer(struct wwr_job *job, struct wwr_device_bo *bo, uint32_t access)
{
	const uint32_t read_write = WWR_ACCESS_READ | WWR_ACCESS_WRITE;
	int ret;

	WWR_USAGE(!job->armed, "wwr_job_add_buffer: job %p was submitted", (void *)job);
	if ((access & ~WWR_ACCESS_MASK) != 0 || (access & read_write) == 0)
		return -EINVAL;
	if ((access & WWR_ACCESS_DATA) != 0 && (access & WWR_ACCESS_READ) == 0)
		return -EINVAL;
	ret = job_grow_buffers(job, 0);
	if (ret != 0)
		return ret;

	job->bos[job->num_buffers] = wwr_device_bo_get(bo);
	job->accesses[job->num_buffers] = (struct wwr_effect_access){
	    .bytes = bo->map,
	    .num_bytes = bo->touched_bytes,
	    .access = access,
	};
	job->num_buffers++;
	return 0;
}

int wwr_job_add_dependency(struct wwr_job *job, struct wwr_fence *fence)
{
	int ret;

	WWR_USAGE(!job->armed, "wwr_job_add_dependency: job %p was submitted", (void *)job);
	ret = job_add_dep(job, fence);
	if (ret != 0)
		return ret;
	job->num_explicit++;
	return 0;
}

int job_add_source(struct wwr_job *job, struct job_fence *other)
{
	int ret;

	ret = job_grow_sources(job);
	if (ret != 0)
		return ret;
	if ((job->queue->device->break_deps & WWR_BREAK_SUBMIT) == 0) {
		ret = wwr_job_add_dependency(job, &other->started);
		if (ret != 0)
			return ret;
	}
	wwr_fence_get(&other->started);
	job->sources[job->num_sources++] = other;
	return 0;
}

int wwr_job_add_submit_dependency(struct wwr_job *job, struct wwr_job *other)
{
	WWR_USAGE(!job->armed, "wwr_job_add_submit_dependency: job %p was submitted", (void *)job);
	WWR_USAGE(other->armed, "wwr_job_add_submit_dependency: job %p was not submitted",
		  (void *)other);
	return job_add_source(job, other->fences);
}

void wwr_job_end(struct wwr_job *job)
{
	struct wwr_device *device = job->queue->device;

	WWR_USAGE(job->armed, "wwr_job_end: job %p was not submitted", (void *)job);
	pthread_mutex_lock(&device->lock);
	if (!job->ended) {
		job->ended = true;
		run_queue_job_ended(job);
	}
	pthread_mutex_unlock(&device->lock);
}

struct wwr_fence *wwr_job_started(struct wwr_job *job)
{
	WWR_USAGE(job->armed, "wwr_job_started: job %p was not submitted", (void *)job);
	return &job->fences->started;
}

struct wwr_fence *wwr_job_finished(struct wwr_job *job)
{
	WWR_USAGE(job->armed, "wwr_job_finished: job %p was not submitted", (void *)job);
	return &job->fences->finished;
}
