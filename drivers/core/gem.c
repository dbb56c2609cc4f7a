/* SPDX-License-Identifier: MIT */
/*
 * Buffers of a device and their handles.  Invariants: a device has at most one living gem over a
 * buffer, which is in its buckets until it is freed; a gem has a name only while it has a handle
 * somewhere; each handle has a reference, and counts in num_handles and, by size, in its file's
 * num_bytes.
 */
#include "drivers/core/gem.h"

#include <wwresv/alloc.h>
#include <wwresv/bo.h>

#include "lockset/wwr_atomic.h"
#include "reservation/dma_buf_carrier.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* Handles are multiplied by it: below are none, above is what each page is counted in. */
#define MAP_SHIFT 12

struct gem_handle {
	struct gem_handle *next;
	struct core_file *file;
	uint32_t handle;
};

/* The memory is in the file, and the buffer is what the library allocated. */
static const struct wwr_bo_ops gem_bo_ops = {.release = NULL};

static uint64_t round_to_pages(uint64_t size_bytes)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);

	if (size_bytes > INT64_MAX - page)
		return 0;
	return (size_bytes + page - 1) / page * page;
}

/* Takes the descriptor and a reference of bo, also when it fails. */
static int gem_make(struct core_device *device, struct wwr_bo *bo, int memfd, uint64_t size_bytes,
		    struct core_gem **ret_gem)
{
	struct core_gem *gem = wwr_alloc(sizeof(*gem));

	if (gem == NULL) {
		close(memfd);
		wwr_bo_put(bo);
		return -ENOMEM;
	}
	gem->device = core_device_get(device);
	gem->bo = bo;
	gem->memfd = memfd;
	gem->size_bytes = size_bytes;
	gem->refcount = 1;
	/* Relaxed: a number for reports. */
	(void)wwr_atomic_fetch_add(&device->num_gems, 1, WWR_RELAXED);
	*ret_gem = gem;
	return 0;
}

struct core_gem *core_gem_get(struct core_gem *gem)
{
	/* Relaxed: the caller has one. */
	(void)wwr_atomic_fetch_add(&gem->refcount, 1, WWR_RELAXED);
	return gem;
}

static void *gem_get(void *object)
{
	return core_gem_get(object);
}

static struct core_gem **gem_bucket(struct core_device *device, const struct wwr_bo *bo)
{
	return &device->gems[(uintptr_t)bo / sizeof(*bo) % CORE_NUM_BUCKETS];
}

/* Under the device's lock. */
static void gem_link(struct core_gem *gem)
{
	struct core_gem **bucket = gem_bucket(gem->device, gem->bo);

	gem->next = *bucket;
	*bucket = gem;
}

/* Nobody can find it any more.  One that lost against another import was never there. */
static void gem_unlink(struct core_gem *gem)
{
	struct core_gem **link = gem_bucket(gem->device, gem->bo);

	pthread_mutex_lock(&gem->device->lock);
	while (*link != NULL && *link != gem)
		link = &(*link)->next;
	if (*link == gem)
		*link = gem->next;
	pthread_mutex_unlock(&gem->device->lock);
}

void core_gem_put(struct core_gem *gem)
{
	struct core_device *device;

	if (gem == NULL)
		return;
	/* Release and acquire pair among the puts: the last one sees what the others did. */
	if (wwr_atomic_fetch_sub(&gem->refcount, 1, WWR_ACQ_REL) != 1)
		return;
	device = gem->device;
	gem_unlink(gem);
	if (device->driver->gem_fini != NULL)
		device->driver->gem_fini(gem);
	close(gem->memfd);
	wwr_bo_put(gem->bo);
	wwr_free(gem);
	/* Relaxed: a number for reports. */
	(void)wwr_atomic_fetch_sub(&device->num_gems, 1, WWR_RELAXED);
	core_device_put(device);
}

static struct gem_handle *gem_find_handle(const struct core_gem *gem, const struct core_file *file)
{
	struct gem_handle *entry = gem->handles;

	while (entry != NULL && entry->file != file)
		entry = entry->next;
	return entry;
}

/* Under the device's lock; takes entry if the file has none yet, else returns it. */
static struct gem_handle *gem_count_handle(struct core_gem *gem, struct gem_handle *entry)
{
	gem->num_handles++;
	if (gem_find_handle(gem, entry->file) != NULL)
		return entry;
	entry->next = gem->handles;
	gem->handles = entry;
	return NULL;
}

/* Under the device's lock; the name that went, for its reference. */
static void *gem_uncount_handle(struct core_gem *gem)
{
	void *named = NULL;

	if (--gem->num_handles != 0)
		return NULL;
	if (gem->name != 0)
		named = handle_table_remove(&gem->device->names, gem->name);
	gem->name = 0;
	return named;
}

