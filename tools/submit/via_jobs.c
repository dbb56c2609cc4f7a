/* SPDX-License-Identifier: MIT */
/* Jobs through the driver: submitted, waited for, ended and looked at. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include <wwresv/device.h>
#include <wwresv/uapi/wwr_drm.h>
#include <xf86drm.h>

#include "tools/submit/plan_bonds.h"
#include "tools/submit/via_file.h"

/* The slot of one of the client's buffers. */
static uint32_t slot_of(const struct plan_client *client, uint32_t buffer)
{
	const struct plan_workload *workload = client->workload;

	if (buffer - workload->shared_base < workload->num_shared)
		return buffer - workload->shared_base;
	return buffer - client->private_base + workload->num_shared;
}

/* The block with all that the arrays of a job are about. */
static struct wwr_drm_submit fill_block(struct via_file *file, const struct via_job *job)
{
	struct wwr_drm_submit submit = {
	    .flags = job->endless ? WWR_DRM_SUBMIT_ENDLESS : 0,
	    .queue = file->queues[job->queue],
	    .num_bos = job->num_accesses,
	    .bos = (uintptr_t)file->bos,
	    .bo_stride = sizeof(*file->bos),
	    .sync_stride = sizeof(*job->deps),
	    .num_in_syncs = job->num_deps,
	    .in_syncs = (uintptr_t)job->deps,
	    .duration_ns = job->duration_ns,
	    .interval_ns = job->interval_ns,
	    .seed = job->seed,
	    .label = job->label,
	    .retry_limit = job->retry_limit,
	};
	uint32_t i;

	for (i = 0; i < job->num_accesses; i++) {
		file->bos[i].handle = file->handles[slot_of(file->client, job->accesses[i].buffer)];
		file->bos[i].flags = job->accesses[i].access & WWR_DRM_BO_USE_FLAGS;
	}
	return submit;
}

static void take_answer(const struct via_file *file, const struct via_job *job,
			const struct wwr_drm_submit_stats *stats, struct via_answer *answer)
{
	uint32_t i;

	answer->retries = stats->retries;
	answer->num_backoffs = stats->num_backoffs;
	answer->losses = stats->losses;
	answer->restarts = stats->restarts;
	answer->num_locks = stats->num_locks;
	answer->wait_ns = stats->wait_ns;
	answer->reserve_ns = stats->reserve_ns;
	for (i = 0; i < job->num_accesses && stats->contended != 0; i++) {
		if (file->bos[i].handle != stats->contended)
			continue;
		answer->has_contended = true;
		answer->contended = job->accesses[i].buffer;
	}
}

static int set_queue(const struct via_file *file, uint32_t queue, uint32_t property, int64_t value)
{
	struct wwr_drm_queue_set set = {
	    .handle = file->queues[queue],
	    .property = property,
	    .value = value,
	};

	return drmIoctl(file->fd, WWR_IOCTL_QUEUE_SET, &set) == 0 ? 0 : -errno;
}

int via_set_priority(const struct via_file *file, size_t ctx_index, int64_t priority)
{
	const struct plan_workload *workload = file->client->workload;
	uint32_t i;
	int ret = 0;

	if (priority > WWR_DRM_MAX_PRIORITY)
		priority = WWR_DRM_MAX_PRIORITY;
	if (priority < -WWR_DRM_MAX_PRIORITY)
		priority = -WWR_DRM_MAX_PRIORITY;
	for (i = 0; i < workload->num_queues && ret == 0; i++) {
		if (workload->queues[i].ctx_index == ctx_index)
			ret = set_queue(file, i, WWR_DRM_QUEUE_PRIORITY, priority);
	}
	return ret;
}

int via_make_place(const struct via_file *file, struct via_place *place)
{
	return drmSyncobjCreate(file->fd, 0, &place->syncobj) == 0 ? 0 : -errno;
}

/* The bonds that are in force for the batch, and no others. */
static int set_bonds(struct via_file *file, const struct plan_batch *batch)
{
	const struct plan *plan = file->plan;
	unsigned int i;

	for (i = 0; i < wwr_device_num_engines(plan->device); i++) {
		struct wwr_drm_queue_bond bond = {
		    .handle = file->queues[batch->queue],
		    .master = i,
		    .engines = plan_bonds_mask(plan, file->client->workload, batch, i),
		};

		if (drmIoctl(file->fd, WWR_IOCTL_QUEUE_BOND, &bond) != 0)
			return -errno;
	}
	file->bond_steps[batch->queue] = batch->bond_step;
	return 0;
}

