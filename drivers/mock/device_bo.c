/* SPDX-License-Identifier: MIT */
/*
 * Invariant: pages beyond the touched bytes are never looked at, so the system never gives any.
 */
#include "drivers/mock/device_bo.h"

#include "drivers/mock/effect.h"
#include "drivers/mock/memory.h"
#include "drivers/mock/mock_device.h"
#include <wwresv/alloc.h>
#include "lockset/wwr_atomic.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

static void device_bo_release(struct wwr_bo *base)
{
	struct wwr_device_bo *bo = WWR_CONTAINER_OF(base, struct wwr_device_bo, base);
	struct wwr_device_bo *home = bo->home;

	if (bo->is_managed)
		wwr_mm_bo_fini(&bo->mm);
	munmap(bo->map, bo->map_bytes);
	if (home != bo)
		wwr_device_bo_put(home);
	wwr_bo_put(bo->over);
	wwr_free(bo);
}

static const struct wwr_bo_ops device_bo_ops = {
    .release = device_bo_release,
};

/* Address space without a promise of memory: 0 or -ENOMEM. */
static int device_bo_reserve(struct wwr_device_bo *bo, uint64_t size_bytes, bool touch_full)
{
	const uint64_t page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
	void *map;

	if (size_bytes > (uint64_t)PTRDIFF_MAX - page_bytes)
		return -ENOMEM;
	bo->map_bytes = (size_bytes + page_bytes - 1) / page_bytes * page_bytes;
	map = mmap(NULL, bo->map_bytes, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (map == MAP_FAILED)
		return -ENOMEM;
	/* A huge page would be taken whole for the few bytes that are touched; a hint, may fail. */
	if (!touch_full)
		(void)madvise(map, bo->map_bytes, MADV_NOHUGEPAGE);
	bo->map = map;
	return 0;
}

void device_bo_count(struct wwr_device_bo *bo, uint64_t num_backoffs, uint64_t wait_ns)
{
	/* Relaxed: mere counts. */
	(void)wwr_atomic_fetch_add(&bo->num_backoffs, num_backoffs, WWR_RELAXED);
	(void)wwr_atomic_fetch_add(&bo->wait_ns, wait_ns, WWR_RELAXED);
}

static size_t device_touched_bytes(const struct wwr_device *device, uint64_t size_bytes)
{
	return !device->touch_full && size_bytes > WWR_TOUCH_BYTES ? WWR_TOUCH_BYTES : size_bytes;
}

int wwr_device_bo_create(struct wwr_device *device, uint64_t number, uint64_t size_bytes,
			 struct wwr_device_bo **ret_bo)
{
	return wwr_device_bo_create_sharing(device, number, size_bytes, NULL, ret_bo);
}

int wwr_device_bo_create_sharing(struct wwr_device *device, uint64_t number, uint64_t size_bytes,
				 struct wwr_device_bo *other, struct wwr_device_bo **ret_bo)
{
	struct wwr_device_bo *bo;
	int ret;

	if (size_bytes == 0 || (other != NULL && device->memory != NULL))
		return -EINVAL;
	bo = wwr_alloc(sizeof(*bo));
	if (bo == NULL)
		return -ENOMEM;
	ret = device_bo_reserve(bo, size_bytes, device->touch_full);
	if (ret != 0)
		goto err_free_bo;

	bo->number = number;
	bo->touched_bytes = device_touched_bytes(device, size_bytes);
	wwr_effect_init(number, bo->map, bo->touched_bytes);
	/* The one that has the reservation, however many were made from each other. */
	bo->home = other == NULL ? bo : wwr_device_bo_get(other->home);
	bo->is_managed = device->memory != NULL;
	if (bo->is_managed)
		wwr_mm_bo_init(&bo->mm, device->memory->mm, &device_bo_ops, size_bytes, 0,
			       device->lock_class, NULL);
	else
		wwr_bo_init(&bo->base, &device_bo_ops, size_bytes, device->lock_class,
			    other == NULL ? NULL : other->base.resv);
	*ret_bo = bo;
	return 0;

err_free_bo:
	wwr_free(bo);
	return ret;
}

/* Only what jobs touch is mapped. */
static int device_bo_map_over(struct wwr_device_bo *bo, int memory_fd)
{
	const size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE);
	void *map;

	bo->map_bytes = (bo->touched_bytes + page_bytes - 1) / page_bytes * page_bytes;
	map = mmap(NULL, bo->map_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, memory_fd, 0);
	if (map == MAP_FAILED)
		return -ENOMEM;
	bo->map = map;
	return 0;
}

int wwr_device_bo_create_over(struct wwr_device *device, uint64_t number, struct wwr_bo *over,
			      int memory_fd, struct wwr_device_bo **ret_bo)
{
	struct wwr_device_bo *bo;
	int ret;

	if (over->size_bytes == 0 || over->size_bytes > INT64_MAX)
		return -EINVAL;
	bo = wwr_alloc(sizeof(*bo));
	if (bo == NULL)
		return -ENOMEM;
	bo->number = number;
	bo->touched_bytes = device_touched_bytes(device, over->size_bytes);
	ret = device_bo_map_over(bo, memory_fd);
	if (ret != 0) {
		wwr_free(bo);
		return ret;
	}
	bo->home = bo;
	bo->over = wwr_bo_get(over);
	wwr_bo_init(&bo->base, &device_bo_ops, over->size_bytes, device->lock_class, over->resv);
	*ret_bo = bo;
	return 0;
}

struct wwr_device_bo *wwr_device_bo_get(struct wwr_device_bo *bo)
{
	wwr_bo_get(&bo->base);
	return bo;
}

void wwr_device_bo_put(struct wwr_device_bo *bo)
{
	if (bo != NULL)
		wwr_bo_put(&bo->base);
}

struct wwr_bo *wwr_device_bo_base(struct wwr_device_bo *bo)
{
	return &bo->base;
}

struct wwr_device_bo *wwr_device_bo_from_mutex(const struct wwr_mutex *mutex)
{
	return WWR_CONTAINER_OF(mutex, struct wwr_device_bo, base.own_resv.mutex);
}

uint64_t wwr_device_bo_number(const struct wwr_device_bo *bo)
{
	return bo->number;
}

uint8_t *wwr_device_bo_map(struct wwr_device_bo *bo)
{
	return bo->map;
}

size_t wwr_device_bo_touched_bytes(const struct wwr_device_bo *bo)
{
	return bo->touched_bytes;
}

void wwr_device_bo_get_stats(const struct wwr_device_bo *bo, struct wwr_device_bo_stats *ret_stats)
{
	/* Relaxed: mere counts. */
	ret_stats->num_backoffs = wwr_atomic_load(&bo->num_backoffs, WWR_RELAXED);
	ret_stats->wait_ns = wwr_atomic_load(&bo->wait_ns, WWR_RELAXED);
}
