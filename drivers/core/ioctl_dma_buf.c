/* SPDX-License-Identifier: MIT */
#include "drivers/core/ioctl_fd.h"

#include <wwresv/bo.h>
#include <wwresv/dma_buf.h>

#include <linux/ioctl.h>

#include <linux/dma-buf.h>

#include <errno.h>
#include <string.h>

static int ioctl_sync(struct core_call *call, int fd, uint64_t arg)
{
	struct dma_buf_sync sync;

	if (core_copy_in(call, &sync, arg, sizeof(sync)) != 0)
		return -EFAULT;
	return wwr_dma_buf_sync(fd, sync.flags, call->token, INT64_MAX);
}

/* One byte after the other: the text may end just before memory does. */
static int ioctl_set_name(struct core_call *call, int fd, uint64_t arg)
{
	char name[WWR_DMA_BUF_NAME_BYTES];

	for (size_t i = 0; i < sizeof(name); i++) {
		if (core_copy_in(call, &name[i], arg + i, 1) != 0)
			return -EFAULT;
		if (name[i] == '\0')
			return wwr_dma_buf_set_name(fd, name);
	}
	return -EINVAL;
}

static int ioctl_export(struct core_call *call, int fd, uint64_t arg)
{
	struct dma_buf_export_sync_file export;
	int sync_fd;
	int ret;

	if (core_copy_in(call, &export, arg, sizeof(export)) != 0)
		return -EFAULT;
	ret = wwr_dma_buf_export_sync_file(fd, export.flags, &sync_fd);
	if (ret != 0)
		return ret;
	export.fd = core_fd_out(call, sync_fd, true);
	if (export.fd < 0)
		return export.fd;
	return core_copy_out_fd(call, arg, &export, sizeof(export));
}

static int ioctl_import(struct core_call *call, int fd, uint64_t arg)
{
	struct dma_buf_import_sync_file import;
	int sync_fd;
	int ret;

	if (core_copy_in(call, &import, arg, sizeof(import)) != 0)
		return -EFAULT;
	if (import.flags == 0 || (import.flags & ~(uint32_t)DMA_BUF_SYNC_RW) != 0)
		return -EINVAL;
	sync_fd = call->transport->fd_in(call->data, import.fd);
	if (sync_fd < 0)
		return -EINVAL;
	ret = wwr_dma_buf_import_sync_file(fd, import.flags, sync_fd);
	call->transport->fd_release(call->data, sync_fd);
	return ret == -EBADF ? -EINVAL : ret;
}

/* SET_NAME has had three sizes, and reads nothing of any. */
static bool request_is_set_name(unsigned long request)
{
	return request == DMA_BUF_SET_NAME || request == DMA_BUF_SET_NAME_A ||
	       request == DMA_BUF_SET_NAME_B;
}

int core_dma_buf_ioctl(struct core_call *call, int fd, unsigned long request, uint64_t arg)
{
	struct wwr_bo *bo;
	int ret;

	if (_IOC_TYPE(request) != DMA_BUF_BASE)
		return -ENOTTY;
	ret = wwr_dma_buf_get_bo(fd, &bo);
	if (ret != 0)
		return ret == -EINVAL ? -ENOTTY : ret;
	wwr_bo_put(bo);
	call->new_fd = -1;
	if (request_is_set_name(request))
		return ioctl_set_name(call, fd, arg);
	switch (request) {
	case DMA_BUF_IOCTL_SYNC:
		return ioctl_sync(call, fd, arg);
	case DMA_BUF_IOCTL_EXPORT_SYNC_FILE:
		return ioctl_export(call, fd, arg);
	case DMA_BUF_IOCTL_IMPORT_SYNC_FILE:
		return ioctl_import(call, fd, arg);
	default:
		return -ENOTTY;
	}
}
