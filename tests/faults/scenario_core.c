/* SPDX-License-Identifier: MIT */
/* The devices behind the front door: files, handles, PRIME, syncobjs, fences, submits. */
#include "tests/faults/scenario.h"

#include "drivers/core/core.h"
#include "drivers/core/ioctl.h"
#include "drivers/core/ioctl_fd.h"
#include "drivers/core/transport_self.h"
#include "drivers/vgem/vgem.h"
#include "drivers/wwrmock/wwrmock.h"

#include <drm.h>
#include <drm_mode.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sync_file.h>
#include <unistd.h>

#include <wwresv/device.h>
#include <wwresv/dma_buf.h>
#include <wwresv/sync_file.h>
#include <wwresv/syncobj.h>
#include <wwresv/uapi/sync_more.h>
#include <wwresv/uapi/vgem.h>
#include <wwresv/uapi/wwr_drm.h>

/* -EBADF and -EINVAL of what is there stand for whatever a system may say: it must come out. */
#define FD_ERRORS -ENOMEM, -EMFILE, -ENFILE, -EBADF, -EINVAL, -EOPNOTSUPP, -ENOSPC

static int do_ioctl(struct core_file *file, unsigned long request, void *arg)
{
	struct core_call call = {.file = file, .transport = &core_transport_self};

	return core_ioctl(&call, request, (uintptr_t)arg);
}

static int make_dumb(struct core_file *file, uint32_t *ret_handle)
{
	struct drm_mode_create_dumb dumb = {.width = 32, .height = 32, .bpp = 32};
	const int ret = do_ioctl(file, DRM_IOCTL_MODE_CREATE_DUMB, &dumb);

	*ret_handle = ret == 0 ? dumb.handle : 0;
	return ret;
}

static int export_buffer(struct core_file *file, uint32_t handle, uint32_t flags, int *ret_fd)
{
	struct drm_prime_handle prime = {.handle = handle, .flags = flags | DRM_CLOEXEC};
	const int ret = do_ioctl(file, DRM_IOCTL_PRIME_HANDLE_TO_FD, &prime);

	*ret_fd = ret == 0 ? prime.fd : -1;
	return ret;
}

static int import_buffer(struct core_file *file, int fd)
{
	struct drm_prime_handle prime = {.fd = fd};

	return do_ioctl(file, DRM_IOCTL_PRIME_FD_TO_HANDLE, &prime);
}

/* The first file of a device is the master, which needs no leave to. */
static int open_by_name(struct core_file *file, uint32_t handle)
{
	struct drm_gem_flink flink = {.handle = handle};
	struct drm_gem_open open = {.handle = 0};
	int ret = do_ioctl(file, DRM_IOCTL_GEM_FLINK, &flink);

	open.name = flink.name;
	return ret == 0 ? do_ioctl(file, DRM_IOCTL_GEM_OPEN, &open) : ret;
}

static void close_fd(int fd)
{
	if (fd >= 0)
		(void)close(fd);
}

/* A buffer that two devices have. */
static void share(struct core_file *file, struct core_file *foreign)
{
	int fd = -1, read_only = -1;
	uint32_t handle = 0;
	int ret;

	FAULT_TRY(&ret, make_dumb(file, &handle), FD_ERRORS);
	if (ret == 0)
		FAULT_TRY(&ret, open_by_name(file, handle), -ENOMEM);
	if (ret == 0)
		FAULT_TRY(&ret, export_buffer(file, handle, DRM_RDWR, &fd), FD_ERRORS);
	if (ret == 0)
		FAULT_TRY(&ret, export_buffer(file, handle, 0, &read_only), FD_ERRORS);
	if (ret == 0)
		FAULT_TRY(&ret, import_buffer(foreign, fd), FD_ERRORS);
	close_fd(fd);
	close_fd(read_only);
}

static int make_syncobj(struct core_file *file, uint32_t *ret_handle)
{
	struct drm_syncobj_create create = {.handle = 0};
	const int ret = do_ioctl(file, DRM_IOCTL_SYNCOBJ_CREATE, &create);

	*ret_handle = ret == 0 ? create.handle : 0;
	return ret;
}

