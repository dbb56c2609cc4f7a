/* SPDX-License-Identifier: MIT */
#include "drivers/core/ioctl_fd.h"

#include <wwresv/alloc.h>
#include <wwresv/fence.h>
#include <wwresv/sync_file.h>
#include <wwresv/uapi/sync_more.h>

#include <linux/sync_file.h>

#include <errno.h>
#include <string.h>

static int ioctl_merge(struct core_call *call, int fd, uint64_t arg)
{
	struct sync_merge_data merge;
	int merged_fd;
	int fd2;
	int ret;

	if (core_copy_in(call, &merge, arg, sizeof(merge)) != 0)
		return -EFAULT;
	if (merge.flags != 0 || merge.pad != 0)
		return -EINVAL;
	fd2 = call->transport->fd_in(call->data, merge.fd2);
	if (fd2 < 0)
		return -ENOENT;
	merge.name[sizeof(merge.name) - 1] = '\0';
	ret = wwr_sync_file_merge(merge.name, fd, fd2, &merged_fd);
	call->transport->fd_release(call->data, fd2);
	if (ret != 0)
		return ret;
	merge.fence = core_fd_out(call, merged_fd, true);
	if (merge.fence < 0)
		return merge.fence;
	return core_copy_out_fd(call, arg, &merge, sizeof(merge));
}

/* Copy the fences out, in the layout of the ioctl. */
static int copy_fences(struct core_call *call, uint64_t dst,
		       const struct wwr_sync_fence_info *fences, uint32_t num)
{
	for (uint32_t i = 0; i < num; i++) {
		struct sync_fence_info info;

		memset(&info, 0, sizeof(info));
		memcpy(info.obj_name, fences[i].obj_name, sizeof(info.obj_name));
		memcpy(info.driver_name, fences[i].driver_name, sizeof(info.driver_name));
		info.status = fences[i].status;
		info.flags = fences[i].flags;
		info.timestamp_ns = fences[i].timestamp_ns;
		if (core_copy_out(call, dst + i * sizeof(info), &info, sizeof(info)) != 0)
			return -EFAULT;
	}
	return 0;
}

/* The fences of a sync_file go to dst, if there is room for all. */
static int get_fences(struct core_call *call, int fd, uint32_t room, uint64_t dst,
		      struct wwr_sync_file_info *ret_info)
{
	struct wwr_sync_fence_info *fences;
	uint32_t num = ret_info->num_fences;
	int ret;

	if (room < num)
		return -EINVAL;
	fences = wwr_alloc_array(num, sizeof(*fences));
	if (fences == NULL)
		return -ENOMEM;
	/* There may be less by now, never more. */
	ret = wwr_sync_file_get_info(fd, num, fences, ret_info);
	if (ret == 0)
		ret = copy_fences(call, dst, fences, ret_info->num_fences);
	wwr_free(fences);
	return ret;
}

static int ioctl_file_info(struct core_call *call, int fd, uint64_t arg)
{
	struct wwr_sync_file_info known;
	struct sync_file_info info;
	int ret;

	if (core_copy_in(call, &info, arg, sizeof(info)) != 0)
		return -EFAULT;
	if (info.flags != 0 || info.pad != 0)
		return -EINVAL;
	ret = wwr_sync_file_get_info(fd, 0, NULL, &known);
	if (ret == 0 && info.num_fences != 0)
		ret = get_fences(call, fd, info.num_fences, info.sync_fence_info, &known);
	if (ret != 0)
		return ret;
	memset(info.name, 0, sizeof(info.name));
	memcpy(info.name, known.name, strnlen(known.name, sizeof(info.name) - 1));
	info.status = known.status;
	info.num_fences = known.num_fences;
	return core_copy_out(call, arg, &info, sizeof(info));
}

static int ioctl_set_deadline(struct core_call *call, int fd, uint64_t arg)
{
	struct wwr_sync_set_deadline set;

	if (core_copy_in(call, &set, arg, sizeof(set)) != 0)
		return -EFAULT;
	if (set.pad != 0)
		return -EINVAL;
	return wwr_sync_file_set_deadline(
	    fd, set.deadline_ns > INT64_MAX ? INT64_MAX : (int64_t)set.deadline_ns);
}

int core_sync_file_ioctl(struct core_call *call, int fd, unsigned long request, uint64_t arg)
{
	struct wwr_fence *fence;
	int ret;

	if (_IOC_TYPE(request) != SYNC_IOC_MAGIC)
		return -ENOTTY;
	ret = wwr_sync_file_get_fence(fd, &fence);
	if (ret != 0)
		return ret == -EINVAL ? -ENOTTY : ret;
	wwr_fence_put(fence);
	call->new_fd = -1;
	switch (request) {
	case SYNC_IOC_MERGE:
		return ioctl_merge(call, fd, arg);
	case SYNC_IOC_FILE_INFO:
		return ioctl_file_info(call, fd, arg);
	case WWR_SYNC_IOC_SET_DEADLINE:
		return ioctl_set_deadline(call, fd, arg);
	default:
		return -ENOTTY;
	}
}
