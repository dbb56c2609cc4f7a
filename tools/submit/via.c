/* SPDX-License-Identifier: MIT */
/*
 * Invariant: a buffer of the plan is made by the first client that has it; `maker` tells by whose
 * file and `handle` by which of its handles.  Other clients have it by PRIME.
 */
#include "tools/submit/via.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <wwresv/bo.h>
#include <wwresv/device.h>
#include <wwresv/uapi/wwr_drm.h>
#include <xf86drm.h>

#include "tools/common/cli.h"
#include "tools/submit/plan.h"

#define NODE "/dev/dri/renderD128"

/* Fields: (i) immutable, (t) the client's thread. */
struct via_file {
	const struct plan *plan;	  /* (i) */
	const struct plan_client *client; /* (i) */
	int fd;				  /* (i) */
	uint32_t syncobj;		  /* (i) */
	uint32_t *queues;		  /* (i) as in plan_workload.queues */
	uint32_t *handles;		  /* (i) by slot */
	struct wwr_drm_submit_bo *bos;	  /* (t) scratch for one job */
	uint64_t last_point;		  /* (t) */
};

struct via {
	const struct plan *plan;
	struct via_file *files; /* by client */
	uint32_t num_files;
};

/* The slot of one of the client's buffers. */
static uint32_t slot_of(const struct plan_client *client, uint32_t buffer)
{
	const struct plan_workload *workload = client->workload;

	if (buffer - workload->shared_base < workload->num_shared)
		return buffer - workload->shared_base;
	return buffer - client->private_base + workload->num_shared;
}

/* Copy the touched bytes of a buffer from the plan's memory, or to it. */
static int copy_bytes(const struct via_file *file, uint32_t slot, bool from_plan)
{
	struct wwr_device_bo *bo = file->plan->buffers[plan_buffer(file->client, slot)];
	struct wwr_drm_bo_map map = {.handle = file->handles[slot]};
	size_t num = wwr_device_bo_touched_bytes(bo);
	void *memory;

	if (drmIoctl(file->fd, WWR_IOCTL_BO_MAP, &map) != 0)
		return -errno;
	memory = mmap(NULL, num, PROT_READ | PROT_WRITE, MAP_SHARED, file->fd, (off_t)map.offset);
	if (memory == MAP_FAILED)
		return -errno;
	if (from_plan)
		memcpy(memory, wwr_device_bo_map(bo), num);
	else
		memcpy(wwr_device_bo_map(bo), memory, num);
	(void)munmap(memory, num);
	return 0;
}

static int make_buffer(struct via_file *file, uint32_t slot)
{
	struct wwr_device_bo *bo = file->plan->buffers[plan_buffer(file->client, slot)];
	struct wwr_drm_bo_create create = {
	    .size = wwr_device_bo_base(bo)->size_bytes,
	    .domain = WWR_DRM_DOMAIN_GTT,
	};

	if (drmIoctl(file->fd, WWR_IOCTL_BO_CREATE, &create) != 0)
		return -errno;
	file->handles[slot] = create.handle;
	return copy_bytes(file, slot, true);
}

/* The buffer is another file's. */
static int share_buffer(struct via_file *file, const struct via_file *maker, uint32_t slot)
{
	int fd, ret = 0;

	if (drmPrimeHandleToFD(maker->fd, maker->handles[slot], DRM_CLOEXEC | DRM_RDWR, &fd) != 0)
		return -errno;
	if (drmPrimeFDToHandle(file->fd, fd, &file->handles[slot]) != 0)
		ret = -errno;
	close(fd);
	return ret;
}

/* The file of the first client of this workload. */
static const struct via_file *maker_of(const struct via *via, const struct via_file *file)
{
	const struct via_file *maker = via->files;

	while (maker->client->workload != file->client->workload)
		maker++;
	return maker;
}

static int make_buffers(const struct via *via, struct via_file *file)
{
	const struct plan_workload *workload = file->client->workload;
	const struct via_file *maker = maker_of(via, file);
	uint32_t slot;
	int ret = 0;

	for (slot = 0; slot < workload->num_slots && ret == 0; slot++) {
		if (slot < workload->num_shared && maker != file)
			ret = share_buffer(file, maker, slot);
		else
			ret = make_buffer(file, slot);
	}
	return ret;
}

static int make_queues(struct via_file *file)
{
	const struct plan_workload *workload = file->client->workload;
	uint32_t i;

	for (i = 0; i < workload->num_queues; i++) {
		struct wwr_drm_queue_create create = {.engines = workload->queues[i].engine_mask};

		if (drmIoctl(file->fd, WWR_IOCTL_QUEUE_CREATE, &create) != 0)
			return -errno;
		file->queues[i] = create.handle;
	}
	return 0;
}

static int open_file(const struct via *via, struct via_file *file)
{
	const struct plan_workload *workload = file->client->workload;
	int ret;

	file->queues = calloc((size_t)workload->num_queues + 1, sizeof(*file->queues));
	file->handles = calloc((size_t)workload->num_slots + 1, sizeof(*file->handles));
	file->bos = calloc((size_t)file->plan->max_locks + 1, sizeof(*file->bos));
	if (file->queues == NULL || file->handles == NULL || file->bos == NULL)
		return -ENOMEM;
	file->fd = open(NODE, O_RDWR | O_CLOEXEC);
	if (file->fd < 0 || drmSyncobjCreate(file->fd, 0, &file->syncobj) != 0)
		return -errno;
	ret = make_queues(file);
	return ret == 0 ? make_buffers(via, file) : ret;
}