static int file_charge(struct core_file *file, uint64_t size_bytes)
{
	/* Relaxed, all: a sum that orders nothing. */
	uint64_t before = wwr_atomic_fetch_add(&file->num_bytes, size_bytes, WWR_RELAXED);

	if (before + size_bytes >= before && before + size_bytes <= file->device->quota.max_bytes)
		return 0;
	(void)wwr_atomic_fetch_sub(&file->num_bytes, size_bytes, WWR_RELAXED);
	return -ENOSPC;
}

static void file_uncharge(struct core_file *file, uint64_t size_bytes)
{
	/* Relaxed: a sum that orders nothing. */
	(void)wwr_atomic_fetch_sub(&file->num_bytes, size_bytes, WWR_RELAXED);
}

/*
 * Under the device's lock, so that a handle is counted before anybody can guess and close it; the
 * file is charged.  *entry becomes what is not used of it, or NULL.
 */
static int gem_add_handle_locked(struct core_file *file, struct core_gem *gem,
				 struct gem_handle **entry, uint32_t *ret_handle)
{
	int ret = handle_table_add(&file->gems, gem, &(*entry)->handle);

	if (ret != 0)
		return ret;
	*ret_handle = (*entry)->handle;
	(*entry)->file = file;
	core_gem_get(gem);
	*entry = gem_count_handle(gem, *entry);
	return 0;
}

int core_gem_add_handle(struct core_file *file, struct core_gem *gem, uint32_t *ret_handle)
{
	struct gem_handle *entry = wwr_alloc(sizeof(*entry));
	int ret;

	if (entry == NULL)
		return -ENOMEM;
	ret = file_charge(file, gem->size_bytes);
	if (ret == 0) {
		pthread_mutex_lock(&file->device->lock);
		ret = gem_add_handle_locked(file, gem, &entry, ret_handle);
		pthread_mutex_unlock(&file->device->lock);
		if (ret != 0)
			file_uncharge(file, gem->size_bytes);
	}
	wwr_free(entry);
	return ret;
}

/* Under the device's lock: it is in no table any more. */
static struct gem_handle *gem_take_handle(struct core_gem *gem, const struct core_file *file,
					  uint32_t handle)
{
	struct gem_handle **link = &gem->handles;
	struct gem_handle *entry;

	while (*link != NULL && ((*link)->file != file || (*link)->handle != handle))
		link = &(*link)->next;
	entry = *link;
	if (entry != NULL)
		*link = entry->next;
	return entry;
}

/* Under the device's lock, which this frees. */
static void file_drop_handle(struct core_file *file, struct core_gem *gem, uint32_t handle)
{
	struct gem_handle *entry = gem_take_handle(gem, file, handle);
	struct core_gem *named = gem_uncount_handle(gem);

	pthread_mutex_unlock(&file->device->lock);
	wwr_free(entry);
	file_uncharge(file, gem->size_bytes);
	core_gem_put(named);
	core_gem_put(gem);
}

int core_gem_close_handle(struct core_file *file, uint32_t handle)
{
	struct core_gem *gem;

	pthread_mutex_lock(&file->device->lock);
	gem = handle_table_remove(&file->gems, handle);
	if (gem == NULL) {
		pthread_mutex_unlock(&file->device->lock);
		return -EINVAL;
	}
	file_drop_handle(file, gem, handle);
	return 0;
}

void core_gem_close_file(struct core_file *file)
{
	uint32_t cursor = 0;

	for (;;) {
		struct core_gem *gem;
		uint32_t handle = 0;

		pthread_mutex_lock(&file->device->lock);
		gem = handle_table_take(&file->gems, &cursor, &handle);
		if (gem == NULL)
			break;
		file_drop_handle(file, gem, handle);
	}
	pthread_mutex_unlock(&file->device->lock);
	handle_table_fini(&file->gems);
}

struct core_gem *core_gem_find(struct core_file *file, uint32_t handle)
{
	return handle_table_find(&file->gems, handle, gem_get);
}

/* A reference, unless the last one is gone. */
static bool gem_try_get(struct core_gem *gem)
{
	/* Relaxed, all: who gets one found the gem under the device's lock. */
	uint32_t num = wwr_atomic_load(&gem->refcount, WWR_RELAXED);

	while (num != 0) {
		if (wwr_atomic_cas(&gem->refcount, &num, num + 1, WWR_RELAXED))
			return true;
	}
	return false;
}

/* Under the device's lock: the living one over this buffer, with a reference, or NULL. */
static struct core_gem *device_find_gem(struct core_device *device, const struct wwr_bo *bo)
{
	struct core_gem *gem = *gem_bucket(device, bo);

	/* There may be others over it that are just being freed. */
	while (gem != NULL && (gem->bo != bo || !gem_try_get(gem)))
		gem = gem->next;
	return gem;
}

