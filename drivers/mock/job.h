/* SPDX-License-Identifier: MIT */
#ifndef DRIVERS_MOCK_JOB_H
#define DRIVERS_MOCK_JOB_H

#include "drivers/mock/effect.h"

#include <wwresv/device.h>
#include <wwresv/fence.h>
#include <wwresv/sched_job.h>

struct job_fence;
struct queue_bonds;

/* A fence that a job waits for. */
struct job_dep {
	struct wwr_fence_cb cb;
	struct wwr_fence *fence; /* referenced */
	struct wwr_job *job;	 /* the one that waits */
};

/*
 * One job.  It goes through these steps, each in one place:
 *
 *	created   job.c	       buffers and dependencies are named
 *	armed     job_life.c   the point of no return: numbers, fences, place in the queue
 *	pushed    job_life.c   callbacks are in place; it may run once nothing is unmet
 *	ready     run_queue.c  everything is met and it is the first of its queue
 *	running   engine.c
 *	finished  job_life.c   by its engine, or by who stops the device
 *	released  job.c
 *
 * Fields: (a) atomic, (i) immutable after creation, (u) the submitting thread until armed, then
 * immutable, (d) the device's lock, (e) the thread that runs it.
 */
struct wwr_job {
	uint32_t refcount;	      /* (a) users, and the device from armed to finished */
	struct wwr_queue *queue;      /* (i) referenced */
	struct wwr_job_config config; /* (i) */
	struct job_fence *fences;     /* (i) */

	struct wwr_effect_access *accesses; /* (u) */
	struct wwr_device_bo **bos;	    /* (u) referenced; same places as accesses */
	uint32_t num_buffers;		    /* (u) */
	uint32_t max_accesses, max_bos;	    /* (u) */

	struct job_dep *deps;	    /* (u) */
	uint32_t num_deps;	    /* (u) */
	uint32_t num_explicit;	    /* (u) the first of them, named by the user */
	uint32_t max_deps;	    /* (u) */
	struct job_fence **sources; /* (u) jobs whose start it waits for; started is referenced */
	struct queue_bonds *bonds;  /* (u) where it goes with them; referenced, NULL = anywhere */
	uint64_t *start_tokens;	    /* (e) what they wrote down */
	uint32_t num_sources;	    /* (u) */
	uint32_t max_sources, max_tokens; /* (u) */

	struct wwr_sched_job sched_job; /* of a device with a scheduler */
	struct wwr_fence_cb sched_cb;
	bool has_sched_job; /* (u) it is initialised */
	int bound;	    /* (u) with a scheduler: the engine that its bonds choose, or -1 */
	bool hangs;	    /* (u) it never ends by itself */
	bool slow;	    /* (u) it takes some times its duration */
	bool armed;	    /* (u) */
	bool client_starts; /* (u) a client has to do something before it starts */
	bool client_ends;   /* (u) or before it ends */
	uint32_t num_unmet; /* (a) dependencies, and one until pushed */
	uint64_t digest;    /* (e) */

	struct wwr_job *prev, *next; /* (d) the device's unfinished jobs */
	struct wwr_job *queue_next;  /* (d) the one behind it in its queue */
	struct wwr_job *ready_next;  /* (d) drivers/mock/run_queue.h */
	enum wwr_job_state state;    /* (d) */
	bool pushed;		     /* (d) */
	bool met;		     /* (d) num_unmet is 0 */
	bool started;		     /* (d) */
	bool ended;		     /* (d) wwr_job_end() */
	bool touching;		     /* (d) is at its buffers just now */
	bool torn;		     /* (d) was stopped while it wrote them */
	bool over;		     /* (d) the scheduler is done with it */
	int over_error;		     /* (d) with this */
	bool preemptible;	     /* (d) from its queue, as the next one */
	int priority;		     /* (d) */
	uint64_t engine_mask;	     /* (d) of its queue, less by bonds once it may be ready */
	int engine;		     /* (d) its index, or -1 */
	int64_t end_ns;		     /* (d) when it has run long enough; INT64_MAX = never */
	int64_t left_ns;	     /* (d) gave way so long before its end; 0 = did not */
	int64_t interval_ns;	     /* (d) scaled, of a timed one that has started; 0 = none */
	int64_t submitted_ns, ready_ns, started_ns, finished_ns; /* (d) */
};

/* Endless, and an engine may be taken from it: its start was seen, its end is not due. */
static inline bool job_is_parked(const struct wwr_job *job)
{
	return job->config.duration_ns == WWR_JOB_ENDLESS && !job->ended && !job->hangs &&
	       job->started && job->preemptible;
}

/* Timed, and at the end of an interval an engine may be taken from it. */
static inline bool job_has_intervals(const struct wwr_job *job)
{
	return job->interval_ns != 0 && !job->ended && !job->hangs && job->preemptible;
}

/* Does it give way to others at all, now or later? */
static inline bool job_gives_way(const struct wwr_job *job)
{
	return job->config.duration_ns == WWR_JOB_ENDLESS || job->config.interval_ns != 0;
}

/* Add a dependency: 0 or -ENOMEM.  Takes a reference of its own.  Not armed. */
int job_add_dep(struct wwr_job *job, struct wwr_fence *fence);

/* Read what another job writes down when it starts.  0 or -ENOMEM.  Not armed. */
int job_add_source(struct wwr_job *job, struct job_fence *other);

/* Forget what was added after these numbers of dependencies and sources, all of them explicit. */
void job_drop_explicit(struct wwr_job *job, uint32_t num_deps, uint32_t num_sources);

/* Forget where its buffers are.  Nothing looks at them any more. */
void job_forget_pieces(struct wwr_job *job);

/* Forget the dependencies that are not the user's.  Not armed. */
void job_drop_implicit_deps(struct wwr_job *job);

/*
 * On which of its queue's engines it may run beside those that it starts with: they have started,
 * or, with a scheduler, are armed.  bonds may be NULL.
 */
uint64_t job_bonded_mask(const struct wwr_job *job, const struct queue_bonds *bonds);

/*
 * The point of no return: take the next number of the order of commits, the last place in the
 * queue, and make the fences live.  0, -ECANCELED when the device is being stopped, or -ENOMEM.
 * All buffers are locked.
 */
int job_arm(struct wwr_job *job);

/* Begin to wait for the dependencies.  Armed. */
void job_push(struct wwr_job *job);

/* Signal the fences; memory was written by now.  Not with the device's lock. */
void job_finish(struct wwr_job *job, int error);

/* Take a finished job out of the lists; the job behind it may become ready.  The device's lock. */
void job_retire_locked(struct wwr_job *job);

/* End a job that no engine will run any more, and drop the device's reference. */
void job_cancel(struct wwr_job *job);

#endif /* DRIVERS_MOCK_JOB_H */