int via_create(const struct plan *plan, struct via **ret_via)
{
	struct via *via = calloc(1, sizeof(*via));
	uint32_t i;
	int ret = 0;

	if (via != NULL)
		via->files = calloc(plan->num_clients, sizeof(*via->files));
	if (via == NULL || via->files == NULL)
		ret = -ENOMEM;
	for (i = 0; ret == 0 && i < plan->num_clients; i++) {
		via->files[i] =
		    (struct via_file){.plan = plan, .client = &plan->clients[i], .fd = -1};
		via->num_files++;
		ret = open_file(via, &via->files[i]);
	}
	if (ret != 0) {
		cli_error("--via libdrm: cannot make what client %" PRIu32 " needs of " NODE ": %s",
			  i, strerror(-ret));
		via_destroy(via);
		return ret;
	}
	via->plan = plan;
	*ret_via = via;
	return 0;
}

void via_destroy(struct via *via)
{
	uint32_t i;

	if (via == NULL)
		return;
	for (i = 0; i < via->num_files; i++) {
		if (via->files[i].fd >= 0)
			close(via->files[i].fd);
		free(via->files[i].queues);
		free(via->files[i].handles);
		free(via->files[i].bos);
	}
	free(via->files);
	free(via);
}

uint64_t via_reached(const struct via_file *file)
{
	uint32_t syncobj = file->syncobj;
	uint64_t point;

	return drmSyncobjQuery(file->fd, &syncobj, &point, 1) == 0 ? point : 0;
}

uint64_t via_num_finished(const struct via *via)
{
	uint64_t sum = 0;
	uint32_t i;

	for (i = 0; i < via->num_files; i++)
		sum += via_reached(&via->files[i]);
	return sum;
}

int via_fetch(struct via *via)
{
	uint32_t i, slot;
	int ret = 0;

	for (i = 0; i < via->num_files; i++) {
		const struct via_file *file = &via->files[i];
		const struct plan_workload *workload = file->client->workload;

		slot = maker_of(via, file) == file ? 0 : workload->num_shared;
		for (; slot < workload->num_slots && ret == 0; slot++)
			ret = copy_bytes(file, slot, false);
	}
	return ret;
}

struct via_file *via_file(struct via *via, uint32_t client)
{
	return &via->files[client];
}

/* The block with all that the arrays of a job are about. */
static struct wwr_drm_submit fill_block(struct via_file *file, const struct via_job *job)
{
	struct wwr_drm_submit submit = {
	    .queue = file->queues[job->queue],
	    .num_bos = job->num_accesses,
	    .bos = (uintptr_t)file->bos,
	    .bo_stride = sizeof(*file->bos),
	    .duration_ns = job->duration_ns,
	    .seed = job->seed,
	    .label = job->label,
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
	answer->wait_ns = stats->wait_ns;
	answer->reserve_ns = stats->reserve_ns;
	for (i = 0; i < job->num_accesses && stats->contended != 0; i++) {
		if (file->bos[i].handle != stats->contended)
			continue;
		answer->has_contended = true;
		answer->contended = job->accesses[i].buffer;
	}
}

int via_submit(struct via_file *file, const struct via_job *job, struct via_answer *ret_answer)
{
	struct wwr_drm_submit submit = fill_block(file, job);
	struct wwr_drm_submit_stats stats = {0};
	struct wwr_drm_submit_sync out = {
	    .handle = file->syncobj,
	    .point = file->last_point + 1,
	};

	submit.sync_stride = sizeof(out);
	submit.num_out_syncs = 1;
	submit.out_syncs = (uintptr_t)&out;
	submit.stats = (uintptr_t)&stats;
	submit.stats_bytes = sizeof(stats);
	if (ioctl(file->fd, WWR_IOCTL_SUBMIT, &submit) != 0)
		return -errno;
	*ret_answer = (struct via_answer){.point = ++file->last_point, .commit = submit.commit};
	take_answer(file, job, &stats, ret_answer);
	return 0;
}

static uint64_t get_param(const struct via *via, uint32_t param, uint32_t index)
{
	struct wwr_drm_get_param get = {.param = param, .index = index};

	return drmIoctl(via->files[0].fd, WWR_IOCTL_GET_PARAM, &get) == 0 ? get.value : 0;
}

void via_get_engine(const struct via *via, unsigned int index, struct wwr_engine_info *info)
{
	info->num_jobs = get_param(via, WWR_DRM_PARAM_ENGINE_JOBS, index);
	info->busy_ns = get_param(via, WWR_DRM_PARAM_ENGINE_BUSY_NS, index);
}

int via_wait(const struct via_file *file, uint64_t point, int64_t deadline_ns)
{
	uint32_t syncobj = file->syncobj;

	if (point == 0)
		return 0;
	return drmSyncobjTimelineWait(file->fd, &syncobj, &point, 1, deadline_ns, 0, NULL);
}

uint64_t via_last_point(const struct via_file *file)
{
	return file->last_point;
}
