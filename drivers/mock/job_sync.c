/* SPDX-License-Identifier: MIT */
/* The fences of a job as file descriptors. */
#include "drivers/mock/job.h"
#include "drivers/mock/job_fence.h"
#include "lockset/usage.h"

#include <wwresv/fence_merge.h>
#include <wwresv/sync_file.h>

int wwr_job_add_in_fence(struct wwr_job *job, int fd)
{
	struct wwr_fence *fence;
	int ret;

	ret = wwr_sync_file_get_fence(fd, &fence);
	if (ret != 0)
		return ret;
	ret = wwr_job_add_dependency(job, fence);
	wwr_fence_put(fence);
	return ret;
}

/* Wait for the start of each job that a fence is made of.  0 or -ENOMEM. */
static int job_add_sources(struct wwr_job *job, struct wwr_fence *fence)
{
	struct wwr_fence_unwrap iter;
	struct job_fence *source;
	struct wwr_fence *part;
	int ret = 0;

	wwr_fence_unwrap_begin(&iter, fence);
	while (ret == 0 && (part = wwr_fence_unwrap_next(&iter)) != NULL) {
		source = job_fence_of(part);
		ret = source != NULL ? job_add_source(job, source)
				     : wwr_job_add_dependency(job, part);
	}
	wwr_fence_unwrap_end(&iter);
	return ret;
}

int wwr_job_add_submit_fence_of(struct wwr_job *job, struct wwr_fence *fence)
{
	const uint32_t num_deps = job->num_deps;
	const uint32_t num_sources = job->num_sources;
	int ret;

	WWR_USAGE(!job->armed, "wwr_job_add_submit_fence_of: job %p was submitted", (void *)job);
	ret = job_add_sources(job, fence);
	if (ret != 0)
		job_drop_explicit(job, num_deps, num_sources);
	return ret;
}

int wwr_job_add_submit_fence(struct wwr_job *job, int fd)
{
	struct wwr_fence *fence;
	int ret;

	WWR_USAGE(!job->armed, "wwr_job_add_submit_fence: job %p was submitted", (void *)job);
	ret = wwr_sync_file_get_fence(fd, &fence);
	if (ret != 0)
		return ret;
	ret = wwr_job_add_submit_fence_of(job, fence);
	wwr_fence_put(fence);
	return ret;
}

int wwr_job_create_out_fence(struct wwr_job *job, int *ret_fd)
{
	WWR_USAGE(job->armed, "wwr_job_create_out_fence: job %p was not submitted", (void *)job);
	return wwr_sync_file_create(&job->fences->finished, ret_fd);
}
