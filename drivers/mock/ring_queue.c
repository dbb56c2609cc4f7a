/* SPDX-License-Identifier: MIT */
/*
 * The entities of a queue.  One is on all of its engines; jobs that bonds bind to an engine have
 * one there, since an entity with unfinished jobs stays where it is.
 */
#include "drivers/mock/queue.h"
#include "drivers/mock/ring.h"

#include <errno.h>

/* With the rings' order. */
static enum wwr_sched_priority queue_priority(const struct wwr_queue *queue)
{
	int asked;

	pthread_mutex_lock(&queue->device->lock);
	asked = queue->priority;
	pthread_mutex_unlock(&queue->device->lock);
	if (asked == 0)
		return WWR_SCHED_PRIORITY_NORMAL;
	return asked > 0 ? WWR_SCHED_PRIORITY_HIGH : WWR_SCHED_PRIORITY_LOW;
}

/*
 * An entity for these engines; ctx NULL = of a client of its own.  With the rings' order, so that
 * it has the queue's priority.  0, -ENOMEM or -ECANCELED.
 */
static int queue_add_entity(const struct wwr_queue *queue, uint64_t engine_mask,
			    struct wwr_sched_ctx *ctx, struct wwr_sched_entity **ret_entity)
{
	const struct mock_rings *rings = queue->device->rings;
	struct wwr_sched *scheds[WWR_MAX_ENGINES];
	struct wwr_sched_entity_options options = {
	    .name = queue->name, .priority = queue_priority(queue), .scheds = scheds, .ctx = ctx};

	if (rings->stopped)
		return -ECANCELED;
	for (unsigned int i = 0; i < rings->num_rings; i++) {
		if ((engine_mask >> i & 1) != 0)
			scheds[options.num_scheds++] = rings->rings[i];
	}
	return wwr_sched_entity_create(&options, ret_entity);
}

int mock_rings_add_queue(struct wwr_queue *queue, const struct wwr_queue *sibling)
{
	struct mock_rings *rings = queue->device->rings;
	int ret;

	pthread_mutex_lock(&rings->order);
	ret = queue_add_entity(queue, queue->engine_mask,
			       sibling != NULL ? wwr_sched_entity_ctx(sibling->entity) : NULL,
			       &queue->entity);
	pthread_mutex_unlock(&rings->order);
	return ret;
}

/* With the rings' order, so that there is none yet. */
static int queue_bind(struct wwr_queue *queue, unsigned int engine)
{
	struct wwr_device *device = queue->device;
	struct wwr_sched_entity *entity;
	int ret = queue_add_entity(queue, UINT64_C(1) << engine,
				   wwr_sched_entity_ctx(queue->entity), &entity);

	if (ret != 0)
		return ret;
	pthread_mutex_lock(&device->lock);
	queue->bound[engine] = entity;
	pthread_mutex_unlock(&device->lock);
	return 0;
}

int mock_rings_bind_queue(struct wwr_queue *queue, uint64_t engine_mask)
{
	struct mock_rings *rings = queue->device->rings;
	int ret = 0;

	pthread_mutex_lock(&rings->order);
	for (unsigned int i = 0; i < rings->num_rings && !rings->stopped && ret == 0; i++) {
		/* Written with the order only. */
		if (queue->bound[i] == NULL && (engine_mask >> i & 1) != 0)
			ret = queue_bind(queue, i);
	}
	pthread_mutex_unlock(&rings->order);
	return ret;
}

/* Its entities, as many as there are; of each the caller has no reference but the queue's. */
static unsigned int queue_entities(struct wwr_queue *queue,
				   struct wwr_sched_entity *entities[WWR_MAX_ENGINES + 1])
{
	unsigned int num = 0;

	if (queue->entity != NULL)
		entities[num++] = queue->entity;
	pthread_mutex_lock(&queue->device->lock);
	for (unsigned int i = 0; i < queue->device->num_engines; i++) {
		if (queue->bound[i] != NULL)
			entities[num++] = queue->bound[i];
	}
	pthread_mutex_unlock(&queue->device->lock);
	return num;
}

int mock_rings_choose(struct wwr_queue *queue, uint64_t engine_mask)
{
	struct wwr_device *device = queue->device;
	uint32_t least = UINT32_MAX;
	int best = -1;

	for (unsigned int i = 0; i < device->num_engines; i++) {
		struct wwr_sched_entity_stats stats;
		struct wwr_sched_entity *entity;

		pthread_mutex_lock(&device->lock);
		entity = queue->bound[i];
		pthread_mutex_unlock(&device->lock);
		if (entity == NULL || (engine_mask >> i & 1) == 0)
			continue;
		wwr_sched_entity_get_stats(entity, &stats);
		if (stats.num_jobs < least) {
			least = stats.num_jobs;
			best = (int)i;
		}
	}
	return best;
}

void mock_rings_set_priority(struct wwr_queue *queue)
{
	struct mock_rings *rings = queue->device->rings;
	struct wwr_sched_entity *entities[WWR_MAX_ENGINES + 1];
	unsigned int num;

	/* Of several calls at a time the last one of these has the last priority. */
	pthread_mutex_lock(&rings->order);
	num = queue_entities(queue, entities);
	for (unsigned int i = 0; i < num; i++)
		wwr_sched_entity_set_priority(entities[i], queue_priority(queue));
	pthread_mutex_unlock(&rings->order);
}

uint64_t wwr_queue_busy_ns(struct wwr_queue *queue)
{
	struct wwr_sched_entity *entities[WWR_MAX_ENGINES + 1];
	const unsigned int num = queue_entities(queue, entities);
	uint64_t busy_ns = 0;

	for (unsigned int i = 0; i < num; i++) {
		struct wwr_sched_entity_stats stats;

		wwr_sched_entity_get_stats(entities[i], &stats);
		busy_ns += stats.busy_ns;
	}
	return busy_ns;
}
