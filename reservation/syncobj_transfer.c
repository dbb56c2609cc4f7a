/* SPDX-License-Identifier: MIT */
/* Fences from and to syncobjs: by transfer, and as sync_files. */
#include <wwresv/syncobj.h>

#include <wwresv/fence.h>
#include <wwresv/sync_file.h>

/* Put it in, and drop the reference. */
static int syncobj_take_fence(struct wwr_syncobj *syncobj, uint64_t point, struct wwr_fence *fence)
{
	int ret = wwr_syncobj_add_point(syncobj, point, fence);

	wwr_fence_put(fence);
	return ret;
}

int wwr_syncobj_transfer(struct wwr_syncobj *dst, uint64_t dst_point, struct wwr_syncobj *src,
			 uint64_t src_point, uint32_t flags, struct wwr_interrupt_token *token,
			 int64_t deadline_ns)
{
	struct wwr_fence *fence;
	int ret = wwr_syncobj_find_fence(src, src_point, flags, token, deadline_ns, &fence);

	return ret != 0 ? ret : syncobj_take_fence(dst, dst_point, fence);
}

int wwr_syncobj_export_sync_file(struct wwr_syncobj *syncobj, uint64_t point, int *ret_fd)
{
	struct wwr_fence *fence;
	int ret = wwr_syncobj_find_fence(syncobj, point, 0, NULL, 0, &fence);

	if (ret != 0)
		return ret;
	ret = wwr_sync_file_create(fence, ret_fd);
	wwr_fence_put(fence);
	return ret;
}

int wwr_syncobj_import_sync_file(struct wwr_syncobj *syncobj, uint64_t point, int fd)
{
	struct wwr_fence *fence;
	int ret = wwr_sync_file_get_fence(fd, &fence);

	return ret != 0 ? ret : syncobj_take_fence(syncobj, point, fence);
}
