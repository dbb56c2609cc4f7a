/* SPDX-License-Identifier: MIT */
/* The ioctls about one syncobj at a time.  Flags and pads are looked at before any object is. */
#include "drivers/core/ioctl.h"

#include <wwresv/fence.h>
#include <wwresv/sync_file.h>
#include <wwresv/syncobj.h>
#include <wwresv/uapi/drm_more.h>

#include "drivers/core/syncobj.h"

#include <errno.h>
#include <time.h>

/* How long a transfer waits for its source's point to be submitted. */
#define TRANSFER_WAIT_NS INT64_C(5000000000)

static int ioctl_create(struct core_call *call, void *arg)
{
	struct drm_syncobj_create *create = arg;
	struct wwr_syncobj *syncobj;
	int ret = core_syncobj_check_caps(call, CORE_CAP_SYNCOBJ);

	if (ret != 0)
		return ret;
	if ((create->flags & ~(uint32_t)DRM_SYNCOBJ_CREATE_SIGNALED) != 0)
		return -EINVAL;
	ret = wwr_syncobj_create(
	    (create->flags & DRM_SYNCOBJ_CREATE_SIGNALED) != 0 ? WWR_SYNCOBJ_CREATE_SIGNALED : 0,
	    &syncobj);
	if (ret != 0)
		return ret;
	ret = handle_table_add(&call->file->syncobjs, syncobj, &create->handle);
	if (ret != 0)
		wwr_syncobj_put(syncobj);
	return ret;
}

static int ioctl_destroy(struct core_call *call, void *arg)
{
	const struct drm_syncobj_destroy *destroy = arg;
	struct wwr_syncobj *syncobj;
	int ret = core_syncobj_check_caps(call, CORE_CAP_SYNCOBJ);

	if (ret != 0)
		return ret;
	if (destroy->pad != 0)
		return -EINVAL;
	syncobj = handle_table_remove(&call->file->syncobjs, destroy->handle);
	if (syncobj == NULL)
		return -EINVAL;
	wwr_syncobj_put(syncobj);
	return 0;
}

/* What both directions ask of a block: a sync_file is meant, with a point or without. */
static int check_fd_flags(const struct wwr_drm_syncobj_handle *block, uint32_t sync_file_flag)
{
	if (block->pad != 0 ||
	    (block->flags & ~(sync_file_flag | WWR_DRM_SYNCOBJ_FLAGS_TIMELINE)) != 0)
		return -EINVAL;
	if ((block->flags & WWR_DRM_SYNCOBJ_FLAGS_TIMELINE) != 0)
		return (block->flags & sync_file_flag) != 0 ? 0 : -EINVAL;
	return block->point == 0 ? 0 : -EINVAL;
}

static int ioctl_handle_to_fd(struct core_call *call, void *arg)
{
	struct wwr_drm_syncobj_handle *block = arg;
	bool is_sync_file = (block->flags & DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_EXPORT_SYNC_FILE) != 0;
	struct wwr_syncobj *syncobj;
	int ret = core_syncobj_check_caps(call, CORE_CAP_SYNCOBJ);
	int fd;

	if (ret == 0)
		ret = check_fd_flags(block, DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_EXPORT_SYNC_FILE);
	if (ret != 0)
		return ret;
	syncobj = core_syncobj_find(call->file, block->handle);
	if (syncobj == NULL)
		return is_sync_file ? -ENOENT : -EINVAL;
	if (is_sync_file)
		ret = wwr_syncobj_export_sync_file(syncobj, block->point, &fd);
	else
		ret = wwr_syncobj_export_fd(syncobj, &fd);
	wwr_syncobj_put(syncobj);
	if (ret != 0)
		return ret;
	ret = core_fd_out(call, fd, true);
	if (ret < 0)
		return ret;
	block->fd = ret;
	return 0;
}

static int import_syncobj(struct core_call *call, int fd, uint32_t *ret_handle)
{
	struct wwr_syncobj *syncobj;
	int ret = wwr_syncobj_import_fd(fd, &syncobj);

	if (ret != 0)
		return -EINVAL;
	ret = handle_table_add(&call->file->syncobjs, syncobj, ret_handle);
	if (ret != 0)
		wwr_syncobj_put(syncobj);
	return ret;
}

static int import_sync_file(struct core_call *call, int fd, uint32_t handle, uint64_t point)
{
	struct wwr_syncobj *syncobj;
	struct wwr_fence *fence;
	/* As the kernel: the descriptor before the handle. */
	int ret = wwr_sync_file_get_fence(fd, &fence);

	if (ret != 0)
		return ret == -EBADF ? -EINVAL : ret;
	syncobj = core_syncobj_find(call->file, handle);
	ret = syncobj != NULL ? wwr_syncobj_add_point(syncobj, point, fence) : -ENOENT;
	wwr_syncobj_put(syncobj);
	wwr_fence_put(fence);
	return ret;
}

