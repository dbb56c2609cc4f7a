/* SPDX-License-Identifier: MIT */
#include "tools/submit/fences.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <wwresv/fence.h>
#include <wwresv/job.h>
#include <wwresv/sync_file.h>
#include <wwresv/sync_timeline.h>

#include "tools/submit/plan.h"

int fences_init(struct fences *fences, const struct plan_client *client)
{
	size_t num_steps = client->workload->wsim->num_steps;
	char name[WWR_SYNC_NAME_BYTES];
	size_t i;

	*fences = (struct fences){.workload = client->workload, .client = client->number};
	fences->values = calloc(num_steps + 1, sizeof(*fences->values));
	fences->fds = calloc(num_steps + 1, sizeof(*fences->fds));
	if (fences->values == NULL || fences->fds == NULL)
		return -ENOMEM;
	for (i = 0; i < num_steps; i++)
		fences->fds[i] = -1;
	snprintf(name, sizeof(name), "client %" PRIu32, client->number);
	return wwr_sync_timeline_create(name, &fences->timeline);
}

static void close_fd(struct fences *fences, size_t step)
{
	if (fences->fds[step] < 0)
		return;
	close(fences->fds[step]);
	fences->fds[step] = -1;
}

/* The fence of the next point of the timeline, with the name that reports use. */
static int create_point(struct fences *fences, uint32_t step, struct wwr_fence **ret_fence)
{
	char name[WWR_SYNC_NAME_BYTES];
	int ret;

	snprintf(name, sizeof(name), "step %" PRIu32 " of client %" PRIu32, step, fences->client);
	ret = wwr_sync_timeline_create_fence(fences->timeline, fences->last_value + 1, name,
					     ret_fence);
	if (ret == 0)
		fences->values[step] = ++fences->last_value;
	return ret;
}

int fences_add(struct fences *fences, uint32_t step)
{
	struct wwr_fence *fence;
	int ret;

	ret = create_point(fences, step, &fence);
	if (ret != 0)
		return ret;
	ret = wwr_sync_file_create(fence, &fences->fds[step]);
	wwr_fence_put(fence);
	if (fences->workload->last_use[step] == PLAN_NO_USE)
		close_fd(fences, step);
	return ret;
}

static void reach_value(struct fences *fences, uint64_t value)
{
	uint64_t now = wwr_sync_timeline_value(fences->timeline);

	/* A loop has fewer steps than 32 bits count. */
	if (value > now)
		wwr_sync_timeline_inc(fences->timeline, (uint32_t)(value - now));
}

void fences_reach(struct fences *fences, size_t step)
{
	reach_value(fences, fences->values[step]);
}

void fences_end_loop(struct fences *fences)
{
	size_t i;

	reach_value(fences, fences->last_value);
	for (i = 0; i < fences->workload->wsim->num_steps; i++)
		close_fd(fences, i);
}

void fences_fini(struct fences *fences)
{
	if (fences->timeline != NULL)
		fences_end_loop(fences);
	wwr_sync_timeline_destroy(fences->timeline);
	free(fences->values);
	free(fences->fds);
	*fences = (struct fences){0};
}

int fences_add_to_job(const struct fences *fences, const struct wsim_batch *batch,
		      struct wwr_job *job)
{
	const struct wsim_dep *dep;
	size_t i;
	int ret = 0;

	for (i = 0; i < batch->num_deps && ret == 0; i++) {
		dep = &batch->deps[i];
		if (dep->kind != WSIM_DEP_FENCE && dep->kind != WSIM_DEP_SUBMIT)
			continue;
		/* A batch that gave up has none: nothing to wait for. */
		if (fences->fds[dep->step] < 0)
			continue;
		ret = dep->kind == WSIM_DEP_FENCE
			  ? wwr_job_add_in_fence(job, fences->fds[dep->step])
			  : wwr_job_add_submit_fence(job, fences->fds[dep->step]);
	}
	return ret;
}

int fences_take_from_job(struct fences *fences, uint32_t step, struct wwr_job *job)
{
	if (fences->workload->last_use[step] == PLAN_NO_USE)
		return 0;
	return wwr_job_create_out_fence(job, &fences->fds[step]);
}

void fences_close_used(struct fences *fences, const struct wsim_batch *batch, uint32_t step)
{
	const struct wsim_dep *dep;
	size_t i;

	for (i = 0; i < batch->num_deps; i++) {
		dep = &batch->deps[i];
		if ((dep->kind == WSIM_DEP_FENCE || dep->kind == WSIM_DEP_SUBMIT) &&
		    fences->workload->last_use[dep->step] == step)
			close_fd(fences, dep->step);
	}
}
