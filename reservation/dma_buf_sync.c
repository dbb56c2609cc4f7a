/* SPDX-License-Identifier: MIT */
/* The fences of a dma-buf's reservation, for the processor and for sync_files. */
#include <wwresv/dma_buf.h>

#include <wwresv/bo.h>
#include <wwresv/fence.h>
#include <wwresv/fence_merge.h>
#include <wwresv/resv.h>
#include <wwresv/sync_file.h>

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>

/* READ, WRITE or both, and nothing else. */
static bool flags_are_access(uint64_t flags)
{
	return flags != 0 && (flags & ~(uint64_t)WWR_DMA_BUF_RW) == 0;
}

int wwr_dma_buf_sync(int fd, uint64_t flags, struct wwr_interrupt_token *token, int64_t deadline_ns)
{
	uint64_t access = flags & ~(uint64_t)WWR_DMA_BUF_END;
	struct wwr_bo *bo;
	int ret;

	if (!flags_are_access(access))
		return -EINVAL;
	ret = wwr_dma_buf_get_bo(fd, &bo);
	if (ret != 0)
		return ret;
	if ((flags & WWR_DMA_BUF_END) == 0)
		ret = wwr_resv_wait_until(bo->resv,
					  wwr_resv_usage_rw((access & WWR_DMA_BUF_WRITE) != 0),
					  token, deadline_ns);
	wwr_bo_put(bo);
	return ret;
}

/* A sync_file of the fences of a usage and of all lower ones. */
static int export_usage(int fd, enum wwr_resv_usage usage, int *ret_fd)
{
	struct wwr_fence **fences;
	struct wwr_fence *merged;
	struct wwr_bo *bo;
	unsigned int num;
	int ret;

	ret = wwr_dma_buf_get_bo(fd, &bo);
	if (ret != 0)
		return ret;
	ret = wwr_resv_get_fences(bo->resv, usage, &num, &fences);
	if (ret != 0)
		goto out_put_bo;
	ret = wwr_fence_merge(num, fences, &merged);
	wwr_resv_put_fences(num, fences);
	if (ret != 0)
		goto out_put_bo;
	ret = wwr_sync_file_create(merged, ret_fd);
	wwr_fence_put(merged);

out_put_bo:
	wwr_bo_put(bo);
	return ret;
}

int wwr_dma_buf_export_sync_file(int fd, uint32_t flags, int *ret_fd)
{
	if (!flags_are_access(flags))
		return -EINVAL;
	return export_usage(fd, wwr_resv_usage_rw((flags & WWR_DMA_BUF_WRITE) != 0), ret_fd);
}

int wwr_dma_buf_poll(int fd, short events, int *ret_fd)
{
	if (events == 0 || (events & ~(POLLIN | POLLOUT)) != 0)
		return -EINVAL;
	return export_usage(fd, wwr_resv_usage_rw((events & POLLIN) == 0), ret_fd);
}

static int resv_add_members(struct wwr_resv *resv, struct wwr_fence *fence,
			    enum wwr_resv_usage usage) WWR_REQUIRES(resv->mutex)
{
	struct wwr_fence_unwrap iter;
	struct wwr_fence *member;
	unsigned int num = 0;
	int ret;

	wwr_fence_unwrap_begin(&iter, fence);
	while (wwr_fence_unwrap_next(&iter) != NULL)
		num++;
	if (num == 0)
		return 0;
	ret = wwr_resv_reserve_fences(resv, num);
	if (ret != 0)
		return ret;
	/* Points of a timeline may have gone meanwhile; there are never more of them. */
	wwr_fence_unwrap_begin(&iter, fence);
	while ((member = wwr_fence_unwrap_next(&iter)) != NULL) {
		ret = wwr_resv_add_fence(resv, member, usage);
		assert(ret == 0);
	}
	return ret;
}

int wwr_dma_buf_import_sync_file(int fd, uint32_t flags, int sync_fd)
{
	enum wwr_resv_usage usage =
	    (flags & WWR_DMA_BUF_WRITE) != 0 ? WWR_RESV_USAGE_WRITE : WWR_RESV_USAGE_READ;
	struct wwr_fence *fence;
	struct wwr_bo *bo;
	int ret;

	if (!flags_are_access(flags))
		return -EINVAL;
	ret = wwr_dma_buf_get_bo(fd, &bo);
	if (ret != 0)
		return ret;
	ret = wwr_sync_file_get_fence(sync_fd, &fence);
	if (ret != 0)
		goto out_put_bo;
	ret = wwr_mutex_lock(&bo->resv->mutex, NULL);
	if (ret != 0)
		goto out_put_fence;
	ret = resv_add_members(bo->resv, fence, usage);
	wwr_mutex_unlock(&bo->resv->mutex);

out_put_fence:
	wwr_fence_put(fence);
out_put_bo:
	wwr_bo_put(bo);
	return ret;
}
