/* SPDX-License-Identifier: MIT */
/* An open file's queues, and how many of its jobs are pending. */
#include "drivers/wwrmock/wwrmock_file.h"

#include <wwresv/alloc.h>
#include <wwresv/fence.h>
#include <wwresv/uapi/wwr_drm.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define MIN_PENDING 16

/* "rcs0 of client 7" fits. */
#define NAME_BYTES 64

int wwrmock_file_open(struct core_file *file)
{
	struct wwrmock_file *own = wwr_alloc(sizeof(*own));

	if (own == NULL)
		return -ENOMEM;
	handle_table_init(&own->queues, file->device->quota.max_queues);
	pthread_mutex_init(&own->lock, NULL);
	file->driver_data = own;
	return 0;
}

static void pending_put(const struct wwrmock_pending *pending)
{
	wwr_fence_put(pending->fence);
	wwr_job_put(pending->job);
}

/* Pending jobs go on: they have what they need.  Nobody else could end one that is endless. */
void wwrmock_file_close(struct core_file *file)
{
	struct wwrmock_file *own = file->driver_data;
	struct wwrmock_own_queue *entry;
	struct wwr_queue *queue;
	uint32_t cursor = 0;
	uint32_t handle;

	while ((queue = handle_table_take(&own->queues, &cursor, &handle)) != NULL)
		wwr_queue_put(queue);
	handle_table_fini(&own->queues);
	while ((entry = own->own_queues) != NULL) {
		own->own_queues = entry->next;
		wwr_queue_put(entry->queue);
		wwr_free(entry);
	}
	for (uint32_t i = 0; i < own->num_pending; i++) {
		if (own->pending[i].job != NULL)
			wwr_job_end(own->pending[i].job);
		pending_put(&own->pending[i]);
	}
	wwr_free(own->pending);
	pthread_mutex_destroy(&own->lock);
	wwr_free(own);
}

/* The engines of the uapi are numbered as those of the mock GPU. */
_Static_assert(WWR_DRM_ENGINE_RENDER == WWR_ENGINE_RCS, "kinds of engine");
_Static_assert(WWR_DRM_ENGINE_COPY == WWR_ENGINE_BCS, "kinds of engine");
_Static_assert(WWR_DRM_ENGINE_VIDEO == WWR_ENGINE_VCS, "kinds of engine");
_Static_assert(WWR_DRM_ENGINE_VIDEO_ENHANCE == WWR_ENGINE_VECS, "kinds of engine");
_Static_assert(WWR_DRM_ENGINE_COMPUTE == WWR_ENGINE_CCS, "kinds of engine");

uint64_t wwrmock_engine_mask(const struct core_device *device, uint32_t engine)
{
	const struct wwrmock_device *own = device->driver_data;
	uint32_t kind = engine & UINT16_MAX;

	if (kind >= WWR_NUM_ENGINE_CLASSES)
		return 0;
	return wwr_device_engine_mask(own->gpu, (enum wwr_engine_class)kind, engine >> 16);
}

static int make_queue(struct core_file *file, uint64_t engines, struct wwr_queue **ret_queue)
{
	const struct wwrmock_device *device = file->device->driver_data;
	char name[NAME_BYTES];

	(void)snprintf(name, sizeof(name), "client %llu", (unsigned long long)file->client_id);
	return wwr_queue_create(device->gpu, name, engines, ret_queue);
}

/* Under the lock; the list's reference. */
static int own_queue_locked(struct core_file *file, uint32_t engine, struct wwr_queue **ret_queue)
{
	uint64_t engines = wwrmock_engine_mask(file->device, engine);
	struct wwrmock_file *own = file->driver_data;
	struct wwrmock_own_queue *entry = own->own_queues;
	int ret;

	while (entry != NULL && entry->engine != engine)
		entry = entry->next;
	if (entry == NULL) {
		if (engines == 0)
			return -EINVAL;
		entry = wwr_alloc(sizeof(*entry));
		if (entry == NULL)
			return -ENOMEM;
		ret = make_queue(file, engines, &entry->queue);
		if (ret != 0) {
			wwr_free(entry);
			return ret;
		}
		entry->engine = engine;
		entry->next = own->own_queues;
		own->own_queues = entry;
	}
	*ret_queue = entry->queue;
	return 0;
}

static void *queue_get(void *object)
{
	return wwr_queue_get(object);
}

int wwrmock_file_get_queue(struct core_file *file, uint32_t handle, uint32_t engine,
			   struct wwr_queue **ret_queue)
{
	struct wwrmock_file *own = file->driver_data;
	int ret;

	if (handle != 0) {
		if (engine != 0)
			return -EINVAL;
		*ret_queue = handle_table_find(&own->queues, handle, queue_get);
		return *ret_queue != NULL ? 0 : -ENOENT;
	}
	pthread_mutex_lock(&own->lock);
	ret = own_queue_locked(file, engine, ret_queue);
	if (ret == 0)
		(void)wwr_queue_get(*ret_queue);
	pthread_mutex_unlock(&own->lock);
	return ret;
}

/* Under the lock: forget what has signalled. */
static void forget_signaled(struct wwrmock_file *own)
{
	uint32_t num = 0;

	for (uint32_t i = 0; i < own->num_pending; i++) {
		if (wwr_fence_is_signaled(own->pending[i].fence))
			pending_put(&own->pending[i]);
		else
			own->pending[num++] = own->pending[i];
	}
	own->num_pending = num;
}

