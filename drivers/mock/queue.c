/* SPDX-License-Identifier: MIT */
#include "drivers/mock/queue.h"

#include "drivers/mock/mock_device.h"
#include "drivers/mock/ring.h"
#include <wwresv/alloc.h>
#include "lockset/wwr_atomic.h"

#include <wwresv/fence.h>

#include <errno.h>
#include <string.h>

/* sibling may be NULL. */
static int queue_create(struct wwr_device *device, const struct wwr_queue *sibling,
			const char *name, uint64_t engine_mask, struct wwr_queue **ret_queue)
{
	const uint64_t all = UINT64_MAX >> (WWR_MAX_ENGINES - device->num_engines);
	struct wwr_queue *queue;

	if (engine_mask == 0 || (engine_mask & ~all) != 0)
		return -EINVAL;
	queue = wwr_alloc(sizeof(*queue));
	if (queue == NULL)
		return -ENOMEM;

	device_get(device);
	queue->refcount = 1;
	queue->device = device;
	strncpy(queue->name, name, sizeof(queue->name) - 1);
	queue->engine_mask = engine_mask;
	queue->context = wwr_fence_context_alloc(3);
	queue->preemptible = true;
	if (device->rings != NULL) {
		const int ret = mock_rings_add_queue(queue, sibling);

		if (ret != 0) {
			wwr_queue_put(queue);
			return ret;
		}
	}
	*ret_queue = queue;
	return 0;
}

int wwr_queue_create(struct wwr_device *device, const char *name, uint64_t engine_mask,
		     struct wwr_queue **ret_queue)
{
	return queue_create(device, NULL, name, engine_mask, ret_queue);
}

int wwr_queue_create_sibling(const struct wwr_queue *sibling, const char *name,
			     uint64_t engine_mask, struct wwr_queue **ret_queue)
{
	return queue_create(sibling->device, sibling, name, engine_mask, ret_queue);
}

struct wwr_queue *wwr_queue_get(struct wwr_queue *queue)
{
	/* Relaxed: the caller has a reference, which keeps the queue. */
	(void)wwr_atomic_fetch_add(&queue->refcount, 1, WWR_RELAXED);
	return queue;
}

void wwr_queue_put(struct wwr_queue *queue)
{
	if (queue == NULL)
		return;
	/* Release and acquire pair among the puts: the last one sees all uses before the others. */
	if (wwr_atomic_fetch_sub(&queue->refcount, 1, WWR_ACQ_REL) != 1)
		return;
	wwr_sched_entity_put(queue->entity);
	for (unsigned int i = 0; i < WWR_MAX_ENGINES; i++)
		wwr_sched_entity_put(queue->bound[i]);
	queue_bonds_put(queue->bonds);
	device_put(queue->device);
	wwr_free(queue);
}

void wwr_queue_set_priority(struct wwr_queue *queue, int priority)
{
	pthread_mutex_lock(&queue->device->lock);
	queue->priority = priority;
	pthread_mutex_unlock(&queue->device->lock);
	if (queue->device->rings != NULL)
		mock_rings_set_priority(queue);
}

void wwr_queue_set_preemptible(struct wwr_queue *queue, bool preemptible)
{
	pthread_mutex_lock(&queue->device->lock);
	queue->preemptible = preemptible;
	pthread_mutex_unlock(&queue->device->lock);
}

uint64_t wwr_queue_engine_ns(struct wwr_queue *queue, unsigned int engine)
{
	uint64_t busy_ns = 0;

	pthread_mutex_lock(&queue->device->lock);
	if (engine < queue->device->num_engines)
		busy_ns = queue->busy_ns[engine];
	pthread_mutex_unlock(&queue->device->lock);
	return busy_ns;
}

struct queue_bonds *queue_bonds_get(struct queue_bonds *bonds)
{
	/* Relaxed: the caller has a reference, or the device's lock and the queue has one. */
	if (bonds != NULL)
		(void)wwr_atomic_fetch_add(&bonds->refcount, 1, WWR_RELAXED);
	return bonds;
}

void queue_bonds_put(struct queue_bonds *bonds)
{
	/* Release and acquire pair among the puts: the last one sees all uses before the others. */
	if (bonds != NULL && wwr_atomic_fetch_sub(&bonds->refcount, 1, WWR_ACQ_REL) == 1)
		wwr_free(bonds);
}

int wwr_queue_set_bond(struct wwr_queue *queue, unsigned int master, uint64_t engine_mask)
{
	struct wwr_device *device = queue->device;
	struct queue_bonds *bonds, *old;

	if (master >= device->num_engines || (engine_mask & ~queue->engine_mask) != 0)
		return -EINVAL;
	if (device->rings != NULL) {
		const int ret = mock_rings_bind_queue(queue, engine_mask);

		if (ret != 0)
			return ret;
	}
	bonds = wwr_alloc(sizeof(*bonds));
	if (bonds == NULL)
		return -ENOMEM;
	pthread_mutex_lock(&device->lock);
	old = queue->bonds;
	if (old != NULL)
		memcpy(bonds->masks, old->masks, sizeof(bonds->masks));
	bonds->refcount = 1;
	bonds->masks[master] = engine_mask;
	queue->bonds = bonds;
	pthread_mutex_unlock(&device->lock);
	queue_bonds_put(old);
	return 0;
}
