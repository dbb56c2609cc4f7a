/* SPDX-License-Identifier: MIT */
/*
 * Dispatch: by number, so that a block may have grown since the client, or the core, was compiled.
 * A block is copied in once, before its handler looks at it, and copied out once, after it.
 */
#include "drivers/core/ioctl.h"

#include <wwresv/alloc.h>

#include <errno.h>
#include <string.h>

/* Larger than every block that the core or a driver knows. */
#define BLOCK_BYTES 256

/* A client must not make the core take as much memory as it likes; the kernel's limit, too. */
#define MAX_ARRAY_BYTES (UINT32_C(4) << 20)

static const struct core_ioctl_table *const tables[] = {
    &core_device_ioctls,       &core_gem_ioctls,  &core_syncobj_ioctls,
    &core_syncobj_many_ioctls, &core_mode_ioctls,
};

static const struct core_ioctl *table_find(const struct core_ioctl *ioctls, size_t num,
					   unsigned int nr)
{
	for (size_t i = 0; i < num; i++) {
		if (ioctls[i].nr == nr)
			return &ioctls[i];
	}
	return NULL;
}

static const struct core_ioctl *ioctl_find(const struct core_driver *driver, unsigned int nr)
{
	const struct core_ioctl *found = NULL;

	if (nr >= DRM_COMMAND_BASE && nr < DRM_COMMAND_END)
		return table_find(driver->ioctls, driver->num_ioctls, nr);
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]) && found == NULL; i++)
		found = table_find(tables[i]->ioctls, tables[i]->num, nr);
	return found;
}

/* May this file do it? */
static int ioctl_check(struct core_file *file, const struct core_ioctl *ioctl)
{
	bool authenticated;
	bool master;

	if (file->render)
		return (ioctl->flags & CORE_RENDER) != 0 ? 0 : -EACCES;
	pthread_mutex_lock(&file->device->lock);
	authenticated = file->authenticated;
	master = file->device->master == file;
	pthread_mutex_unlock(&file->device->lock);
	if ((ioctl->flags & CORE_AUTH) != 0 && !authenticated)
		return -EACCES;
	if ((ioctl->flags & CORE_MASTER) != 0 && !master)
		return -EACCES;
	return 0;
}

static size_t min_size(size_t a, size_t b)
{
	return a < b ? a : b;
}

int core_ioctl(struct core_call *call, unsigned long request, uint64_t arg)
{
	uint64_t block[BLOCK_BYTES / sizeof(uint64_t)];
	const struct core_ioctl *ioctl;
	size_t size_bytes;
	int ret;

	if (_IOC_TYPE(request) != DRM_IOCTL_BASE)
		return -EINVAL;
	ioctl = ioctl_find(call->file->device->driver, _IOC_NR(request));
	if (ioctl == NULL)
		return -EINVAL;
	ret = ioctl_check(call->file, ioctl);
	if (ret != 0)
		return ret;

	size_bytes = min_size(_IOC_SIZE(request), ioctl->size_bytes);
	memset(block, 0, sizeof(block));
	if (ioctl->in && (_IOC_DIR(request) & _IOC_WRITE) != 0 && size_bytes != 0 &&
	    core_copy_in(call, block, arg, size_bytes) != 0)
		return -EFAULT;
	call->new_fd = -1;
	call->block_addr = arg;
	call->block_bytes = ioctl->out && (_IOC_DIR(request) & _IOC_READ) != 0 ? size_bytes : 0;
	ret = ioctl->handler(call, block);
	if (call->block_bytes != 0 && core_copy_out_fd(call, arg, block, size_bytes) != 0)
		return ret != 0 ? ret : -EFAULT;
	return ret;
}

int core_copy_out_fd(struct core_call *call, uint64_t dst, const void *src, size_t size_bytes)
{
	if (core_copy_out(call, dst, src, size_bytes) == 0)
		return 0;
	/* The client will never learn its number. */
	if (call->new_fd >= 0)
		call->transport->fd_undo(call->data, call->new_fd);
	return -EFAULT;
}

int core_fd_out(struct core_call *call, int fd, bool cloexec)
{
	int ret = call->transport->fd_out(call->data, fd, cloexec);

	if (ret >= 0)
		call->new_fd = ret;
	return ret;
}

int core_copy_array(struct core_call *call, uint64_t src, uint32_t num, size_t element_bytes,
		    void **ret_array)
{
	void *array;

	*ret_array = NULL;
	if (num == 0)
		return 0;
	if (num > MAX_ARRAY_BYTES / element_bytes)
		return -ENOMEM;
	array = wwr_alloc_array(num, element_bytes);
	if (array == NULL)
		return -ENOMEM;
	if (core_copy_in(call, array, src, num * element_bytes) != 0) {
		wwr_free(array);
		return -EFAULT;
	}
	*ret_array = array;
	return 0;
}

int core_probe_out(struct core_call *call, const void *block)
{
	if (call->block_bytes == 0)
		return 0;
	return core_copy_out(call, call->block_addr, block, call->block_bytes);
}

/* Move the elements together; what they have beyond element_bytes must be 0. */
static int compact(unsigned char *array, uint32_t num, size_t stride_bytes, size_t element_bytes)
{
	for (uint32_t i = 0; i < num; i++) {
		const unsigned char *element = &array[i * stride_bytes];

		for (size_t j = element_bytes; j < stride_bytes; j++) {
			if (element[j] != 0)
				return -E2BIG;
		}
		memmove(&array[i * element_bytes], element, element_bytes);
	}
	return 0;
}

int core_copy_strided(struct core_call *call, uint64_t src, uint32_t num, size_t stride_bytes,
		      size_t element_bytes, void **ret_array)
{
	void *array;
	int ret;

	*ret_array = NULL;
	if (num == 0)
		return 0;
	if (stride_bytes < element_bytes)
		return -EINVAL;
	ret = core_copy_array(call, src, num, stride_bytes, &array);
	if (ret != 0)
		return ret;
	ret = compact(array, num, stride_bytes, element_bytes);
	if (ret == 0)
		*ret_array = array;
	else
		wwr_free(array);
	return ret;
}