/* The queue as the job wants it, if it matters to the job. */
static int prepare_queue(struct via_file *file, const struct via_job *job)
{
	int ret = 0;

	if ((job->endless || job->interval_ns != 0) &&
	    file->gives_way[job->queue] != job->preemptible) {
		ret = set_queue(file, job->queue, WWR_DRM_QUEUE_PREEMPTIBLE, job->preemptible);
		if (ret == 0)
			file->gives_way[job->queue] = job->preemptible;
	}
	if (ret == 0 && job->bound != NULL && file->bond_steps[job->queue] != job->bound->bond_step)
		ret = set_bonds(file, job->bound);
	return ret;
}

int via_submit(struct via_file *file, const struct via_job *job, struct via_place *place,
	       struct via_answer *ret_answer)
{
	struct wwr_drm_submit submit = fill_block(file, job);
	struct wwr_drm_submit_stats stats = {0};
	struct wwr_drm_submit_sync out;
	int ret = prepare_queue(file, job);

	if (ret != 0)
		return ret;
	out = (struct wwr_drm_submit_sync){.handle = place->syncobj};
	submit.num_out_syncs = 1;
	submit.out_syncs = (uintptr_t)&out;
	submit.stats = (uintptr_t)&stats;
	submit.stats_bytes = sizeof(stats);
	if (ioctl(file->fd, WWR_IOCTL_SUBMIT, &submit) != 0) {
		if (errno != EDEADLK)
			return -errno;
		ret = -EAGAIN;
	}
	*ret_answer = (struct via_answer){.commit = submit.commit};
	take_answer(file, job, &stats, ret_answer);
	if (ret != 0)
		return ret;
	place->queue = job->queue;
	place->submitted = true;
	place->finished = false;
	place->endless = job->endless;
	place->commit = submit.commit;
	return 0;
}

int via_wait(struct via_file *file, struct via_place *place, int64_t deadline_ns)
{
	uint64_t *num_done = &file->num_done[place->queue];
	int ret = 0;

	if (!place->submitted || place->finished)
		return 0;
	if (place->commit >= *num_done) {
		ret = drmSyncobjWait(file->fd, &place->syncobj, 1, deadline_ns, 0, NULL);
		if (ret != 0)
			return ret;
		*num_done = place->commit + 1;
	}
	place->finished = true;
	return 0;
}

int via_wait_any(const struct via_file *file, uint32_t *syncobjs, uint32_t num, int64_t deadline_ns)
{
	return drmSyncobjWait(file->fd, syncobjs, num, deadline_ns, 0, NULL);
}

void via_end(const struct via_file *file, struct via_place *place)
{
	struct wwr_drm_job_end end = {.commit = place->commit};

	if (!place->submitted || !place->endless)
		return;
	place->endless = false;
	(void)drmIoctl(file->fd, WWR_IOCTL_JOB_END, &end);
}

/* The name that the plan's device, which has the same engines, gives to one. */
static void name_engine(const struct via_file *file, uint32_t engine, char *name, size_t bytes)
{
	struct wwr_engine_info info;
	unsigned int i;

	for (i = 0; i < wwr_device_num_engines(file->plan->device); i++) {
		wwr_device_get_engine(file->plan->device, i, &info);
		if (WWR_DRM_ENGINE(info.engine_class, info.instance) == engine)
			(void)snprintf(name, bytes, "%s", info.name);
	}
}

int via_get_result(const struct via_file *file, const struct via_place *place, char *ret_engine,
		   size_t engine_bytes)
{
	struct wwr_drm_job_info info = {.syncobj = place->syncobj};

	ret_engine[0] = '\0';
	if (drmIoctl(file->fd, WWR_IOCTL_JOB_INFO, &info) != 0)
		return -errno;
	name_engine(file, info.engine, ret_engine, engine_bytes);
	return info.status < 0 ? info.status : 0;
}
