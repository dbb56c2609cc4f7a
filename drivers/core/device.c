/* SPDX-License-Identifier: MIT */
/*
 * Devices and open files.  Invariants: a file is in its device's list from the end of its opening
 * to the beginning of its closing; the master is one of them, authenticated.
 */
#include "drivers/core/core.h"

#include <wwresv/alloc.h>

#include "drivers/core/gem.h"
#include "drivers/core/syncobj.h"
#include "lockset/wwr_atomic.h"

#include <errno.h>

#define MAX_NAMES 65536

const struct core_quota core_default_quota = {
    .max_buffers = 262144,
    .max_syncobjs = 65536,
    .max_bytes = UINT64_C(1) << 40,
    .max_queues = 1024,
    .max_jobs = 65536,
};

int core_device_create(const struct core_driver *driver, void *driver_data, uint32_t caps,
		       const struct core_quota *quota, struct core_device **ret_device)
{
	struct core_device *device = wwr_alloc(sizeof(*device));

	if (device == NULL)
		return -ENOMEM;
	device->driver = driver;
	device->driver_data = driver_data;
	device->caps = caps;
	device->quota = quota != NULL ? *quota : core_default_quota;
	device->refcount = 1;
	pthread_mutex_init(&device->lock, NULL);
	handle_table_init(&device->names, MAX_NAMES);
	*ret_device = device;
	return 0;
}

struct core_device *core_device_get(struct core_device *device)
{
	/* Relaxed: the caller has one. */
	(void)wwr_atomic_fetch_add(&device->refcount, 1, WWR_RELAXED);
	return device;
}

void core_device_put(struct core_device *device)
{
	/* Release and acquire pair among the puts: the last one sees what the others did. */
	if (wwr_atomic_fetch_sub(&device->refcount, 1, WWR_ACQ_REL) != 1)
		return;
	if (device->driver->fini != NULL)
		device->driver->fini(device);
	handle_table_fini(&device->names);
	pthread_mutex_destroy(&device->lock);
	wwr_free(device);
}

/* The first one to open a card is its master, as in the kernel. */
static void device_add_file(struct core_device *device, struct core_file *file)
{
	pthread_mutex_lock(&device->lock);
	file->next = device->files;
	if (file->next != NULL)
		file->next->prev = file;
	device->files = file;
	if (!file->render && device->master == NULL) {
		device->master = file;
		file->was_master = true;
		file->authenticated = true;
	}
	pthread_mutex_unlock(&device->lock);
}

static void device_remove_file(struct core_device *device, struct core_file *file)
{
	pthread_mutex_lock(&device->lock);
	if (file->prev != NULL)
		file->prev->next = file->next;
	else
		device->files = file->next;
	if (file->next != NULL)
		file->next->prev = file->prev;
	if (device->master == file) {
		device->master = NULL;
		device->has_unique = false;
	}
	pthread_mutex_unlock(&device->lock);
}

int core_file_open(struct core_device *device, bool render, int pid, int uid,
		   struct core_file **ret_file)
{
	static uint64_t last_client_id;
	struct core_file *file = wwr_alloc(sizeof(*file));
	int ret = 0;

	if (file == NULL)
		return -ENOMEM;
	file->device = device;
	file->render = render;
	file->pid = pid;
	file->uid = uid;
	/* Relaxed: the numbers need only differ. */
	file->client_id = wwr_atomic_fetch_add(&last_client_id, 1, WWR_RELAXED) + 1;
	file->refcount = 1;
	pthread_mutex_init(&file->lock, NULL);
	handle_table_init(&file->gems, device->quota.max_buffers);
	handle_table_init(&file->syncobjs, device->quota.max_syncobjs);
	if (device->driver->open != NULL)
		ret = device->driver->open(file);
	if (ret != 0) {
		handle_table_fini(&file->gems);
		handle_table_fini(&file->syncobjs);
		pthread_mutex_destroy(&file->lock);
		wwr_free(file);
		return ret;
	}
	core_device_get(device);
	device_add_file(device, file);
	*ret_file = file;
	return 0;
}

struct core_file *core_file_get(struct core_file *file)
{
	/* Relaxed: the caller has one. */
	(void)wwr_atomic_fetch_add(&file->refcount, 1, WWR_RELAXED);
	return file;
}

void core_file_put(struct core_file *file)
{
	struct core_device *device = file->device;

	/* Release and acquire pair among the puts: the last one sees what the others did. */
	if (wwr_atomic_fetch_sub(&file->refcount, 1, WWR_ACQ_REL) != 1)
		return;
	device_remove_file(device, file);
	/* The driver first: what is pending of this client ends before its buffers go. */
	if (device->driver->close != NULL)
		device->driver->close(file);
	core_syncobj_close_file(file);
	core_gem_close_file(file);
	pthread_mutex_destroy(&file->lock);
	wwr_free(file);
	core_device_put(device);
}