/* A new gem over a buffer is known from now on, or gives way to one that is there already. */
static struct core_gem *gem_publish(struct core_gem *gem)
{
	struct core_device *device = gem->device;
	struct core_gem *there;

	pthread_mutex_lock(&device->lock);
	there = device_find_gem(device, gem->bo);
	if (there == NULL)
		gem_link(gem);
	pthread_mutex_unlock(&device->lock);
	if (there == NULL)
		return gem;
	core_gem_put(gem);
	return there;
}

int core_gem_create(struct core_device *device, uint64_t size_bytes, struct core_gem **ret_gem)
{
	struct wwr_bo *bo;
	int memfd;
	int ret;

	size_bytes = round_to_pages(size_bytes);
	if (size_bytes == 0)
		return -EINVAL;
	ret = wwr_memory_create(size_bytes, &memfd);
	if (ret != 0)
		return ret;
	bo = wwr_alloc(sizeof(*bo));
	if (bo == NULL) {
		close(memfd);
		return -ENOMEM;
	}
	wwr_bo_init(bo, &gem_bo_ops, size_bytes, NULL, NULL);
	ret = gem_make(device, bo, memfd, size_bytes, ret_gem);
	if (ret == 0)
		*ret_gem = gem_publish(*ret_gem);
	return ret;
}

/* The gem over the buffer, with a reference: one that is there, or a new one. */
static int gem_for_bo(struct core_device *device, struct wwr_bo *bo, int fd,
		      struct core_gem **ret_gem)
{
	struct core_gem *gem;
	int memfd;
	int ret;

	pthread_mutex_lock(&device->lock);
	*ret_gem = device_find_gem(device, bo);
	pthread_mutex_unlock(&device->lock);
	if (*ret_gem != NULL)
		return 0;
	ret = wwr_memory_reopen(fd, O_RDWR, &memfd);
	if (ret != 0)
		return ret;
	ret = gem_make(device, wwr_bo_get(bo), memfd, bo->size_bytes, &gem);
	if (ret != 0)
		return ret;
	gem->imported = true;
	*ret_gem = gem_publish(gem);
	return 0;
}

/* Under the device's lock.  -EEXIST: the file has a handle already, and gets that. */
static int gem_import_locked(struct core_file *file, struct core_gem *gem,
			     struct gem_handle **entry, uint32_t *ret_handle)
{
	struct gem_handle *known = gem_find_handle(gem, file);

	if (known == NULL)
		return gem_add_handle_locked(file, gem, entry, ret_handle);
	*ret_handle = known->handle;
	return -EEXIST;
}

int core_gem_import(struct core_file *file, struct wwr_bo *bo, int fd, uint32_t *ret_handle)
{
	struct gem_handle *entry = wwr_alloc(sizeof(*entry));
	struct core_gem *gem;
	int ret;

	if (entry == NULL)
		return -ENOMEM;
	ret = gem_for_bo(file->device, bo, fd, &gem);
	if (ret != 0)
		goto err_free_entry;
	ret = file_charge(file, gem->size_bytes);
	if (ret == 0) {
		pthread_mutex_lock(&file->device->lock);
		ret = gem_import_locked(file, gem, &entry, ret_handle);
		pthread_mutex_unlock(&file->device->lock);
		if (ret != 0)
			file_uncharge(file, gem->size_bytes);
		if (ret == -EEXIST)
			ret = 0;
	}
	core_gem_put(gem);

err_free_entry:
	wwr_free(entry);
	return ret;
}

int core_gem_flink(struct core_gem *gem, uint32_t *ret_name)
{
	struct core_device *device = gem->device;
	int ret = 0;

	pthread_mutex_lock(&device->lock);
	if (gem->num_handles == 0) {
		/* Closed meanwhile: the name would never go. */
		ret = -ENOENT;
	} else if (gem->name == 0) {
		ret = handle_table_add(&device->names, gem, &gem->name);
		if (ret == 0)
			core_gem_get(gem);
	}
	if (ret == 0)
		*ret_name = gem->name;
	pthread_mutex_unlock(&device->lock);
	return ret;
}

struct core_gem *core_gem_find_name(struct core_device *device, uint32_t name)
{
	return handle_table_find(&device->names, name, gem_get);
}

uint64_t core_gem_map_offset(uint32_t handle)
{
	return (uint64_t)handle << MAP_SHIFT;
}

struct core_gem *core_gem_find_mapping(struct core_file *file, uint64_t offset,
				       uint64_t length_bytes)
{
	struct core_gem *gem;

	if (offset >> MAP_SHIFT > UINT32_MAX || offset % (UINT64_C(1) << MAP_SHIFT) != 0)
		return NULL;
	gem = core_gem_find(file, (uint32_t)(offset >> MAP_SHIFT));
	if (gem == NULL || length_bytes <= gem->size_bytes)
		return gem;
	core_gem_put(gem);
	return NULL;
}