static int ioctl_fd_to_handle(struct core_call *call, void *arg)
{
	struct wwr_drm_syncobj_handle *block = arg;
	int ret = core_syncobj_check_caps(call, CORE_CAP_SYNCOBJ);
	int fd;

	if (ret == 0)
		ret = check_fd_flags(block, DRM_SYNCOBJ_FD_TO_HANDLE_FLAGS_IMPORT_SYNC_FILE);
	if (ret != 0)
		return ret;
	fd = call->transport->fd_in(call->data, block->fd);
	if (fd < 0)
		return -EINVAL;
	if ((block->flags & DRM_SYNCOBJ_FD_TO_HANDLE_FLAGS_IMPORT_SYNC_FILE) != 0)
		ret = import_sync_file(call, fd, block->handle, block->point);
	else
		ret = import_syncobj(call, fd, &block->handle);
	call->transport->fd_release(call->data, fd);
	return ret;
}

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static int ioctl_transfer(struct core_call *call, void *arg)
{
	const struct drm_syncobj_transfer *transfer = arg;
	struct wwr_syncobj *dst, *src;
	int ret = core_syncobj_check_caps(call, CORE_CAP_SYNCOBJ_TIMELINE);

	if (ret != 0)
		return ret;
	if (transfer->pad != 0 ||
	    (transfer->flags & ~(uint32_t)DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT) != 0)
		return -EINVAL;
	dst = core_syncobj_find(call->file, transfer->dst_handle);
	src = core_syncobj_find(call->file, transfer->src_handle);
	if (dst != NULL && src != NULL)
		ret = wwr_syncobj_transfer(dst, transfer->dst_point, src, transfer->src_point,
					   transfer->flags != 0 ? WWR_SYNCOBJ_WAIT_FOR_SUBMIT : 0,
					   call->token, now_ns() + TRANSFER_WAIT_NS);
	else
		ret = -ENOENT;
	wwr_syncobj_put(dst);
	wwr_syncobj_put(src);
	return ret;
}

static int ioctl_eventfd(struct core_call *call, void *arg)
{
	const struct wwr_drm_syncobj_eventfd *block = arg;
	struct wwr_syncobj *syncobj;
	int ret = core_syncobj_check_caps(call, CORE_CAP_SYNCOBJ_TIMELINE);
	int fd;

	if (ret != 0)
		return ret;
	if (block->pad != 0 ||
	    (block->flags & ~(uint32_t)DRM_SYNCOBJ_WAIT_FLAGS_WAIT_AVAILABLE) != 0)
		return -EINVAL;
	syncobj = core_syncobj_find(call->file, block->handle);
	if (syncobj == NULL)
		return -ENOENT;
	fd = call->transport->fd_in(call->data, block->fd);
	ret = fd;
	if (fd >= 0) {
		ret = wwr_syncobj_add_eventfd(syncobj, block->point, fd,
					      block->flags != 0 ? WWR_SYNCOBJ_WAIT_AVAILABLE : 0);
		call->transport->fd_release(call->data, fd);
	}
	wwr_syncobj_put(syncobj);
	return ret;
}

static const struct core_ioctl syncobj_rows[] = {
    CORE_IOCTL_WR(DRM_IOCTL_SYNCOBJ_CREATE, struct drm_syncobj_create, CORE_RENDER, ioctl_create),
    CORE_IOCTL_WR(DRM_IOCTL_SYNCOBJ_DESTROY, struct drm_syncobj_destroy, CORE_RENDER,
		  ioctl_destroy),
    CORE_IOCTL_WR(DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD, struct wwr_drm_syncobj_handle, CORE_RENDER,
		  ioctl_handle_to_fd),
    CORE_IOCTL_WR(DRM_IOCTL_SYNCOBJ_FD_TO_HANDLE, struct wwr_drm_syncobj_handle, CORE_RENDER,
		  ioctl_fd_to_handle),
    CORE_IOCTL_WR(DRM_IOCTL_SYNCOBJ_TRANSFER, struct drm_syncobj_transfer, CORE_RENDER,
		  ioctl_transfer),
    CORE_IOCTL_WR(WWR_DRM_IOCTL_SYNCOBJ_EVENTFD, struct wwr_drm_syncobj_eventfd, CORE_RENDER,
		  ioctl_eventfd),
};
const struct core_ioctl_table core_syncobj_ioctls = {syncobj_rows, sizeof(syncobj_rows) /
								       sizeof(syncobj_rows[0])};
