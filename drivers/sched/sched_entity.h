/* SPDX-License-Identifier: MIT */
#ifndef DRIVERS_SCHED_SCHED_ENTITY_H
#define DRIVERS_SCHED_SCHED_ENTITY_H

#include "drivers/sched/sched_core.h"

/* An unfinished job gets its place, and the entity maybe another scheduler.  The group's lock. */
void entity_append_locked(struct wwr_sched_entity *entity, struct wwr_sched_job *job);

/* Have the entity stand in its scheduler's heap if, and only if, its next job may run. */
void entity_update_locked(struct wwr_sched_entity *entity);

/* The next job is on a ring from now on: the one behind it is the next.  The group's lock. */
void entity_advance_locked(struct wwr_sched_entity *entity);

/* Jobs that are not on a ring end with an error.  The group's lock; entity_drain() follows. */
void entity_cancel_locked(struct wwr_sched_entity *entity, int error);

/* Make what has ended, and has no unfinished job before it, ready to be signalled. */
void entity_collect_locked(struct wwr_sched_entity *entity);

/*
 * Signal what is ready to be signalled, in order.  Without a lock; the entity lives at least
 * until this begins.
 */
void entity_drain(struct wwr_sched_entity *entity);

/* Entities that have something to signal, which no thread is about to. */
static inline bool entity_wants_drain(const struct wwr_sched_entity *entity)
{
	return entity->done != NULL && !entity->draining;
}

/*
 * Each policy is a way to make a key: the entity with the smallest goes next.  The time that a
 * job takes is charged to the entity when it is chosen, as far as one can know, and corrected when
 * it has ended; so a ring of many credits is shared no worse than one of a single credit.
 */

/* The key of an entity whose next job may run. */
int64_t policy_key(const struct wwr_sched_entity *entity);

/* Its next job may run though it could not before: what it did not use is lost. */
void policy_ready(struct wwr_sched_entity *entity);

/* It was chosen. */
void policy_charge(struct wwr_sched_entity *entity, struct wwr_sched_job *job);

/* The job has left the ring after some time. */
void policy_correct(struct wwr_sched_entity *entity, struct wwr_sched_job *job, int64_t busy_ns);

/* It leaves its scheduler for another one, and takes along what it is ahead of the others. */
void policy_move(struct wwr_sched_entity *entity, const struct wwr_sched *to);

#endif /* DRIVERS_SCHED_SCHED_ENTITY_H */
