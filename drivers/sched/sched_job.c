/* SPDX-License-Identifier: MIT */
/* A job until it is armed: what it waits for. */
#include "drivers/sched/sched_job.h"

#include "drivers/sched/sched_entity.h"
#include "lockset/usage.h"

#include <wwresv/alloc.h>
#include <wwresv/syncobj.h>

#include <errno.h>
#include <string.h>

#define MIN_DEPS 4

int wwr_sched_job_init(struct wwr_sched_job *job, struct wwr_sched_entity *entity, uint32_t credits)
{
	*job = (struct wwr_sched_job){.credits = credits, .state = JOB_NEW};
	if (credits == 0 || credits > entity->max_credits)
		return -EINVAL;
	job->fences = sched_fence_create(entity);
	if (job->fences == NULL)
		return -ENOMEM;
	job->entity = wwr_sched_entity_get(entity);
	return 0;
}

void job_drop_deps(struct wwr_sched_job *job)
{
	for (uint32_t i = 0; i < job->num_deps; i++) {
		(void)wwr_fence_remove_callback(job->deps[i].fence, &job->deps[i].cb);
		wwr_fence_put(job->deps[i].fence);
	}
	wwr_free(job->deps);
	job->deps = NULL;
	job->num_deps = 0;
}

void wwr_sched_job_fini(struct wwr_sched_job *job)
{
	WWR_USAGE(job->sched == NULL, "wwr_sched_job_fini: job %p is armed", (void *)job);
	job_drop_deps(job);
	sched_fence_destroy(job->fences);
	wwr_sched_entity_put(job->entity);
}

/* Make room for so many more: 0 or -ENOMEM. */
static int job_grow_deps(struct wwr_sched_job *job, uint32_t num_more)
{
	uint32_t max_deps = job->max_deps < MIN_DEPS / 2 ? MIN_DEPS : job->max_deps * 2;
	struct wwr_sched_dep *deps;

	if (job->max_deps - job->num_deps >= num_more)
		return 0;
	if (max_deps < job->num_deps + num_more)
		max_deps = job->num_deps + num_more;
	deps = wwr_alloc_array(max_deps, sizeof(*deps));
	if (deps == NULL)
		return -ENOMEM;
	if (job->num_deps != 0)
		memcpy(deps, job->deps, job->num_deps * sizeof(*deps));
	wwr_free(job->deps);
	job->deps = deps;
	job->max_deps = max_deps;
	return 0;
}

/* The order of the entity sees to its own jobs. */
static bool job_needs(const struct wwr_sched_job *job, const struct wwr_fence *fence)
{
	return fence->context != job->entity->context &&
	       fence->context != job->entity->context + 1 && !wwr_fence_is_signaled(fence);
}

/* Is there one of its context, which is as late or can be replaced?  Then no room is needed. */
static bool job_merge_dep(struct wwr_sched_job *job, struct wwr_fence *fence)
{
	for (uint32_t i = 0; i < job->num_deps; i++) {
		struct wwr_fence *other = job->deps[i].fence;

		if (other->context != fence->context)
			continue;
		if (wwr_fence_is_later(fence, other)) {
			job->deps[i].fence = wwr_fence_get(fence);
			wwr_fence_put(other);
		}
		return true;
	}
	return false;
}

/* There is room. */
static void job_add_dep(struct wwr_sched_job *job, struct wwr_fence *fence)
{
	if (!job_needs(job, fence) || job_merge_dep(job, fence))
		return;
	job->deps[job->num_deps++] =
	    (struct wwr_sched_dep){.fence = wwr_fence_get(fence), .job = job};
}

int wwr_sched_job_add_dependency(struct wwr_sched_job *job, struct wwr_fence *fence)
{
	WWR_USAGE(job->sched == NULL, "wwr_sched_job_add_dependency: job %p is armed", (void *)job);
	if (!job_needs(job, fence) || job_merge_dep(job, fence))
		return 0;
	if (job_grow_deps(job, 1) != 0)
		return -ENOMEM;
	job_add_dep(job, fence);
	return 0;
}

int wwr_sched_job_add_resv_dependencies(struct wwr_sched_job *job, struct wwr_resv *resv,
					enum wwr_resv_usage usage)
{
	struct wwr_resv_iter iter;
	struct wwr_fence *fence;
	uint32_t num = 0;

	wwr_mutex_assert_held(&resv->mutex);
	WWR_USAGE(job->sched == NULL, "wwr_sched_job_add_resv_dependencies: job %p is armed",
		  (void *)job);
	wwr_resv_iter_begin(&iter, resv, usage);
	while ((fence = wwr_resv_iter_next(&iter)) != NULL)
		num += job_needs(job, fence);
	if (num == 0)
		return 0;
	if (job_grow_deps(job, num) != 0)
		return -ENOMEM;
	/* The lock is held: there is no fence now that was not there before. */
	wwr_resv_iter_begin(&iter, resv, usage);
	while ((fence = wwr_resv_iter_next(&iter)) != NULL)
		job_add_dep(job, fence);
	return 0;
}

int wwr_sched_job_add_syncobj_dependency(struct wwr_sched_job *job, struct wwr_syncobj *syncobj,
					 uint64_t point)
{
	struct wwr_fence *fence;
	int ret = wwr_syncobj_find_fence(syncobj, point, 0, NULL, 0, &fence);

	if (ret != 0)
		return ret;
	ret = wwr_sched_job_add_dependency(job, fence);
	wwr_fence_put(fence);
	return ret;
}

struct wwr_fence *wwr_sched_job_scheduled(struct wwr_sched_job *job)
{
	return &job->fences->scheduled;
}

struct wwr_fence *wwr_sched_job_finished(struct wwr_sched_job *job)
{
	return &job->fences->finished;
}

struct wwr_sched *wwr_sched_job_sched(const struct wwr_sched_job *job)
{
	return job->sched;
}