static int signal_points(struct core_file *file, uint32_t *handles, uint64_t *points)
{
	struct drm_syncobj_timeline_array array = {
	    .handles = (uintptr_t)handles, .points = (uintptr_t)points, .count_handles = 2};

	return do_ioctl(file, DRM_IOCTL_SYNCOBJ_TIMELINE_SIGNAL, &array);
}

static int wait_points(struct core_file *file, uint32_t *handles, uint64_t *points)
{
	struct drm_syncobj_timeline_wait wait = {
	    .handles = (uintptr_t)handles, .points = (uintptr_t)points, .count_handles = 2};

	return do_ioctl(file, DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT, &wait);
}

static void use_syncobjs(struct core_file *file)
{
	uint32_t handles[2] = {0};
	uint64_t points[2] = {1, 2};
	int ret = 0;

	for (int i = 0; ret == 0 && i < 2; i++)
		FAULT_TRY(&ret, make_syncobj(file, &handles[i]), -ENOMEM);
	if (ret == 0)
		FAULT_TRY(&ret, signal_points(file, handles, NULL), -ENOMEM);
	if (ret == 0)
		FAULT_TRY(&ret, signal_points(file, handles, points), -ENOMEM);
	if (ret == 0)
		FAULT_TRY(&ret, wait_points(file, handles, points), -ENOMEM);
}

static int attach_fence(struct core_file *file, uint32_t handle, uint32_t *ret_fence)
{
	struct wwr_vgem_fence_attach attach = {.handle = handle, .flags = WWR_VGEM_FENCE_WRITE};
	const int ret = do_ioctl(file, WWR_IOCTL_VGEM_FENCE_ATTACH, &attach);

	*ret_fence = ret == 0 ? attach.out_fence : 0;
	return ret;
}

static void use_vgem_fence(struct core_file *file)
{
	struct wwr_vgem_fence_signal done = {.fence = 0};
	uint32_t handle = 0;
	int ret;

	FAULT_TRY(&ret, make_dumb(file, &handle), FD_ERRORS);
	if (ret == 0)
		FAULT_TRY(&ret, attach_fence(file, handle, &done.fence), -ENOMEM);
	if (ret == 0)
		FAULT_TRY(&ret, do_ioctl(file, WWR_IOCTL_VGEM_FENCE_SIGNAL, &done), -ENOMEM);
}

static int open_file(struct core_device *device, bool render, struct core_file **ret_file)
{
	const int ret = core_file_open(device, render, 1, 1000, ret_file);

	if (ret != 0)
		*ret_file = NULL;
	return ret;
}

static void run_vgem(void)
{
	struct core_device *devices[2] = {NULL};
	struct core_file *files[2] = {NULL};
	int ret = 0;

	for (int i = 0; ret == 0 && i < 2; i++)
		FAULT_TRY(
		    &ret,
		    vgem_device_create(CORE_CAP_ALL, NULL, VGEM_FENCE_TIMEOUT_NS, &devices[i]),
		    -ENOMEM, -EAGAIN);
	for (int i = 0; ret == 0 && i < 2; i++)
		FAULT_TRY(&ret, open_file(devices[i], false, &files[i]), -ENOMEM);
	if (ret == 0) {
		share(files[0], files[1]);
		use_syncobjs(files[0]);
		use_vgem_fence(files[0]);
	}
	for (int i = 0; i < 2; i++) {
		if (files[i] != NULL)
			core_file_put(files[i]);
		if (devices[i] != NULL)
			core_device_put(devices[i]);
	}
}

static int make_sw_fence(struct core_sw_sync *sync, int *ret_fd)
{
	struct core_call call = {.transport = &core_transport_self};
	struct wwr_sw_sync_create_fence create = {.value = 1};
	const int ret =
	    core_sw_sync_ioctl(&call, sync, WWR_SW_SYNC_IOC_CREATE_FENCE, (uintptr_t)&create);

	*ret_fd = ret == 0 ? create.fence : -1;
	return ret;
}

static int get_fences(int fd)
{
	struct core_call call = {.transport = &core_transport_self};
	struct sync_fence_info fence;
	struct sync_file_info info = {.num_fences = 1, .sync_fence_info = (uintptr_t)&fence};

	return core_sync_file_ioctl(&call, fd, SYNC_IOC_FILE_INFO, (uintptr_t)&info);
}

