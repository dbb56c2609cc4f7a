/* SPDX-License-Identifier: MIT */
/*
 * Fair shares by start times (start-time fair queuing): an entity's virtual time goes on by the
 * time it has on the ring, divided by its weight; the one that is behind goes next.  The ring's
 * virtual time is that of the entity chosen last, and an entity that had nothing to run begins
 * there: what it did not use is not kept for it, nor is what it had too much of forgotten.
 */
#include "drivers/sched/sched_entity.h"

/* Virtual time is finer than a nanosecond, or the weights would be lost on short jobs. */
#define VTIME_SHIFT 10

/* Bits below the priority in the keys of the other policies: two jobs a nanosecond for a year. */
#define KEY_PRIORITY_SHIFT 56

/* New values count for an eighth. */
#define AVERAGE_SHIFT 3

static int64_t policy_vtime(const struct wwr_sched_entity *entity, int64_t busy_ns)
{
	/* A job that took no time counts for a little, so that entities take turns. */
	const int64_t ns = busy_ns > 0 ? busy_ns : 1;
	const unsigned int weight_shift =
	    (unsigned int)(WWR_SCHED_NUM_PRIORITIES - 1) - (unsigned int)entity->priority;

	return (int64_t)((uint64_t)ns << VTIME_SHIFT >> weight_shift);
}

static int64_t policy_average(int64_t average_ns, int64_t busy_ns)
{
	return average_ns == 0 ? busy_ns : average_ns + ((busy_ns - average_ns) >> AVERAGE_SHIFT);
}

int64_t policy_key(const struct wwr_sched_entity *entity)
{
	const int64_t priority = (int64_t)entity->priority << KEY_PRIORITY_SHIFT;

	switch (entity->sched->options.policy) {
	case WWR_SCHED_FIFO:
		return priority | (int64_t)entity->pending->order;
	case WWR_SCHED_ROUND_ROBIN:
		return priority | (int64_t)entity->sched->turn++;
	default:
		return entity->vruntime;
	}
}

void policy_ready(struct wwr_sched_entity *entity)
{
	if (entity->vruntime < entity->sched->vtime)
		entity->vruntime = entity->sched->vtime;
}

void policy_charge(struct wwr_sched_entity *entity, struct wwr_sched_job *job)
{
	struct wwr_sched *sched = entity->sched;
	const int64_t average_ns = entity->average_ns != 0 ? entity->average_ns : sched->average_ns;

	if (sched->vtime < entity->vruntime)
		sched->vtime = entity->vruntime;
	job->charged = policy_vtime(entity, average_ns);
	entity->vruntime += job->charged;
}

void policy_correct(struct wwr_sched_entity *entity, struct wwr_sched_job *job, int64_t busy_ns)
{
	struct wwr_sched *sched = entity->sched;

	entity->vruntime += policy_vtime(entity, busy_ns) - job->charged;
	entity->average_ns = policy_average(entity->average_ns, busy_ns);
	sched->average_ns = policy_average(sched->average_ns, busy_ns);
	if (entity->node.queued && sched->options.policy == WWR_SCHED_FAIR) {
		sched_heap_remove(&sched->ready, &entity->node);
		sched_heap_insert(&sched->ready, &entity->node, policy_key(entity));
	}
}

void policy_move(struct wwr_sched_entity *entity, const struct wwr_sched *to)
{
	const int64_t ahead = entity->vruntime - entity->sched->vtime;

	entity->vruntime = to->vtime + (ahead > 0 ? ahead : 0);
}
