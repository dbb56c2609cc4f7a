/* SPDX-License-Identifier: MIT */
/* Jobs after their submit: an endless one is ended, any may be looked at through its fence. */
#include "drivers/wwrmock/wwrmock_job.h"

#include <wwresv/device.h>
#include <wwresv/fence.h>
#include <wwresv/syncobj.h>
#include <wwresv/uapi/wwr_drm.h>

#include "drivers/core/syncobj.h"
#include "drivers/wwrmock/wwrmock_file.h"

#include <errno.h>

/* Under the lock: the file's reference of an endless job that may still be ended, or NULL. */
static struct wwr_job *take_endless(struct wwrmock_file *own, uint64_t commit)
{
	struct wwr_job_fence_info info;
	struct wwr_job *job = NULL;

	for (uint32_t i = 0; i < own->num_pending && job == NULL; i++) {
		struct wwrmock_pending *entry = &own->pending[i];

		if (entry->job == NULL || !wwr_job_fence_info(entry->fence, &info) ||
		    info.commit != commit)
			continue;
		job = entry->job;
		entry->job = NULL;
	}
	return job;
}

int wwrmock_ioctl_job_end(struct core_call *call, void *arg)
{
	const struct wwr_drm_job_end *end = arg;
	struct wwrmock_file *own = call->file->driver_data;
	struct wwr_job *job;
	int ret = 0;

	if (end->flags != 0 || end->pad != 0)
		return -EINVAL;
	pthread_mutex_lock(&own->lock);
	job = take_endless(own, end->commit);
	pthread_mutex_unlock(&own->lock);
	if (job == NULL)
		return -ENOENT;
	/* The device was stopped. */
	if (wwr_fence_is_signaled(wwr_job_finished(job)))
		ret = -ENOENT;
	else
		wwr_job_end(job);
	wwr_job_put(job);
	return ret;
}

static uint32_t engine_number(struct wwr_device *gpu, int index)
{
	struct wwr_engine_info info;

	if (index < 0)
		return 0;
	wwr_device_get_engine(gpu, (unsigned int)index, &info);
	return WWR_DRM_ENGINE(info.engine_class, info.instance);
}

/* -EINVAL: not a job's, or one of another device, whose engines have other numbers. */
static int look_at(const struct wwrmock_device *device, const struct wwr_fence *fence,
		   struct wwr_drm_job_info *block)
{
	struct wwr_job_fence_info info;

	if (!wwr_job_fence_info(fence, &info) || info.device != device->gpu)
		return -EINVAL;
	/* The status first: with it the engine is final. */
	block->status = wwr_fence_get_status(fence);
	(void)wwr_job_fence_info(fence, &info);
	block->engine = block->status != 0 ? engine_number(device->gpu, info.engine) : 0;
	block->commit = info.commit;
	block->label = info.label;
	return 0;
}

int wwrmock_ioctl_job_info(struct core_call *call, void *arg)
{
	struct wwr_drm_job_info *info = arg;
	struct wwr_syncobj *syncobj;
	struct wwr_fence *fence;
	int ret;

	if (info->flags != 0 || info->status != 0 || info->engine != 0 || info->commit != 0 ||
	    info->label != 0)
		return -EINVAL;
	ret = core_syncobj_check_caps(call, CORE_CAP_SYNCOBJ);
	if (ret != 0)
		return ret;
	syncobj = core_syncobj_find(call->file, info->syncobj);
	if (syncobj == NULL)
		return -ENOENT;
	ret = wwr_syncobj_find_fence(syncobj, 0, 0, NULL, 0, &fence);
	wwr_syncobj_put(syncobj);
	if (ret != 0)
		return ret;
	ret = look_at(call->file->device->driver_data, fence, info);
	wwr_fence_put(fence);
	return ret;
}
