/* SPDX-License-Identifier: MIT */
/* dma-bufs: from a buffer to a descriptor and back; memory_registry.h has the invariants. */
#include <wwresv/dma_buf.h>

#include <wwresv/alloc.h>
#include <wwresv/bo.h>
#include "reservation/memory_registry.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

struct dma_buf {
	struct memory_entry entry;
	struct wwr_bo *bo;		   /* immutable; a reference */
	char name[WWR_DMA_BUF_NAME_BYTES]; /* under the registry's lock */
};

static struct memory_registry registry;

/* The memory is in the file, and the buffer is what the library allocated. */
static const struct wwr_bo_ops dma_buf_bo_ops = {.release = NULL};

static struct dma_buf *entry_buf(struct memory_entry *entry)
{
	return WWR_CONTAINER_OF(entry, struct dma_buf, entry);
}

static void dma_buf_free(struct dma_buf *buf)
{
	close(buf->entry.own_fd);
	wwr_bo_put(buf->bo);
	wwr_free(buf);
}

unsigned int wwr_dma_buf_collect(void)
{
	struct memory_entry *list = memory_registry_take_unused(&registry);
	unsigned int num = 0;

	/* Without the lock, since the end of a buffer runs its driver's code. */
	for (; list != NULL; num++) {
		struct memory_entry *next = list->next;

		dma_buf_free(entry_buf(list));
		list = next;
	}
	return num;
}

/* Not in the registry yet; opens the file twice: for the dma-buf, and for the caller. */
static int dma_buf_open(struct wwr_bo *bo, int memory_fd, struct dma_buf **ret_buf, int *ret_fd)
{
	struct dma_buf *buf = wwr_alloc(sizeof(*buf));
	uint64_t size_bytes;
	int ret;

	if (buf == NULL)
		return -ENOMEM;
	ret = memory_identify(memory_fd, &buf->entry.id, &size_bytes);
	if (ret == 0 && size_bytes < bo->size_bytes)
		ret = -EINVAL;
	if (ret == 0)
		ret = wwr_memory_reopen(memory_fd, O_RDWR, &buf->entry.own_fd);
	if (ret != 0)
		goto err_free_buf;
	ret = wwr_memory_reopen(buf->entry.own_fd, O_RDWR, ret_fd);
	if (ret != 0)
		goto err_close_own_fd;
	buf->bo = wwr_bo_get(bo);
	*ret_buf = buf;
	return 0;

err_close_own_fd:
	close(buf->entry.own_fd);
err_free_buf:
	wwr_free(buf);
	return ret;
}

int wwr_dma_buf_export(struct wwr_bo *bo, int memory_fd, int *ret_fd)
{
	struct memory_entry *old;
	struct dma_buf *buf;
	int ret;
	int fd;

	if (memory_registry_is_full(&registry))
		(void)wwr_dma_buf_collect();
	ret = dma_buf_open(bo, memory_fd, &buf, &fd);
	if (ret != 0)
		return ret;
	old = memory_registry_add(&registry, &buf->entry);
	if (old != NULL) {
		/* Our descriptor keeps it there; it serves the old one as well. */
		ret = entry_buf(old)->bo == bo ? 0 : -EINVAL;
		dma_buf_free(buf);
	}
	if (ret == 0)
		*ret_fd = fd;
	else
		close(fd);
	return ret;
}

/* 0 if it does not fit an off_t after rounding. */
static uint64_t round_to_pages(uint64_t size_bytes)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);

	if (size_bytes > INT64_MAX - page)
		return 0;
	return (size_bytes + page - 1) / page * page;
}

int wwr_dma_buf_create(uint64_t size_bytes, struct wwr_class *lock_class, int *ret_fd)
{
	struct wwr_bo *bo;
	int memory_fd;
	int ret;

	size_bytes = round_to_pages(size_bytes);
	if (size_bytes == 0)
		return -EINVAL;
	bo = wwr_alloc(sizeof(*bo));
	if (bo == NULL)
		return -ENOMEM;
	wwr_bo_init(bo, &dma_buf_bo_ops, size_bytes, lock_class, NULL);
	ret = wwr_memory_create(size_bytes, &memory_fd);
	if (ret == 0) {
		ret = wwr_dma_buf_export(bo, memory_fd, ret_fd);
		close(memory_fd);
	}
	wwr_bo_put(bo);
	return ret;
}

static void *entry_get_bo(struct memory_entry *entry, void *data)
{
	(void)data;
	return wwr_bo_get(entry_buf(entry)->bo);
}

/* What get says of the descriptor's entry; the errors of wwr_dma_buf_get_bo(). */
static int find_buf(int fd, void *(*get)(struct memory_entry *entry, void *data), void *data,
		    void **ret_object)
{
	struct memory_id id;
	uint64_t size_bytes;
	int ret;

	ret = memory_identify(fd, &id, &size_bytes);
	if (ret != 0)
		return ret;
	*ret_object = memory_registry_find(&registry, &id, get, data);
	return *ret_object != NULL ? 0 : -EINVAL;
}

int wwr_dma_buf_get_bo(int fd, struct wwr_bo **ret_bo)
{
	void *bo;
	int ret = find_buf(fd, entry_get_bo, NULL, &bo);

	if (ret == 0)
		*ret_bo = bo;
	return ret;
}

static void *entry_set_name(struct memory_entry *entry, void *data)
{
	return memcpy(entry_buf(entry)->name, data, WWR_DMA_BUF_NAME_BYTES);
}

static void *entry_get_name(struct memory_entry *entry, void *data)
{
	return memcpy(data, entry_buf(entry)->name, WWR_DMA_BUF_NAME_BYTES);
}

int wwr_dma_buf_set_name(int fd, const char *name)
{
	char copy[WWR_DMA_BUF_NAME_BYTES] = "";
	size_t length = strnlen(name, sizeof(copy));
	void *unused;

	if (length == sizeof(copy))
		return -EINVAL;
	memcpy(copy, name, length);
	return find_buf(fd, entry_set_name, copy, &unused);
}

int wwr_dma_buf_get_name(int fd, char ret_name[WWR_DMA_BUF_NAME_BYTES])
{
	void *unused;

	return find_buf(fd, entry_get_name, ret_name, &unused);
}
