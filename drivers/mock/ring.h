/* SPDX-License-Identifier: MIT */
#ifndef DRIVERS_MOCK_RING_H
#define DRIVERS_MOCK_RING_H

#include "drivers/mock/mock_device.h"

#include <wwresv/sched.h>

struct wwr_job;

/*
 * The scheduler of a device: a ring for each engine; an entity for each queue, and one more for
 * each engine that bonds bind its jobs to.  What a job waits for is the scheduler's; a job on a
 * ring has an engine and is in the list of ready ones.  Its fences signal when those of the
 * scheduler do.
 *
 * Fields: (i) immutable once created, (d) the device's lock, (o) order, which is taken before that.
 */
struct mock_rings {
	/*
	 * Of arming, so that a queue and its entity have the same order; and of the entities of
	 * queues: of making them, their priority, and the end of all.
	 */
	pthread_mutex_t order;
	pthread_cond_t idle;	 /* with the device's lock: an engine was reset */
	int64_t hang_timeout_ns; /* (i) */
	uint64_t hang_every;	 /* (i) 0 = no job hangs */
	uint64_t slow_every;	 /* (i) 0 = no job is slow */
	double slow_factor;	 /* (i) */
	uint64_t lose_after;	 /* (i) finished jobs; 0 = never */
	bool lost;		 /* (d) */
	bool stopped;		 /* (o) nobody uses the rings any more but their entities */
	struct wwr_sched_stats final_stats[WWR_MAX_ENGINES]; /* by engine; what their ends leave */
	unsigned int num_rings;				     /* (i) */
	struct wwr_sched *rings[];			     /* (i) by engine */
};

/* 0, -EINVAL, -ENOMEM or -EAGAIN.  device->rings; the engines need not run yet. */
int mock_rings_create(struct wwr_device *device, const struct wwr_device_config *config);

/* The device is lost: what is on its engines ends now.  In a fence callback, without locks. */
void mock_rings_fault(struct wwr_device *device);

/* All jobs end.  The engines have stopped. */
void mock_rings_stop(struct wwr_device *device);
void mock_rings_destroy(struct mock_rings *rings);

/*
 * The entity of a queue, of the same client as the sibling unless that is NULL.  0, -ENOMEM or
 * -ECANCELED: the device was stopped.
 */
int mock_rings_add_queue(struct wwr_queue *queue, const struct wwr_queue *sibling);

/*
 * Before the queue has a bond onto these engines: entities for jobs that are bound to them,
 * unless the device was stopped.  0 or -ENOMEM.
 */
int mock_rings_bind_queue(struct wwr_queue *queue, uint64_t engine_mask);

/* Of these engines the one for which fewest jobs of the queue are bound, or -1: none can be. */
int mock_rings_choose(struct wwr_queue *queue, uint64_t engine_mask);

/* The queue has another priority: its entities get it. */
void mock_rings_set_priority(struct wwr_queue *queue);

/* The engine of an armed job. */
int ring_of_job(const struct wwr_job *job);

/* Before a job is armed: have the scheduler wait for what the job waits for.  0 or -ENOMEM. */
int ring_job_prepare(struct wwr_job *job);

/*
 * Just before a job is armed, with the order: behind a job of its queue that gives way to others it
 * waits for the end, since on the ring it would be one of those; and behind one of another entity,
 * since nothing else keeps them in order.  0 or -ENOMEM.
 */
int ring_job_follow(struct wwr_job *job);

/* An armed job is the scheduler's from now on. */
void ring_job_push(struct wwr_job *job);

/* The engine has done it. */
void ring_job_done(struct wwr_job *job);

#endif /* DRIVERS_MOCK_RING_H */
