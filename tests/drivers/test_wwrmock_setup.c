/* SPDX-License-Identifier: MIT */
#include "tests/drivers/test_wwrmock.h"

#include "drivers/core/transport_self.h"
#include "drivers/wwrmock/wwrmock.h"

#include <wwresv/dma_buf.h>
#include <wwresv/fence.h>
#include <wwresv/sync_file.h>
#include <wwresv/sync_timeline.h>

#include <poll.h>

struct core_device *wm_device;
struct core_file *wm_card, *wm_file;

void wm_setup_with(uint32_t caps, const struct core_quota *quota)
{
	cr_assert_eq(wwrmock_device_create(caps, quota, NULL, &wm_device), 0);
	cr_assert_eq(core_file_open(wm_device, false, 1, 1000, &wm_card), 0);
	cr_assert_eq(core_file_open(wm_device, true, 2, 1000, &wm_file), 0);
}

void wm_setup(void)
{
	wm_setup_with(CORE_CAP_ALL, NULL);
}

void wm_teardown(void)
{
	core_file_put(wm_card);
	core_file_put(wm_file);
	cr_assert_eq(wm_device->num_gems, 0, "a buffer is left");
	core_device_put(wm_device);
	(void)wwr_dma_buf_collect();
	(void)wwr_sync_file_collect();
}

int wm_do(struct core_file *file, unsigned long request, void *arg)
{
	struct core_call call = {.file = file, .transport = &core_transport_self};

	return core_ioctl(&call, request, (uintptr_t)arg);
}

uint32_t wm_make_buffer(struct core_file *file)
{
	struct wwr_drm_bo_create create = {.size = 1, .domain = WWR_DRM_DOMAIN_VRAM};

	cr_assert_eq(wm_do(file, WWR_IOCTL_BO_CREATE, &create), 0);
	cr_assert_eq(create.size, 4096);
	return create.handle;
}

uint32_t wm_make_syncobj(struct core_file *file, uint32_t flags)
{
	struct drm_syncobj_create create = {.flags = flags};

	cr_assert_eq(wm_do(file, DRM_IOCTL_SYNCOBJ_CREATE, &create), 0);
	return create.handle;
}

int wm_make_gate(struct wwr_sync_timeline **ret_timeline)
{
	struct wwr_fence *fence;
	int fd;

	cr_assert_eq(wwr_sync_timeline_create("gate", ret_timeline), 0);
	cr_assert_eq(wwr_sync_timeline_create_fence(*ret_timeline, 1, NULL, &fence), 0);
	cr_assert_eq(wwr_sync_file_create(fence, &fd), 0);
	wwr_fence_put(fence);
	return fd;
}

void wm_open_gate(struct wwr_sync_timeline *timeline)
{
	wwr_sync_timeline_inc(timeline, 1);
	wwr_sync_timeline_destroy(timeline);
}

struct wwr_drm_submit wm_block(struct wwr_drm_submit_bo *bo, struct wwr_drm_submit_sync *in,
			       struct wwr_drm_submit_sync *out)
{
	return (struct wwr_drm_submit){
	    .num_bos = bo != NULL,
	    .bos = (uintptr_t)bo,
	    .bo_stride = sizeof(*bo),
	    .sync_stride = sizeof(*in),
	    .num_in_syncs = in != NULL,
	    .num_out_syncs = out != NULL,
	    .in_syncs = (uintptr_t)in,
	    .out_syncs = (uintptr_t)out,
	};
}

int wm_wait(struct core_file *file, uint32_t handle, uint32_t flags, int64_t timeout_ns)
{
	struct wwr_drm_bo_wait wait = {.handle = handle, .flags = flags, .timeout_ns = timeout_ns};

	return wm_do(file, WWR_IOCTL_BO_WAIT, &wait);
}

bool wm_is_ready(int fd)
{
	struct pollfd poll_fd = {fd, POLLIN, 0};

	return poll(&poll_fd, 1, 0) == 1;
}
