/* SPDX-License-Identifier: MIT */
#ifndef DRIVERS_MOCK_QUEUE_H
#define DRIVERS_MOCK_QUEUE_H

#include <wwresv/device.h>

#define QUEUE_NAME_BYTES 64

/*
 * Where jobs of a queue go that start with others.  Immutable once a job has it, which references
 * it.
 */
struct queue_bonds {
	uint32_t refcount;		 /* (a) the queue, and jobs */
	uint64_t masks[WWR_MAX_ENGINES]; /* by the engine of the other one; 0 = anywhere */
};

/*
 * Jobs in order.  Invariants: the order of a queue is the order of commits and of seqnos, and its
 * jobs finish in it.  Without a scheduler only the first of the unfinished ones may be ready or
 * run; with one, as many as its rings have room for are ready, and what keeps them in order is that
 * a ring does, or a dependency.
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
	uint64_t busy_ns[WWR_MAX_ENGINES]; /* (d) that engines spent on its jobs */
	int priority;			   /* (d) */
	bool preemptible;		   /* (d) */
	struct queue_bonds *bonds;	   /* (d) referenced; NULL = none */
	bool ending; /* (d) of a scheduler's: a thread ends jobs that are over */
	/*
	 * By engine: of jobs that are bound to it; set once, with the rings' order and the
	 * device's lock; NULL = none can be.
	 */
	struct wwr_sched_entity *bound[WWR_MAX_ENGINES];
	struct wwr_job *first, *last; /* (d) armed and not finished */
};

/* Another reference; NULL stays NULL. */
struct queue_bonds *queue_bonds_get(struct queue_bonds *bonds);
/* NULL is a no-op. */
void queue_bonds_put(struct queue_bonds *bonds);

#endif /* DRIVERS_MOCK_QUEUE_H */
