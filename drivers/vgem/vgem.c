/* SPDX-License-Identifier: MIT */
#include "drivers/vgem/vgem.h"

#include <wwresv/alloc.h>
#include <wwresv/bo.h>
#include <wwresv/uapi/vgem.h>

#include "drivers/core/gem.h"
#include "drivers/core/ioctl.h"
#include "drivers/vgem/vgem_fence.h"
#include "lockset/wwr_atomic.h"

#include <errno.h>

#define MAX_FENCES 65536

/* One open file's.  Fields: (i) immutable, (a) atomic. */
struct vgem_file {
	uint64_t context;	    /* (i) */
	uint64_t last_seqno;	    /* (a) */
	struct handle_table fences; /* a reference each */
};

static int vgem_open(struct core_file *file)
{
	struct vgem_file *own = wwr_alloc(sizeof(*own));

	if (own == NULL)
		return -ENOMEM;
	own->context = wwr_fence_context_alloc(1);
	handle_table_init(&own->fences, MAX_FENCES);
	file->driver_data = own;
	return 0;
}

/* Nobody else can signal them any more. */
static void vgem_close(struct core_file *file)
{
	struct vgem_clock *clock = file->device->driver_data;
	struct vgem_file *own = file->driver_data;
	struct vgem_fence *fence;
	uint32_t cursor = 0;
	uint32_t handle;

	while ((fence = handle_table_take(&own->fences, &cursor, &handle)) != NULL) {
		(void)vgem_fence_signal(clock, fence);
		wwr_fence_put(&fence->base);
	}
	handle_table_fini(&own->fences);
	wwr_free(own);
}

/* Under the reservation's lock, so that of two attachers one sees the other. */
static int resv_attach(struct wwr_resv *resv, struct wwr_fence *fence, bool write)
{
	int ret;

	wwr_mutex_assert_held(&resv->mutex);
	if (!wwr_resv_test_signaled(resv, write ? WWR_RESV_USAGE_READ : WWR_RESV_USAGE_WRITE))
		return -EBUSY;
	ret = wwr_resv_reserve_fences(resv, 1);
	if (ret != 0)
		return ret;
	return wwr_resv_add_fence(resv, fence, write ? WWR_RESV_USAGE_WRITE : WWR_RESV_USAGE_READ);
}

static int gem_attach(struct core_gem *gem, struct wwr_fence *fence, bool write)
{
	struct wwr_resv *resv = gem->bo->resv;
	int ret = wwr_mutex_lock(&resv->mutex, NULL);

	if (ret != 0)
		return ret;
	ret = resv_attach(resv, fence, write);
	wwr_mutex_unlock(&resv->mutex);
	return ret;
}

static int vgem_attach(struct core_call *call, struct core_gem *gem,
		       struct wwr_vgem_fence_attach *attach)
{
	struct vgem_clock *clock = call->file->device->driver_data;
	struct vgem_file *own = call->file->driver_data;
	/* Relaxed: only distinct, and later than what was attached before. */
	uint64_t seqno = wwr_atomic_fetch_add(&own->last_seqno, 1, WWR_RELAXED) + 1;
	struct vgem_fence *fence = vgem_fence_create(own->context, seqno);
	int ret;

	if (fence == NULL)
		return -ENOMEM;
	/* It runs from the first moment, since whoever guesses its number may signal it. */
	vgem_fence_start(clock, fence);
	(void)wwr_fence_get(&fence->base);
	ret = handle_table_add(&own->fences, fence, &attach->out_fence);
	if (ret != 0) {
		wwr_fence_put(&fence->base);
		goto out_put;
	}
	ret = gem_attach(gem, &fence->base, (attach->flags & WWR_VGEM_FENCE_WRITE) != 0);
	if (ret != 0) {
		struct vgem_fence *taken = handle_table_remove(&own->fences, attach->out_fence);

		if (taken != NULL)
			wwr_fence_put(&taken->base);
		attach->out_fence = 0;
	}

out_put:
	if (ret != 0)
		(void)vgem_fence_signal(clock, fence);
	wwr_fence_put(&fence->base);
	return ret;
}

static int ioctl_attach(struct core_call *call, void *arg)
{
	struct wwr_vgem_fence_attach *attach = arg;
	struct core_gem *gem;
	int ret;

	if ((attach->flags & ~WWR_VGEM_FENCE_WRITE) != 0 || attach->pad != 0)
		return -EINVAL;
	gem = core_gem_find(call->file, attach->handle);
	if (gem == NULL)
		return -ENOENT;
	ret = vgem_attach(call, gem, attach);
	core_gem_put(gem);
	return ret;
}

static int ioctl_signal(struct core_call *call, void *arg)
{
	const struct wwr_vgem_fence_signal *signal_arg = arg;
	struct vgem_file *own = call->file->driver_data;
	struct vgem_fence *fence;
	int ret;

	if (signal_arg->flags != 0)
		return -EINVAL;
	fence = handle_table_remove(&own->fences, signal_arg->fence);
	if (fence == NULL)
		return -ENOENT;
	ret = vgem_fence_signal(call->file->device->driver_data, fence);
	wwr_fence_put(&fence->base);
	return ret;
}

static void vgem_fini(struct core_device *device)
{
	vgem_clock_stop(device->driver_data);
	wwr_free(device->driver_data);
}

static const struct core_ioctl vgem_ioctls[] = {
    CORE_IOCTL_WR(WWR_IOCTL_VGEM_FENCE_ATTACH, struct wwr_vgem_fence_attach, CORE_RENDER,
		  ioctl_attach),
    CORE_IOCTL_W(WWR_IOCTL_VGEM_FENCE_SIGNAL, struct wwr_vgem_fence_signal, CORE_RENDER,
		 ioctl_signal),
};

static const struct core_driver vgem_driver = {
    .name = "vgem",
    .desc = "Virtual GEM provider",
    .date = "20261127",
    .major = 1,
    .minor = 0,
    .patchlevel = 0,
    .unique = "vgem",
    .ioctls = vgem_ioctls,
    .num_ioctls = sizeof(vgem_ioctls) / sizeof(vgem_ioctls[0]),
    .open = vgem_open,
    .close = vgem_close,
    .fini = vgem_fini,
};

int vgem_device_create(uint32_t caps, const struct core_quota *quota, int64_t timeout_ns,
		       struct core_device **ret_device)
{
	struct vgem_clock *clock = wwr_alloc(sizeof(*clock));
	int ret;

	if (clock == NULL)
		return -ENOMEM;
	ret = vgem_clock_start(clock, timeout_ns);
	if (ret != 0)
		goto err_free_clock;
	ret = core_device_create(&vgem_driver, clock, caps, quota, ret_device);
	if (ret != 0)
		goto err_stop_clock;
	return 0;

err_stop_clock:
	vgem_clock_stop(clock);
err_free_clock:
	wwr_free(clock);
	return ret;
}
