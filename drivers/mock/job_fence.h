/* SPDX-License-Identifier: MIT */
#ifndef DRIVERS_MOCK_JOB_FENCE_H
#define DRIVERS_MOCK_JOB_FENCE_H

#include <wwresv/fence.h>

struct wwr_queue;

/*
 * The two fences of a job, in memory of their own: reservations keep them long after the job and
 * its buffers have gone.  Before job_fence_arm() the job owns this, from then on each fence's
 * references do; the finished one has a reference of the started one.
 *
 * Fields: (a) atomic, (i) immutable once armed, (s) written before the start is signalled, read
 * by who saw that signal; (f) the same with the end.
 */
struct job_fence {
	struct wwr_fence started;
	struct wwr_fence finished;
	struct wwr_fence done;	 /* that the engine signals, for a scheduler */
	uint32_t refcount;	 /* (a) fences not yet released */
	struct wwr_queue *queue; /* (i) referenced: it has the name */
	uint64_t label;		 /* (i) of the job */
	uint64_t commit;	 /* (i) of the job */
	int ring;		 /* (i) of a scheduler: its engine, or -1 */
	int engine;		 /* (f) that ran it, or -1 */
	int start_engine;	 /* (s) on which it started, or -1 */
	uint64_t start_token;	 /* (s) 0 until the job starts; plain, see effect.h */
};

/* Memory for the fences, or NULL. */
struct job_fence *job_fence_create(struct wwr_queue *queue, uint64_t label);

/* Give back what was never armed. */
void job_fence_destroy(struct job_fence *fences);

/* Make both fences live, each with one reference, the caller's.  Cannot fail. */
void job_fence_arm(struct job_fence *fences, uint64_t seqno, uint64_t commit);

/* The pair that a fence is one of, or NULL: it is no job's. */
struct job_fence *job_fence_of(const struct wwr_fence *fence);

#endif /* DRIVERS_MOCK_JOB_FENCE_H */
