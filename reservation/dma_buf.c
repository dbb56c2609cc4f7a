/* SPDX-License-Identifier: MIT */
/*
 * dma-bufs: from a buffer to a descriptor and back.  Invariants: a dma-buf is in the registry from
 * before its descriptor is given to the caller until nobody else has the file; own_fd is open all
 * the time, so that no other file gets its inode number.  A descriptor is added to a dma-buf that
 * is in the registry only under the lock, as looking for unused ones is.
 */
#include <wwresv/dma_buf.h>

#include <wwresv/alloc.h>
#include <wwresv/bo.h>
#include "lockset/park.h"
#include "reservation/dma_buf_carrier.h"

#include <errno.h>
#include <unistd.h>

#define REGISTRY_BUCKETS 256

/* With fewer dma-bufs than this nobody looks for unused ones. */
#define REGISTRY_MIN_COLLECT 32

/* Fields: (i) immutable once in the registry, (l) the registry's lock. */
struct dma_buf {
	struct memory_id id;  /* (i) of own_fd's file */
	struct wwr_bo *bo;    /* (i) a reference */
	int own_fd;	      /* (i) */
	struct dma_buf *next; /* (l) */
};

/* Fields: (l) under lock. */
static struct {
	uint32_t lock;				   /* a wait lock, lockset/park.h */
	unsigned int num_bufs;			   /* (l) */
	unsigned int collect_at;		   /* (l) so many make it worth looking */
	struct dma_buf *buckets[REGISTRY_BUCKETS]; /* (l) */
} registry = {.collect_at = REGISTRY_MIN_COLLECT};

/* The memory is in the file, and the buffer is what the library allocated. */
static const struct wwr_bo_ops dma_buf_bo_ops = {.release = NULL};

static struct dma_buf **registry_bucket(const struct memory_id *id)
{
	return &registry.buckets[id->ino % REGISTRY_BUCKETS];
}

static struct dma_buf *registry_find_locked(const struct memory_id *id)
{
	struct dma_buf *buf = *registry_bucket(id);

	while (buf != NULL && (buf->id.ino != id->ino || buf->id.dev != id->dev))
		buf = buf->next;
	return buf;
}

static void dma_buf_free(struct dma_buf *buf)
{
	close(buf->own_fd);
	wwr_bo_put(buf->bo);
	wwr_free(buf);
}

static struct dma_buf *registry_take_unused_locked(void)
{
	struct dma_buf *list = NULL;

	for (unsigned int i = 0; i < REGISTRY_BUCKETS; i++) {
		struct dma_buf **link = &registry.buckets[i];

		while (*link != NULL) {
			struct dma_buf *buf = *link;

			if (!memory_is_alone(buf->own_fd)) {
				link = &buf->next;
				continue;
			}
			*link = buf->next;
			buf->next = list;
			list = buf;
			registry.num_bufs--;
		}
	}
	registry.collect_at = registry.num_bufs < REGISTRY_MIN_COLLECT / 2 ? REGISTRY_MIN_COLLECT
									   : registry.num_bufs * 2;
	return list;
}

unsigned int wwr_dma_buf_collect(void)
{
	struct dma_buf *list;
	unsigned int num = 0;

	wait_lock(&registry.lock);
	list = registry_take_unused_locked();
	wait_unlock(&registry.lock);
	/* Without the lock, since the end of a buffer runs its driver's code. */
	for (; list != NULL; num++) {
		struct dma_buf *next = list->next;

		dma_buf_free(list);
		list = next;
	}
	return num;
}

static void registry_collect_if_worth(void)
{
	bool worth;

	wait_lock(&registry.lock);
	worth = registry.num_bufs >= registry.collect_at;
	wait_unlock(&registry.lock);
	if (worth)
		(void)wwr_dma_buf_collect();
}

/* Not in the registry yet; opens the file twice: for the dma-buf, and for the caller. */
static int dma_buf_open(struct wwr_bo *bo, int memory_fd, struct dma_buf **ret_buf, int *ret_fd)
{
	struct dma_buf *buf = wwr_alloc(sizeof(*buf));
	uint64_t size_bytes;
	int ret;

	if (buf == NULL)
		return -ENOMEM;
	ret = memory_identify(memory_fd, &buf->id, &size_bytes);
	if (ret == 0 && size_bytes < bo->size_bytes)
		ret = -EINVAL;
	if (ret == 0)
		ret = memory_reopen(memory_fd, &buf->own_fd);
	if (ret != 0)
		goto err_free_buf;
	ret = memory_reopen(buf->own_fd, ret_fd);
	if (ret != 0)
		goto err_close_own_fd;
	buf->bo = wwr_bo_get(bo);
	*ret_buf = buf;
	return 0;

err_close_own_fd:
	close(buf->own_fd);
err_free_buf:
	wwr_free(buf);
	return ret;
}

/* The one that has this file already, or NULL: then the new one is in. */
static struct dma_buf *registry_add(struct dma_buf *buf)
{
	struct dma_buf **bucket = registry_bucket(&buf->id);
	struct dma_buf *old;

	wait_lock(&registry.lock);
	old = registry_find_locked(&buf->id);
	if (old == NULL) {
		buf->next = *bucket;
		*bucket = buf;
		registry.num_bufs++;
	}
	wait_unlock(&registry.lock);
	return old;
}

int wwr_dma_buf_export(struct wwr_bo *bo, int memory_fd, int *ret_fd)
{
	struct dma_buf *buf;
	struct dma_buf *old;
	int ret;
	int fd;

	registry_collect_if_worth();
	ret = dma_buf_open(bo, memory_fd, &buf, &fd);
	if (ret != 0)
		return ret;
	old = registry_add(buf);
	if (old != NULL) {
		/* Our descriptor keeps it there; it serves the old one as well. */
		ret = old->bo == bo ? 0 : -EINVAL;
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
	ret = memory_create(size_bytes, &memory_fd);
	if (ret == 0) {
		ret = wwr_dma_buf_export(bo, memory_fd, ret_fd);
		close(memory_fd);
	}
	wwr_bo_put(bo);
	return ret;
}

int wwr_dma_buf_get_bo(int fd, struct wwr_bo **ret_bo)
{
	struct memory_id id;
	struct dma_buf *buf;
	uint64_t size_bytes;
	int ret;

	ret = memory_identify(fd, &id, &size_bytes);
	if (ret != 0)
		return ret;
	wait_lock(&registry.lock);
	buf = registry_find_locked(&id);
	if (buf != NULL)
		*ret_bo = wwr_bo_get(buf->bo);
	wait_unlock(&registry.lock);
	return buf != NULL ? 0 : -EINVAL;
}
