/* SPDX-License-Identifier: MIT */
/*
 * sw_sync counts in 32 bits, the library's timelines in 64.  A client's value is the 64-bit one
 * nearest to where the timeline is, which compares as the kernel does: by the sign of a 32-bit
 * difference.
 */
#include "drivers/core/ioctl_fd.h"

#include <wwresv/alloc.h>
#include <wwresv/fence.h>
#include <wwresv/sync_file.h>
#include <wwresv/sync_timeline.h>
#include <wwresv/uapi/sync_more.h>

#include "lockset/wwr_atomic.h"

#include <errno.h>
#include <string.h>

/* Fields: (i) immutable, (a) atomic. */
struct core_sw_sync {
	struct wwr_sync_timeline *timeline; /* (i) */
	uint32_t refcount;		    /* (a) */
};

int core_sw_sync_open(const char *name, struct core_sw_sync **ret_sync)
{
	struct core_sw_sync *sync = wwr_alloc(sizeof(*sync));
	int ret;

	if (sync == NULL)
		return -ENOMEM;
	ret = wwr_sync_timeline_create(name, &sync->timeline);
	if (ret != 0) {
		wwr_free(sync);
		return ret;
	}
	sync->refcount = 1;
	*ret_sync = sync;
	return 0;
}

struct core_sw_sync *core_sw_sync_get(struct core_sw_sync *sync)
{
	/* Relaxed: the caller has one. */
	(void)wwr_atomic_fetch_add(&sync->refcount, 1, WWR_RELAXED);
	return sync;
}

void core_sw_sync_put(struct core_sw_sync *sync)
{
	/* Release and acquire pair among the puts: the last one sees what the others did. */
	if (wwr_atomic_fetch_sub(&sync->refcount, 1, WWR_ACQ_REL) != 1)
		return;
	wwr_sync_timeline_destroy(sync->timeline);
	wwr_free(sync);
}

static int ioctl_create_fence(struct core_call *call, struct core_sw_sync *sync, uint64_t arg)
{
	uint64_t now = wwr_sync_timeline_value(sync->timeline);
	struct wwr_sw_sync_create_fence create;
	struct wwr_fence *fence;
	int32_t ahead;
	int ret;
	int fd;

	if (core_copy_in(call, &create, arg, sizeof(create)) != 0)
		return -EFAULT;
	create.name[sizeof(create.name) - 1] = '\0';
	ahead = (int32_t)(create.value - (uint32_t)now);
	ret = wwr_sync_timeline_create_fence(sync->timeline, now + (uint64_t)(int64_t)ahead,
					     create.name[0] != '\0' ? create.name : NULL, &fence);
	if (ret != 0)
		return ret;
	ret = wwr_sync_file_create(fence, &fd);
	wwr_fence_put(fence);
	if (ret != 0)
		return ret;
	create.fence = core_fd_out(call, fd, true);
	if (create.fence < 0)
		return create.fence;
	return core_copy_out_fd(call, arg, &create, sizeof(create));
}

static int ioctl_inc(struct core_call *call, struct core_sw_sync *sync, uint64_t arg)
{
	uint32_t num;

	if (core_copy_in(call, &num, arg, sizeof(num)) != 0)
		return -EFAULT;
	wwr_sync_timeline_inc(sync->timeline, num);
	return 0;
}

static int ioctl_get_deadline(struct core_call *call, uint64_t arg)
{
	struct wwr_sw_sync_get_deadline get;
	struct wwr_fence *fence;
	int64_t deadline_ns = 0;
	int ret;
	int fd;

	if (core_copy_in(call, &get, arg, sizeof(get)) != 0)
		return -EFAULT;
	if (get.deadline_ns != 0 || get.pad != 0)
		return -EINVAL;
	fd = call->transport->fd_in(call->data, get.fence_fd);
	if (fd < 0)
		return -EINVAL;
	ret = wwr_sync_file_get_fence(fd, &fence);
	call->transport->fd_release(call->data, fd);
	if (ret != 0)
		return ret == -EBADF ? -EINVAL : ret;
	ret = wwr_sync_timeline_get_deadline(fence, &deadline_ns);
	wwr_fence_put(fence);
	if (ret != 0)
		return ret;
	get.deadline_ns = (uint64_t)deadline_ns;
	return core_copy_out(call, arg, &get, sizeof(get));
}

int core_sw_sync_ioctl(struct core_call *call, struct core_sw_sync *sync, unsigned long request,
		       uint64_t arg)
{
	call->new_fd = -1;
	switch (request) {
	case WWR_SW_SYNC_IOC_CREATE_FENCE:
		return ioctl_create_fence(call, sync, arg);
	case WWR_SW_SYNC_IOC_INC:
		return ioctl_inc(call, sync, arg);
	case WWR_SW_SYNC_IOC_GET_DEADLINE:
		return ioctl_get_deadline(call, arg);
	default:
		return -ENOTTY;
	}
}
