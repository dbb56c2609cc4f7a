/* SPDX-License-Identifier: MIT */
/* The ioctls about many syncobjs: nothing has changed if one of them is not there. */
#include "drivers/core/ioctl.h"

#include <wwresv/alloc.h>
#include <wwresv/syncobj.h>
#include <wwresv/uapi/drm_more.h>

#include "drivers/core/syncobj.h"

#include <errno.h>

#define WAIT_FLAGS                                                                                 \
	(DRM_SYNCOBJ_WAIT_FLAGS_WAIT_ALL | DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT |                \
	 WWR_DRM_SYNCOBJ_WAIT_FLAGS_WAIT_DEADLINE)

static int each(struct core_call *call, const struct drm_syncobj_array *block,
		int (*func)(unsigned int num, struct wwr_syncobj *const *syncobjs))
{
	struct core_syncobj_array array;
	int ret = core_syncobj_check_caps(call, CORE_CAP_SYNCOBJ);

	if (ret != 0)
		return ret;
	if (block->pad != 0 || block->count_handles == 0)
		return -EINVAL;
	ret = core_syncobj_array_get(call, block->handles, block->count_handles, &array);
	if (ret != 0)
		return ret;
	ret = func(array.num, array.syncobjs);
	core_syncobj_array_put(&array);
	return ret;
}

static int ioctl_reset(struct core_call *call, void *arg)
{
	return each(call, arg, wwr_syncobj_reset);
}

static int ioctl_signal(struct core_call *call, void *arg)
{
	return each(call, arg, wwr_syncobj_signal);
}

/* Both arrays of a timeline block; no points means zeros. */
static int get_points(struct core_call *call, uint64_t handles, uint64_t points, uint32_t num,
		      struct core_syncobj_array *ret_array, uint64_t **ret_points)
{
	void *copy;
	int ret;

	/* This one first: it refuses what is too much. */
	ret = core_syncobj_array_get(call, handles, num, ret_array);
	if (ret != 0)
		return ret;
	if (points != 0) {
		ret = core_copy_array(call, points, num, sizeof(uint64_t), &copy);
	} else {
		copy = wwr_alloc_array(num, sizeof(uint64_t));
		ret = copy != NULL ? 0 : -ENOMEM;
	}
	if (ret != 0) {
		core_syncobj_array_put(ret_array);
		return ret;
	}
	*ret_points = copy;
	return 0;
}

static int ioctl_timeline_signal(struct core_call *call, void *arg)
{
	const struct drm_syncobj_timeline_array *block = arg;
	struct core_syncobj_array array;
	uint64_t *points;
	int ret = core_syncobj_check_caps(call, CORE_CAP_SYNCOBJ_TIMELINE);

	if (ret != 0)
		return ret;
	if (block->flags != 0 || block->count_handles == 0)
		return -EINVAL;
	ret =
	    get_points(call, block->handles, block->points, block->count_handles, &array, &points);
	if (ret != 0)
		return ret;
	ret = wwr_syncobj_timeline_signal(array.num, array.syncobjs, points);
	core_syncobj_array_put(&array);
	wwr_free(points);
	return ret;
}

static int ioctl_query(struct core_call *call, void *arg)
{
	const struct drm_syncobj_timeline_array *block = arg;
	struct core_syncobj_array array;
	uint64_t *points;
	int ret = core_syncobj_check_caps(call, CORE_CAP_SYNCOBJ_TIMELINE);

	if (ret != 0)
		return ret;
	if ((block->flags & ~(uint32_t)DRM_SYNCOBJ_QUERY_FLAGS_LAST_SUBMITTED) != 0 ||
	    block->count_handles == 0)
		return -EINVAL;
	/* What stands there is written over, not read. */
	ret = get_points(call, block->handles, 0, block->count_handles, &array, &points);
	if (ret != 0)
		return ret;
	ret = wwr_syncobj_query(array.num, array.syncobjs,
				block->flags != 0 ? WWR_SYNCOBJ_QUERY_LAST_SUBMITTED : 0, points);
	if (ret == 0)
		ret = core_copy_out(call, block->points, points, array.num * sizeof(*points));
	core_syncobj_array_put(&array);
	wwr_free(points);
	return ret;
}