/* Under the lock: twice the room. */
static int grow(struct wwrmock_file *own)
{
	uint32_t max = own->max_pending == 0 ? MIN_PENDING : own->max_pending * 2;
	struct wwrmock_pending *pending = wwr_alloc_array(max, sizeof(pending[0]));

	if (pending == NULL)
		return -ENOMEM;
	if (own->num_pending != 0)
		memcpy(pending, own->pending, own->num_pending * sizeof(pending[0]));
	wwr_free(own->pending);
	own->pending = pending;
	own->max_pending = max;
	return 0;
}

/*
 * Under the lock.  Looks at the fences only when there is no room, and makes room when more than
 * half of them are pending: so the work is shared out over as many submits.
 */
static int make_room_locked(struct wwrmock_file *own, uint32_t max_jobs)
{
	uint32_t limit = own->max_pending < max_jobs ? own->max_pending : max_jobs;

	if (own->num_pending + own->num_begun < limit)
		return 0;
	forget_signaled(own);
	if (own->num_pending + own->num_begun >= max_jobs)
		return -ENOSPC;
	if (own->num_pending + own->num_begun < own->max_pending / 2 ||
	    own->max_pending >= max_jobs)
		return 0;
	return grow(own);
}

int wwrmock_file_begin_job(struct core_file *file)
{
	struct wwrmock_file *own = file->driver_data;
	int ret;

	pthread_mutex_lock(&own->lock);
	ret = make_room_locked(own, file->device->quota.max_jobs);
	if (ret == 0)
		own->num_begun++;
	pthread_mutex_unlock(&own->lock);
	return ret;
}

void wwrmock_file_end_job(struct core_file *file, struct wwr_job *job, bool endless)
{
	struct wwrmock_file *own = file->driver_data;

	pthread_mutex_lock(&own->lock);
	own->num_begun--;
	if (job != NULL)
		own->pending[own->num_pending++] = (struct wwrmock_pending){
		    .fence = wwr_fence_get(wwr_job_finished(job)),
		    .job = endless ? wwr_job_get(job) : NULL,
		};
	pthread_mutex_unlock(&own->lock);
}

static bool is_priority(int64_t value)
{
	return value >= -WWR_DRM_MAX_PRIORITY && value <= WWR_DRM_MAX_PRIORITY;
}

int wwrmock_ioctl_queue_create(struct core_call *call, void *arg)
{
	struct wwrmock_file *own = call->file->driver_data;
	struct wwr_drm_queue_create *create = arg;
	struct wwr_queue *queue;
	int ret;

	if (create->flags != 0 || create->handle != 0 || create->pad != 0 ||
	    !is_priority(create->priority))
		return -EINVAL;
	ret = make_queue(call->file, create->engines, &queue);
	if (ret != 0)
		return ret;
	wwr_queue_set_priority(queue, create->priority);
	ret = handle_table_add(&own->queues, queue, &create->handle);
	if (ret != 0)
		wwr_queue_put(queue);
	return ret;
}

int wwrmock_ioctl_queue_destroy(struct core_call *call, void *arg)
{
	const struct wwr_drm_queue_destroy *destroy = arg;
	struct wwrmock_file *own = call->file->driver_data;
	struct wwr_queue *queue;

	if (destroy->pad != 0)
		return -EINVAL;
	queue = handle_table_remove(&own->queues, destroy->handle);
	if (queue == NULL)
		return -ENOENT;
	wwr_queue_put(queue);
	return 0;
}

int wwrmock_ioctl_queue_set(struct core_call *call, void *arg)
{
	const struct wwr_drm_queue_set *set = arg;
	struct wwrmock_file *own = call->file->driver_data;
	struct wwr_queue *queue;

	if (set->property > WWR_DRM_QUEUE_PREEMPTIBLE)
		return -EINVAL;
	if (set->property == WWR_DRM_QUEUE_PRIORITY ? !is_priority(set->value)
						    : set->value < 0 || set->value > 1)
		return -EINVAL;
	queue = handle_table_find(&own->queues, set->handle, queue_get);
	if (queue == NULL)
		return -ENOENT;
	if (set->property == WWR_DRM_QUEUE_PRIORITY)
		wwr_queue_set_priority(queue, (int)set->value);
	else
		wwr_queue_set_preemptible(queue, set->value != 0);
	wwr_queue_put(queue);
	return 0;
}

int wwrmock_ioctl_queue_bond(struct core_call *call, void *arg)
{
	const struct wwrmock_device *device = call->file->device->driver_data;
	const struct wwr_drm_queue_bond *bond = arg;
	struct wwrmock_file *own = call->file->driver_data;
	struct wwr_queue *queue;
	int ret;

	if (bond->flags != 0 || bond->pad != 0 ||
	    bond->master >= wwr_device_num_engines(device->gpu))
		return -EINVAL;
	queue = handle_table_find(&own->queues, bond->handle, queue_get);
	if (queue == NULL)
		return -ENOENT;
	ret = wwr_queue_set_bond(queue, bond->master, bond->engines);
	wwr_queue_put(queue);
	return ret;
}
