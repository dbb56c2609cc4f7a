/* SPDX-License-Identifier: MIT */
#include "drivers/wwrmock/wwrmock.h"

#include <wwresv/alloc.h>
#include <wwresv/device.h>
#include <wwresv/uapi/wwr_drm.h>

#include "drivers/core/ioctl.h"
#include "drivers/wwrmock/wwrmock_bo.h"
#include "drivers/wwrmock/wwrmock_file.h"
#include "drivers/wwrmock/wwrmock_job.h"
#include "drivers/wwrmock/wwrmock_submit.h"

#include <errno.h>

static uint64_t num_engines(const struct core_device *device, uint32_t kind)
{
	return (uint64_t)__builtin_popcountll(wwrmock_engine_mask(device, kind));
}

/* Those that are one number: index 0. */
static int get_limit(const struct core_device *device, uint32_t param, uint64_t *ret_value)
{
	const struct wwrmock_device *own = device->driver_data;

	switch (param) {
	case WWR_DRM_PARAM_ABI:
		*ret_value = WWR_DRM_ABI;
		return 0;
	case WWR_DRM_PARAM_DOMAINS:
		*ret_value = WWR_DRM_DOMAIN_VRAM | WWR_DRM_DOMAIN_GTT | WWR_DRM_DOMAIN_SYSTEM;
		return 0;
	case WWR_DRM_PARAM_MAX_BOS:
		*ret_value = WWR_DRM_MAX_BOS;
		return 0;
	case WWR_DRM_PARAM_MAX_SYNCS:
		*ret_value = WWR_DRM_MAX_SYNCS;
		return 0;
	case WWR_DRM_PARAM_MAX_DURATION_NS:
		*ret_value = WWR_DRM_MAX_DURATION_NS;
		return 0;
	case WWR_DRM_PARAM_TOUCH_BYTES:
		*ret_value = own->touch_full ? UINT64_MAX : WWR_TOUCH_BYTES;
		return 0;
	case WWR_DRM_PARAM_MAX_JOBS:
		*ret_value = device->quota.max_jobs;
		return 0;
	default:
		return -EINVAL;
	}
}

/* The engine whose bit is 1 << index. */
static int get_engine(const struct core_device *device, const struct wwr_drm_get_param *get,
		      uint64_t *ret_value)
{
	const struct wwrmock_device *own = device->driver_data;
	struct wwr_engine_info info;

	if (get->index >= wwr_device_num_engines(own->gpu))
		return -EINVAL;
	wwr_device_get_engine(own->gpu, get->index, &info);
	*ret_value = get->param == WWR_DRM_PARAM_ENGINE_JOBS ? info.num_jobs : info.busy_ns;
	return 0;
}

static int ioctl_get_param(struct core_call *call, void *arg)
{
	const struct core_device *device = call->file->device;
	struct wwr_drm_get_param *get = arg;

	if (get->value != 0)
		return -EINVAL;
	switch (get->param) {
	case WWR_DRM_PARAM_NUM_ENGINES:
		if (get->index >= WWR_NUM_ENGINE_CLASSES)
			return -EINVAL;
		get->value = num_engines(device, get->index);
		return 0;
	case WWR_DRM_PARAM_ENGINE_MASK:
		get->value = wwrmock_engine_mask(device, get->index);
		return 0;
	case WWR_DRM_PARAM_ENGINE_JOBS:
	case WWR_DRM_PARAM_ENGINE_BUSY_NS:
		return get_engine(device, get, &get->value);
	default:
		return get->index == 0 ? get_limit(device, get->param, &get->value) : -EINVAL;
	}
}

static void wwrmock_fini(struct core_device *device)
{
	struct wwrmock_device *own = device->driver_data;

	wwr_device_destroy(own->gpu);
	wwr_free(own);
}

static const struct core_ioctl wwrmock_ioctls[] = {
    CORE_IOCTL_WR(WWR_IOCTL_GET_PARAM, struct wwr_drm_get_param, CORE_RENDER, ioctl_get_param),
    CORE_IOCTL_WR(WWR_IOCTL_BO_CREATE, struct wwr_drm_bo_create, CORE_RENDER,
		  wwrmock_ioctl_bo_create),
    CORE_IOCTL_WR(WWR_IOCTL_BO_MAP, struct wwr_drm_bo_map, CORE_RENDER, wwrmock_ioctl_bo_map),
    CORE_IOCTL_WR(WWR_IOCTL_BO_INFO, struct wwr_drm_bo_info, CORE_RENDER, wwrmock_ioctl_bo_info),
    CORE_IOCTL_W(WWR_IOCTL_BO_WAIT, struct wwr_drm_bo_wait, CORE_RENDER, wwrmock_ioctl_bo_wait),
    CORE_IOCTL_WR(WWR_IOCTL_QUEUE_CREATE, struct wwr_drm_queue_create, CORE_RENDER,
		  wwrmock_ioctl_queue_create),
    CORE_IOCTL_W(WWR_IOCTL_QUEUE_DESTROY, struct wwr_drm_queue_destroy, CORE_RENDER,
		 wwrmock_ioctl_queue_destroy),
    CORE_IOCTL_WR(WWR_IOCTL_SUBMIT, struct wwr_drm_submit, CORE_RENDER, wwrmock_ioctl_submit),
    CORE_IOCTL_W(WWR_IOCTL_QUEUE_SET, struct wwr_drm_queue_set, CORE_RENDER,
		 wwrmock_ioctl_queue_set),
    CORE_IOCTL_W(WWR_IOCTL_QUEUE_BOND, struct wwr_drm_queue_bond, CORE_RENDER,
		 wwrmock_ioctl_queue_bond),
    CORE_IOCTL_W(WWR_IOCTL_JOB_END, struct wwr_drm_job_end, CORE_RENDER, wwrmock_ioctl_job_end),
    CORE_IOCTL_WR(WWR_IOCTL_JOB_INFO, struct wwr_drm_job_info, CORE_RENDER, wwrmock_ioctl_job_info),
};

static const struct core_driver wwrmock_driver = {
    .name = "wwrmock",
    .desc = "Mock GPU of wwresv",
    .date = "20261127",
    .major = 1,
    .minor = 0,
    .patchlevel = 0,
    .unique = "wwrmock",
    .ioctls = wwrmock_ioctls,
    .num_ioctls = sizeof(wwrmock_ioctls) / sizeof(wwrmock_ioctls[0]),
    .open = wwrmock_file_open,
    .close = wwrmock_file_close,
    .fini = wwrmock_fini,
    .gem_fini = wwrmock_gem_fini,
};

int wwrmock_device_create(uint32_t caps, const struct core_quota *quota,
			  const struct wwr_device_config *config, struct core_device **ret_device)
{
	struct wwrmock_device *own = wwr_alloc(sizeof(*own));
	int ret;

	if (own == NULL)
		return -ENOMEM;
	own->touch_full = config != NULL && config->touch_full;
	ret = wwr_device_create(config, &own->gpu);
	if (ret != 0)
		goto err_free_own;
	ret = core_device_create(&wwrmock_driver, own, caps, quota, ret_device);
	if (ret != 0)
		goto err_destroy_gpu;
	return 0;

err_destroy_gpu:
	wwr_device_destroy(own->gpu);
err_free_own:
	wwr_free(own);
	return ret;
}
