/* SPDX-License-Identifier: MIT */
#ifndef DRIVERS_SCHED_SCHED_JOB_H
#define DRIVERS_SCHED_SCHED_JOB_H

#include "drivers/sched/sched_core.h"

/* A fence that a job waits for. */
struct wwr_sched_dep {
	struct wwr_fence_cb cb;
	struct wwr_fence *fence;   /* referenced */
	struct wwr_sched_job *job; /* the one that waits */
};

/*
 * The two fences of a job, in memory of their own: reservations keep them long after the job.
 * Before sched_fence_arm() the job owns this; from then on the scheduled fence's references do, of
 * which the finished fence has one.
 */
struct wwr_sched_fence {
	struct wwr_fence scheduled;
	struct wwr_fence finished;
	struct wwr_sched_entity *entity; /* (i) referenced: it has the name */
	uint64_t sched_id;		 /* (i) once armed: the ring that it is given to */
};

/* Memory for the fences of a job, or NULL. */
struct wwr_sched_fence *sched_fence_create(struct wwr_sched_entity *entity);

/* Give back what was never armed. */
void sched_fence_destroy(struct wwr_sched_fence *fences);

/* Make both fences live, each with one reference, the caller's.  Cannot fail. */
void sched_fence_arm(struct wwr_sched_fence *fences, uint64_t seqno, uint64_t sched_id);

/* What somebody on a ring has to wait for: the same fence, or the scheduled one beside it. */
struct wwr_fence *sched_fence_on_ring(struct wwr_fence *fence, uint64_t sched_id);

/* Forget the dependencies; afterwards none of their callbacks runs.  No lock. */
void job_drop_deps(struct wwr_sched_job *job);

/* A job that was on the ring has ended.  The group's lock; entity_drain() follows. */
void job_complete_locked(struct wwr_sched_job *job, int error);

/* Signal both fences.  No lock. */
void job_signal(struct wwr_sched_job *job);

/* Both fences are signalled: have it freed, or let the push do that.  The group's lock. */
void job_signalled_locked(struct wwr_sched_job *job);

/* Give the memory back; signalled and pushed.  No lock. */
void job_free(struct wwr_sched_job *job);

/* Give a job to the ring.  The runner, with the group's lock, which it gives back for a while. */
void job_execute(struct wwr_sched_job *job);

#endif /* DRIVERS_SCHED_SCHED_JOB_H */