/* The bits of the ioctls, which are those of the library in another order. */
static uint32_t wait_flags(uint32_t flags)
{
	return ((flags & DRM_SYNCOBJ_WAIT_FLAGS_WAIT_ALL) != 0 ? WWR_SYNCOBJ_WAIT_ALL : 0) |
	       ((flags & DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT) != 0 ? WWR_SYNCOBJ_WAIT_FOR_SUBMIT
								      : 0) |
	       ((flags & DRM_SYNCOBJ_WAIT_FLAGS_WAIT_AVAILABLE) != 0 ? WWR_SYNCOBJ_WAIT_AVAILABLE
								     : 0) |
	       ((flags & WWR_DRM_SYNCOBJ_WAIT_FLAGS_WAIT_DEADLINE) != 0 ? WWR_SYNCOBJ_WAIT_DEADLINE
									: 0);
}

/* Both kinds of wait; a wait without points is one with zeros that WAIT_AVAILABLE is not for. */
static int wait_for(struct core_call *call, struct wwr_drm_syncobj_timeline_wait *block)
{
	struct core_syncobj_array array;
	unsigned int first = ~0u;
	uint64_t *points;
	int64_t hint_ns;
	int ret;

	if (block->count_handles == 0)
		return 0;
	ret =
	    get_points(call, block->handles, block->points, block->count_handles, &array, &points);
	if (ret != 0)
		return ret;
	hint_ns = block->deadline_nsec > INT64_MAX ? INT64_MAX : (int64_t)block->deadline_nsec;
	ret = wwr_syncobj_wait(array.num, array.syncobjs, points, wait_flags(block->flags),
			       call->token, block->timeout_nsec < 0 ? 0 : block->timeout_nsec,
			       hint_ns, &first);
	if (ret == 0 && (block->flags & DRM_SYNCOBJ_WAIT_FLAGS_WAIT_ALL) == 0)
		block->first_signaled = first;
	core_syncobj_array_put(&array);
	wwr_free(points);
	return ret;
}

static int ioctl_wait(struct core_call *call, void *arg)
{
	struct wwr_drm_syncobj_wait *block = arg;
	struct wwr_drm_syncobj_timeline_wait wait = {
	    .handles = block->handles,
	    .timeout_nsec = block->timeout_nsec,
	    .count_handles = block->count_handles,
	    .flags = block->flags,
	    .deadline_nsec = block->deadline_nsec,
	    .first_signaled = block->first_signaled,
	};
	int ret = core_syncobj_check_caps(call, CORE_CAP_SYNCOBJ);

	if (ret != 0)
		return ret;
	if ((block->flags & ~(uint32_t)WAIT_FLAGS) != 0 || block->pad != 0)
		return -EINVAL;
	ret = wait_for(call, &wait);
	block->first_signaled = wait.first_signaled;
	return ret;
}

static int ioctl_timeline_wait(struct core_call *call, void *arg)
{
	struct wwr_drm_syncobj_timeline_wait *block = arg;
	int ret = core_syncobj_check_caps(call, CORE_CAP_SYNCOBJ_TIMELINE);

	if (ret != 0)
		return ret;
	if ((block->flags & ~(uint32_t)(WAIT_FLAGS | DRM_SYNCOBJ_WAIT_FLAGS_WAIT_AVAILABLE)) != 0 ||
	    block->pad != 0)
		return -EINVAL;
	return wait_for(call, block);
}

static const struct core_ioctl syncobj_many_rows[] = {
    CORE_IOCTL_WR(DRM_IOCTL_SYNCOBJ_RESET, struct drm_syncobj_array, CORE_RENDER, ioctl_reset),
    CORE_IOCTL_WR(DRM_IOCTL_SYNCOBJ_SIGNAL, struct drm_syncobj_array, CORE_RENDER, ioctl_signal),
    CORE_IOCTL_WR(DRM_IOCTL_SYNCOBJ_TIMELINE_SIGNAL, struct drm_syncobj_timeline_array, CORE_RENDER,
		  ioctl_timeline_signal),
    CORE_IOCTL_WR(DRM_IOCTL_SYNCOBJ_QUERY, struct drm_syncobj_timeline_array, CORE_RENDER,
		  ioctl_query),
    CORE_IOCTL_WR(DRM_IOCTL_SYNCOBJ_WAIT, struct wwr_drm_syncobj_wait, CORE_RENDER, ioctl_wait),
    CORE_IOCTL_WR(DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT, struct wwr_drm_syncobj_timeline_wait,
		  CORE_RENDER, ioctl_timeline_wait),
};
const struct core_ioctl_table core_syncobj_many_ioctls = {
    syncobj_many_rows, sizeof(syncobj_many_rows) / sizeof(syncobj_many_rows[0])};
