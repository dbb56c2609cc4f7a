/* SPDX-License-Identifier: MIT */
/* Handles of buffers: closed, named, shared as dma-bufs; and dumb buffers. */
#include "drivers/core/ioctl.h"

#include <wwresv/bo.h>
#include <wwresv/dma_buf.h>

#include "drivers/core/gem.h"
#include "reservation/dma_buf_carrier.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static int ioctl_gem_close(struct core_call *call, void *arg)
{
	const struct drm_gem_close *close_arg = arg;

	/* The pad is not looked at: clients have never had to clear it. */
	return core_gem_close_handle(call->file, close_arg->handle);
}

static int ioctl_gem_flink(struct core_call *call, void *arg)
{
	struct drm_gem_flink *flink = arg;
	struct core_gem *gem = core_gem_find(call->file, flink->handle);
	int ret;

	if (gem == NULL)
		return -ENOENT;
	ret = core_gem_flink(gem, &flink->name);
	core_gem_put(gem);
	return ret;
}

static int ioctl_gem_open(struct core_call *call, void *arg)
{
	struct drm_gem_open *open_arg = arg;
	struct core_gem *gem = core_gem_find_name(call->file->device, open_arg->name);
	int ret;

	if (gem == NULL)
		return -ENOENT;
	ret = core_gem_add_handle(call->file, gem, &open_arg->handle);
	if (ret == 0)
		open_arg->size = gem->size_bytes;
	core_gem_put(gem);
	return ret;
}

/* Another descriptor of the same buffer instead, which cannot be mapped for writing. */
static int make_read_only(int *fd)
{
	int other;
	int ret = wwr_memory_reopen(*fd, O_RDONLY, &other);

	close(*fd);
	*fd = other;
	return ret;
}

static int ioctl_prime_handle_to_fd(struct core_call *call, void *arg)
{
	struct drm_prime_handle *prime = arg;
	struct core_gem *gem;
	int ret;
	int fd;

	if ((call->file->device->caps & CORE_CAP_PRIME_EXPORT) == 0)
		return -EOPNOTSUPP;
	if ((prime->flags & ~(uint32_t)(DRM_CLOEXEC | DRM_RDWR)) != 0)
		return -EINVAL;
	gem = core_gem_find(call->file, prime->handle);
	if (gem == NULL)
		return -ENOENT;
	ret = wwr_dma_buf_export(gem->bo, gem->memfd, &fd);
	core_gem_put(gem);
	if (ret == 0 && (prime->flags & DRM_RDWR) == 0)
		ret = make_read_only(&fd);
	if (ret != 0)
		return ret;
	ret = core_fd_out(call, fd, (prime->flags & DRM_CLOEXEC) != 0);
	if (ret < 0)
		return ret;
	prime->fd = ret;
	return 0;
}

static int ioctl_prime_fd_to_handle(struct core_call *call, void *arg)
{
	struct drm_prime_handle *prime = arg;
	struct wwr_bo *bo;
	int ret;
	int fd;

	if ((call->file->device->caps & CORE_CAP_PRIME_IMPORT) == 0)
		return -EOPNOTSUPP;
	fd = call->transport->fd_in(call->data, prime->fd);
	if (fd < 0)
		return fd;
	ret = wwr_dma_buf_get_bo(fd, &bo);
	if (ret == 0) {
		ret = core_gem_import(call->file, bo, fd, &prime->handle);
		wwr_bo_put(bo);
	}
	call->transport->fd_release(call->data, fd);
	return ret;
}

static int ioctl_create_dumb(struct core_call *call, void *arg)
{
	struct drm_mode_create_dumb *dumb = arg;
	struct core_gem *gem;
	uint32_t cpp;
	int ret;

	if ((call->file->device->caps & CORE_CAP_DUMB) == 0)
		return -EOPNOTSUPP;
	if (dumb->width == 0 || dumb->height == 0 || dumb->bpp == 0 || dumb->flags != 0)
		return -EINVAL;
	cpp = dumb->bpp / 8 + (dumb->bpp % 8 != 0);
	if (cpp > UINT32_MAX / dumb->width || dumb->height > UINT32_MAX / (cpp * dumb->width))
		return -EINVAL;
	ret = core_gem_create(call->file->device, (uint64_t)cpp * dumb->width * dumb->height, &gem);
	if (ret != 0)
		return ret;
	ret = core_gem_add_handle(call->file, gem, &dumb->handle);
	if (ret == 0) {
		dumb->pitch = cpp * dumb->width;
		dumb->size = gem->size_bytes;
	}
	core_gem_put(gem);
	return ret;
}

static int ioctl_map_dumb(struct core_call *call, void *arg)
{
	struct drm_mode_map_dumb *map = arg;
	struct core_gem *gem;

	if ((call->file->device->caps & CORE_CAP_DUMB) == 0)
		return -EOPNOTSUPP;
	gem = core_gem_find(call->file, map->handle);
	if (gem == NULL)
		return -ENOENT;
	map->offset = core_gem_map_offset(map->handle);
	core_gem_put(gem);
	return 0;
}

static int ioctl_destroy_dumb(struct core_call *call, void *arg)
{
	const struct drm_mode_destroy_dumb *destroy = arg;

	if ((call->file->device->caps & CORE_CAP_DUMB) == 0)
		return -EOPNOTSUPP;
	return core_gem_close_handle(call->file, destroy->handle);
}

/* Dumb buffers are for render nodes too: there is no display here that would want them for itself.
 */
static const struct core_ioctl gem_rows[] = {
    CORE_IOCTL_W(DRM_IOCTL_GEM_CLOSE, struct drm_gem_close, CORE_RENDER, ioctl_gem_close),
    CORE_IOCTL_WR(DRM_IOCTL_GEM_FLINK, struct drm_gem_flink, CORE_AUTH, ioctl_gem_flink),
    CORE_IOCTL_WR(DRM_IOCTL_GEM_OPEN, struct drm_gem_open, CORE_AUTH, ioctl_gem_open),
    CORE_IOCTL_WR(DRM_IOCTL_PRIME_HANDLE_TO_FD, struct drm_prime_handle, CORE_RENDER,
		  ioctl_prime_handle_to_fd),
    CORE_IOCTL_WR(DRM_IOCTL_PRIME_FD_TO_HANDLE, struct drm_prime_handle, CORE_RENDER,
		  ioctl_prime_fd_to_handle),
    CORE_IOCTL_WR(DRM_IOCTL_MODE_CREATE_DUMB, struct drm_mode_create_dumb, CORE_RENDER,
		  ioctl_create_dumb),
    CORE_IOCTL_WR(DRM_IOCTL_MODE_MAP_DUMB, struct drm_mode_map_dumb, CORE_RENDER, ioctl_map_dumb),
    CORE_IOCTL_WR(DRM_IOCTL_MODE_DESTROY_DUMB, struct drm_mode_destroy_dumb, CORE_RENDER,
		  ioctl_destroy_dumb),
};
const struct core_ioctl_table core_gem_ioctls = {gem_rows, sizeof(gem_rows) / sizeof(gem_rows[0])};
