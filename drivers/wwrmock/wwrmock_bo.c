/* SPDX-License-Identifier: MIT */
/*
 * Buffers of the mock GPU.  The core makes them; here is what it knows nothing of: driver_flags is
 * the domain, and driver_data what jobs know of it, set once by the first job.
 */
#include "drivers/wwrmock/wwrmock_bo.h"

#include <wwresv/bo.h>
#include <wwresv/device.h>
#include <wwresv/uapi/wwr_drm.h>

#include "drivers/core/gem.h"
#include "drivers/wwrmock/wwrmock_file.h"

#include <errno.h>

#define DOMAINS (WWR_DRM_DOMAIN_VRAM | WWR_DRM_DOMAIN_GTT | WWR_DRM_DOMAIN_SYSTEM)

void wwrmock_gem_fini(struct core_gem *gem)
{
	wwr_device_bo_put(gem->driver_data);
}

static struct wwr_device_bo *gem_known_bo(struct core_gem *gem)
{
	struct wwr_device_bo *bo;

	pthread_mutex_lock(&gem->device->lock);
	bo = gem->driver_data;
	pthread_mutex_unlock(&gem->device->lock);
	return bo;
}

int wwrmock_gem_get_bo(struct core_gem *gem, struct wwr_device_bo **ret_bo)
{
	const struct wwrmock_device *device = gem->device->driver_data;
	struct wwr_device_bo *bo = gem_known_bo(gem);
	struct wwr_device_bo *made;
	int ret;

	if (bo == NULL) {
		ret = wwr_device_bo_create_over(device->gpu, 0, gem->bo, gem->memfd, &made);
		if (ret != 0)
			return ret;
		pthread_mutex_lock(&gem->device->lock);
		bo = gem->driver_data;
		if (bo == NULL) {
			bo = gem->driver_data = made;
			made = NULL;
		}
		pthread_mutex_unlock(&gem->device->lock);
		wwr_device_bo_put(made);
	}
	*ret_bo = wwr_device_bo_get(bo);
	return 0;
}

int wwrmock_ioctl_bo_create(struct core_call *call, void *arg)
{
	struct wwr_drm_bo_create *create = arg;
	struct core_gem *gem;
	int ret;

	if (create->domain == 0 || (create->domain & ~DOMAINS) != 0 || create->flags != 0 ||
	    create->handle != 0 || create->pad != 0)
		return -EINVAL;
	ret = core_gem_create(call->file->device, create->size, &gem);
	if (ret != 0)
		return ret;
	gem->driver_flags = create->domain;
	ret = core_gem_add_handle(call->file, gem, &create->handle);
	if (ret == 0)
		create->size = gem->size_bytes;
	core_gem_put(gem);
	return ret;
}

int wwrmock_ioctl_bo_map(struct core_call *call, void *arg)
{
	struct wwr_drm_bo_map *map = arg;
	struct core_gem *gem;

	if (map->flags != 0 || map->offset != 0)
		return -EINVAL;
	gem = core_gem_find(call->file, map->handle);
	if (gem == NULL)
		return -ENOENT;
	map->offset = core_gem_map_offset(map->handle);
	core_gem_put(gem);
	return 0;
}

int wwrmock_ioctl_bo_info(struct core_call *call, void *arg)
{
	struct wwr_drm_bo_info *info = arg;
	struct wwr_device_bo_stats stats = {0};
	struct wwr_device_bo *bo;
	struct core_gem *gem;

	if (info->flags != 0 || info->size != 0 || info->domain != 0 || info->pad != 0 ||
	    info->num_backoffs != 0 || info->wait_ns != 0)
		return -EINVAL;
	gem = core_gem_find(call->file, info->handle);
	if (gem == NULL)
		return -ENOENT;
	info->flags = gem->imported ? WWR_DRM_BO_IMPORTED : 0;
	info->size = gem->size_bytes;
	info->domain = gem->driver_flags != 0 ? gem->driver_flags : WWR_DRM_DOMAIN_GTT;
	/* Without it no job has named the buffer. */
	bo = gem_known_bo(gem);
	if (bo != NULL)
		wwr_device_bo_get_stats(bo, &stats);
	info->num_backoffs = stats.num_backoffs;
	info->wait_ns = stats.wait_ns;
	core_gem_put(gem);
	return 0;
}

static enum wwr_resv_usage wait_usage(uint32_t flags)
{
	if ((flags & WWR_DRM_WAIT_ALL) != 0)
		return WWR_RESV_USAGE_BOOKKEEP;
	return wwr_resv_usage_rw((flags & WWR_DRM_WAIT_WRITE) != 0);
}

int wwrmock_ioctl_bo_wait(struct core_call *call, void *arg)
{
	const struct wwr_drm_bo_wait *wait = arg;
	const bool has_deadline = (wait->flags & WWR_DRM_WAIT_DEADLINE) != 0;
	struct core_gem *gem;
	int ret;

	if ((wait->flags & ~WWR_DRM_WAIT_FLAGS) != 0 || (!has_deadline && wait->deadline_ns != 0))
		return -EINVAL;
	gem = core_gem_find(call->file, wait->handle);
	if (gem == NULL)
		return -ENOENT;
	if (has_deadline && wait->deadline_ns < INT64_MAX)
		wwr_resv_set_deadline(gem->bo->resv, wait_usage(wait->flags),
				      (int64_t)wait->deadline_ns);
	ret = wwr_resv_wait_until(gem->bo->resv, wait_usage(wait->flags), call->token,
				  wait->timeout_ns < 0 ? 0 : wait->timeout_ns);
	core_gem_put(gem);
	return ret;
}
