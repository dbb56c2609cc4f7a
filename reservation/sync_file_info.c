/* SPDX-License-Identifier: MIT */
/* What sync_files are made of, and making one of two. */
#include <wwresv/sync_file.h>

#include <wwresv/fence.h>
#include <wwresv/fence_merge.h>

#include "reservation/fence_core.h"
#include "reservation/sync_file.h"
#include "reservation/sync_timeline.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

int wwr_sync_file_merge(const char *name, int fd, int fd2, int *ret_fd)
{
	struct wwr_fence *fences[2];
	struct wwr_fence *merged;
	int ret;

	if (strnlen(name, WWR_SYNC_NAME_BYTES) == WWR_SYNC_NAME_BYTES)
		return -EINVAL;
	ret = wwr_sync_file_get_fence(fd, &fences[0]);
	if (ret != 0)
		return ret;
	ret = wwr_sync_file_get_fence(fd2, &fences[1]);
	if (ret != 0) {
		ret = ret == -EINVAL || ret == -EBADF ? -ENOENT : ret;
		goto out_put_first;
	}
	ret = wwr_fence_merge(2, fences, &merged);
	if (ret != 0)
		goto out_put_both;
	ret = sync_file_create(merged, name, ret_fd);
	wwr_fence_put(merged);

out_put_both:
	wwr_fence_put(fences[1]);
out_put_first:
	wwr_fence_put(fences[0]);
	return ret;
}

static void fence_get_info(struct wwr_fence *fence, struct wwr_sync_fence_info *ret_info)
{
	const struct wwr_fence_ops *ops = fence_enter_op(fence);

	memset(ret_info, 0, sizeof(*ret_info));
	sync_name_copy(ret_info->obj_name, sizeof(ret_info->obj_name), ops->timeline_name(fence));
	sync_name_copy(ret_info->driver_name, sizeof(ret_info->driver_name),
		       ops->driver_name(fence));
	fence_leave_op();
	ret_info->status = wwr_fence_get_status(fence);
	if (ret_info->status != 0)
		ret_info->timestamp_ns = (uint64_t)wwr_fence_timestamp(fence);
}

/* Returns how many there are; the first max_fences of them are written. */
static uint32_t fence_get_members(struct wwr_fence *fence, uint32_t max_fences,
				  struct wwr_sync_fence_info *ret_fences)
{
	struct wwr_fence_unwrap iter;
	struct wwr_fence *member;
	uint32_t num = 0;

	wwr_fence_unwrap_begin(&iter, fence);
	while ((member = wwr_fence_unwrap_next(&iter)) != NULL) {
		if (num < max_fences)
			fence_get_info(member, &ret_fences[num]);
		num++;
	}
	return num;
}

static void fence_get_name(struct wwr_fence *fence, char *ret_name)
{
	const struct wwr_fence_ops *ops = fence_enter_op(fence);

	(void)snprintf(ret_name, WWR_SYNC_NAME_BYTES, "%s-%s%" PRIu64 "-%" PRIu64,
		       ops->driver_name(fence), ops->timeline_name(fence), fence->context,
		       fence->seqno);
	fence_leave_op();
}

int wwr_sync_file_get_info(int fd, uint32_t max_fences, struct wwr_sync_fence_info *ret_fences,
			   struct wwr_sync_file_info *ret_info)
{
	struct wwr_sync_file_info info = {.status = 0};
	struct wwr_fence *fence;
	int ret;

	ret = sync_file_get(fd, &fence, info.name);
	if (ret != 0)
		return ret;
	/* Before the members: so a status that says done never stands beside a pending member. */
	info.status = wwr_fence_get_status(fence);
	/* Members of a timeline get fewer as they signal, never more. */
	info.num_fences = fence_get_members(fence, 0, NULL);
	if (max_fences != 0 && max_fences < info.num_fences) {
		ret = -EINVAL;
		goto out_put_fence;
	}
	if (max_fences != 0)
		info.num_fences = fence_get_members(fence, max_fences, ret_fences);
	if (info.name[0] == '\0')
		fence_get_name(fence, info.name);
	*ret_info = info;

out_put_fence:
	wwr_fence_put(fence);
	return ret;
}