static void run_sw_sync(void)
{
	struct core_sw_sync *sync = NULL;
	int fd = -1;
	int ret;

	FAULT_TRY(&ret, core_sw_sync_open("faults", &sync), -ENOMEM);
	if (ret == 0)
		FAULT_TRY(&ret, make_sw_fence(sync, &fd), FD_ERRORS);
	if (ret == 0)
		FAULT_TRY(&ret, get_fences(fd), FD_ERRORS, -ENOTTY);
	if (sync != NULL)
		core_sw_sync_put(sync);
	close_fd(fd);
}

static int make_buffer(struct core_file *file, uint32_t *ret_handle)
{
	struct wwr_drm_bo_create create = {.size = 4096, .domain = WWR_DRM_DOMAIN_SYSTEM};
	const int ret = do_ioctl(file, WWR_IOCTL_BO_CREATE, &create);

	*ret_handle = ret == 0 ? create.handle : 0;
	return ret;
}

static int make_queue(struct core_file *file, uint32_t *ret_handle)
{
	struct wwr_drm_queue_create create = {.engines = 1};
	const int ret = do_ioctl(file, WWR_IOCTL_QUEUE_CREATE, &create);

	*ret_handle = ret == 0 ? create.handle : 0;
	return ret;
}

static int submit(struct core_file *file, uint32_t queue, uint32_t *buffers, uint32_t syncobj,
		  uint64_t point)
{
	struct wwr_drm_submit_bo bos[2] = {
	    {.handle = buffers[0], .flags = WWR_DRM_BO_WRITE},
	    {.handle = buffers[1], .flags = WWR_DRM_BO_READ},
	};
	struct wwr_drm_submit_sync out = {.handle = syncobj, .point = point};
	struct wwr_drm_submit block = {
	    .queue = queue,
	    .engine = queue == 0 ? WWR_DRM_ENGINE(WWR_ENGINE_BCS, 1) : 0,
	    .num_bos = 2,
	    .bos = (uintptr_t)bos,
	    .bo_stride = sizeof(bos[0]),
	    .sync_stride = sizeof(out),
	    .num_out_syncs = 1,
	    .out_syncs = (uintptr_t)&out,
	};

	return do_ioctl(file, WWR_IOCTL_SUBMIT, &block);
}

static void use_mock(struct core_file *file)
{
	uint32_t buffers[2] = {0}, queue = 0, syncobj = 0;
	int ret = 0;

	for (int i = 0; ret == 0 && i < 2; i++)
		FAULT_TRY(&ret, make_buffer(file, &buffers[i]), FD_ERRORS);
	if (ret == 0)
		FAULT_TRY(&ret, make_queue(file, &queue), -ENOMEM);
	if (ret == 0)
		FAULT_TRY(&ret, make_syncobj(file, &syncobj), -ENOMEM);
	/* To a queue, and to an engine, which has one of its own. */
	for (uint64_t i = 1; ret == 0 && i <= 2; i++)
		FAULT_TRY(&ret, submit(file, i == 1 ? queue : 0, buffers, syncobj, i), FD_ERRORS);
}

static void run_wwrmock(void)
{
	struct core_device *device = NULL;
	struct core_file *file = NULL;
	struct wwr_device_config config;
	int ret;

	wwr_device_config_init(&config);
	config.time_scale = 0;
	FAULT_TRY(&ret, wwrmock_device_create(CORE_CAP_ALL, NULL, &config, &device), -ENOMEM,
		  -EAGAIN);
	if (ret == 0)
		FAULT_TRY(&ret, open_file(device, true, &file), -ENOMEM);
	if (ret == 0)
		use_mock(file);
	if (file != NULL)
		core_file_put(file);
	if (device != NULL)
		core_device_put(device);
}

static void settle(void)
{
	(void)wwr_sync_file_collect();
	(void)wwr_dma_buf_collect();
	(void)wwr_syncobj_collect();
}

static const struct scenario vgem = {"vgem", run_vgem, settle};
static const struct scenario sw_sync = {"sw_sync", run_sw_sync, settle};
static const struct scenario wwrmock = {"wwrmock", run_wwrmock, settle};

const struct scenario *const core_scenarios[] = {&vgem, &sw_sync, &wwrmock, NULL};
