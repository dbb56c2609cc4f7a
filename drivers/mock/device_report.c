/* SPDX-License-Identifier: MIT */
/* What a device and its jobs tell about themselves. */
#include "drivers/mock/job.h"
#include "drivers/mock/job_fence.h"
#include "drivers/mock/memory.h"
#include "drivers/mock/mock_device.h"
#include "drivers/mock/queue.h"
#include <wwresv/alloc.h>
#include "lockset/usage.h"

#include <errno.h>
#include <string.h>

unsigned int wwr_device_num_engines(const struct wwr_device *device)
{
	return device->num_engines;
}

void wwr_device_get_engine(struct wwr_device *device, unsigned int index,
			   struct wwr_engine_info *ret_info)
{
	const struct mock_engine *engine = &device->engines[index];

	WWR_USAGE(index < device->num_engines, "wwr_device_get_engine: device %p has no engine %u",
		  (void *)device, index);
	memcpy(ret_info->name, engine->name, sizeof(ret_info->name));
	ret_info->engine_class = engine->engine_class;
	ret_info->instance = engine->instance;

	pthread_mutex_lock(&device->lock);
	ret_info->busy = engine->job != NULL;
	ret_info->num_jobs = engine->num_jobs;
	ret_info->busy_ns = engine->busy_ns;
	if (ret_info->busy)
		ret_info->busy_ns += (uint64_t)(mock_now_ns() - engine->since_ns);
	pthread_mutex_unlock(&device->lock);
}

void wwr_device_get_stats(struct wwr_device *device, struct wwr_device_stats *ret_stats)
{
	pthread_mutex_lock(&device->lock);
	*ret_stats = device->stats;
	pthread_mutex_unlock(&device->lock);
}

static void job_info_before(const struct wwr_job *job, struct wwr_job_info *info)
{
	const struct wwr_job *first = job->queue->first;

	info->has_before = job->state != WWR_JOB_NEW && job->state != WWR_JOB_FINISHED &&
			   first != NULL && first != job;
	if (info->has_before)
		info->before_label = first->config.label;
}

void wwr_job_get_info(struct wwr_job *job, struct wwr_job_info *ret_info)
{
	struct wwr_device *device = job->queue->device;

	pthread_mutex_lock(&device->lock);
	*ret_info = (struct wwr_job_info){
	    .label = job->config.label,
	    .commit = job->fences->commit,
	    .state = job->state,
	    .engine = job->engine,
	    .priority = job->priority,
	    .endless = job->config.duration_ns == WWR_JOB_ENDLESS && !job->ended,
	    .preemptible = job->preemptible,
	    .touching = job->touching,
	    .torn = job->torn,
	    .queue_name = job->queue->name,
	    .submitted_ns = job->submitted_ns,
	    .ready_ns = job->ready_ns,
	    .started_ns = job->started_ns,
	    .finished_ns = job->finished_ns,
	};
	job_info_before(job, ret_info);
	pthread_mutex_unlock(&device->lock);
}

/* References to the unfinished jobs, at most `max` of them; returns how many there are. */
static size_t device_copy_jobs(struct wwr_device *device, struct wwr_job **jobs, size_t max)
{
	size_t num = 0;

	pthread_mutex_lock(&device->lock);
	for (struct wwr_job *job = device->first; job != NULL; job = job->next)
		num++;
	if (num <= max) {
		for (struct wwr_job *job = device->first; job != NULL; job = job->next)
			*jobs++ = wwr_job_get(job);
	}
	pthread_mutex_unlock(&device->lock);
	return num;
}

/* An array of references to all unfinished jobs: 0 or -ENOMEM. */
static int device_snapshot(struct wwr_device *device, struct wwr_job ***ret_jobs, size_t *ret_num)
{
	struct wwr_job **jobs = NULL;
	size_t max = 0;
	size_t num;

	while ((num = device_copy_jobs(device, jobs, max)) > max) {
		wwr_free(jobs);
		max = num;
		jobs = wwr_alloc_array(max, sizeof(struct wwr_job *));
		if (jobs == NULL)
			return -ENOMEM;
	}
	*ret_jobs = jobs;
	*ret_num = num;
	return 0;
}

/* Show one job; *ret_more = what the function said.  0 or -ENOMEM. */
static int device_show_job(struct wwr_job *job, const struct wwr_fence **pending,
			   bool (*fn)(const struct wwr_job_info *info, void *arg), void *arg)
{
	struct wwr_job_info info;

	wwr_job_get_info(job, &info);
	if (info.state == WWR_JOB_FINISHED)
		return true;
	for (uint32_t i = 0; i < job->num_deps; i++) {
		if (!wwr_fence_is_signaled(job->deps[i].fence))
			pending[info.num_pending++] = job->deps[i].fence;
	}
	info.pending = pending;
	return fn(&info, arg);
}

int wwr_device_for_each_job(struct wwr_device *device,
			    bool (*fn)(const struct wwr_job_info *info, void *arg), void *arg)
{
	const struct wwr_fence **pending = NULL;
	struct wwr_job **jobs;
	size_t max_deps = 1;
	size_t num;
	int ret;

	ret = device_snapshot(device, &jobs, &num);
	if (ret != 0)
		return ret;
	for (size_t i = 0; i < num; i++) {
		if (jobs[i]->num_deps > max_deps)
			max_deps = jobs[i]->num_deps;
	}
	pending = wwr_alloc_array(max_deps, sizeof(const struct wwr_fence *));
	if (pending == NULL)
		ret = -ENOMEM;

	for (size_t i = 0; i < num && ret == 0; i++) {
		if (!device_show_job(jobs[i], pending, fn, arg))
			break;
	}
	for (size_t i = 0; i < num; i++)
		wwr_job_put(jobs[i]);
	wwr_free(pending);
	wwr_free(jobs);
	return ret;
}

void wwr_device_get_memory(struct wwr_device *device, struct wwr_mm_stats *ret_stats)
{
	*ret_stats = (struct wwr_mm_stats){0};
	if (device->memory != NULL)
		wwr_mm_get_stats(device->memory->mm, ret_stats);
}
