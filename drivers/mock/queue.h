/* SPDX-License-Identifier: MIT */
#ifndef DRIVERS_MOCK_QUEUE_H
#define DRIVERS_MOCK_QUEUE_H

#include <wwresv/device.h>

#define QUEUE_NAME_BYTES 64

/*
 * Jobs in order.  Invariant: the order of a queue is the order of commits and of seqnos, and only
 * the first of its unfinished jobs may be ready or run.
 *
 * Fields: (a) atomic, (i) immutable after creation, (d) the device's lock.
 */
struct wwr_queue {
	uint32_t refcount;		 /* (a) users, jobs and their fences */
	struct wwr_device *device;	 /* (i) referenced */
	char name[QUEUE_NAME_BYTES];	 /* (i) */
	uint64_t engine_mask;		 /* (i) */
	uint64_t context;		 /* (i) of finished fences; then of started and done ones */
	struct wwr_sched_entity *entity; /* (i) NULL = the device has no scheduler */
	uint64_t seqno;			 /* (d) of the last job armed */
	int priority;			 /* (d) */
	bool preemptible;		 /* (d) */
	struct wwr_job *first, *last;	 /* (d) armed and not finished */
};

#endif /* DRIVERS_MOCK_QUEUE_H */
