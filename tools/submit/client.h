/* SPDX-License-Identifier: MIT */
/*
 * A client: a thread that runs its own copy of a workload.
 *
 * client.c is its life, client_step.c the steps, client_submit.c the batches, client_via.c those
 * through the driver.
 */
#ifndef CLIENT_H
#define CLIENT_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <wwresv/interrupt.h>

#include "tools/submit/commit_log.h"
#include "tools/submit/fences.h"
#include "tools/submit/plan.h"
#include "tools/submit/stats.h"
#include "tools/submit/window.h"

struct run;
struct via_file;
struct via_place;
struct wwr_drm_submit_sync;
struct wwr_fence;
struct wwr_queue;

/* What a client does just now, for the report of a stall. */
enum client_activity {
	CLIENT_STARTING,
	CLIENT_STEPPING,
	CLIENT_SUBMITTING,
	CLIENT_WAITING,	  /* for the batch of step `awaited` */
	CLIENT_RECYCLING, /* the same, of an earlier loop */
	CLIENT_DRAINING,  /* the same, after the last step */
	CLIENT_THROTTLED, /* the same, before a submit */
	CLIENT_FULL,	  /* for any job on the same engines, before a submit */
	CLIENT_SLEEPING,  /* in a delay step */
	CLIENT_DONE,
};

/* Of jobs through the driver: what the class of the locks counts for others. */
struct client_via_stats {
	uint64_t num_locks;
	uint64_t num_backoffs, num_fallbacks, wait_ns;
};

/* Fields: (t) the client's thread, then the main thread; (a) atomic; (i) immutable. */
struct client {
	struct run *run;		/* (i) */
	const struct plan_client *plan; /* (i) */
	struct wwr_interrupt_token token;
	pthread_t thread;
	struct via_file *via;		   /* (i) NULL = jobs go to the mock GPU by calls */
	struct wwr_queue **queues;	   /* (t) as in plan_workload.queues */
	size_t *bond_steps;		   /* (t) whose bonds they have: plan_batch.bond_step */
	struct plan_access *accesses;	   /* (t) scratch for one batch */
	struct wwr_drm_submit_sync *deps;  /* (t) the same, through the driver */
	uint32_t *syncobjs;		   /* (t) scratch: of all jobs in flight */
	struct wwr_fence *never;	   /* (i) never signals: to sleep on */
	struct fences fences;		   /* (t) */
	struct window window;		   /* (t) */
	struct commit_log log;		   /* (t) */
	struct stats stats;		   /* (t) */
	struct client_via_stats via_stats; /* (t) */
	uint32_t *num_no_room;		   /* (t) by batch: jobs that cannot fit in VRAM */
	struct wsim_rng rng;		   /* (t) */
	uint32_t throttle, queue_depth;	   /* (t) of t and q steps; 0 = off */
	int64_t loop_start_ns;		   /* (t) */
	int error;			   /* (t) why it gave up, 0 or -errno */
	int tid;			   /* (a) */
	uint32_t loop, step;		   /* (a) */
	uint32_t activity, awaited;	   /* (a) */
};

/* 0 or -errno. */
int client_create(struct run *run, const struct plan_client *plan, struct client **ret_client);
/* NULL is a no-op.  The thread has ended. */
void client_destroy(struct client *client);

/* The thread. */
void *client_main(void *client);

/* After the thread has ended and the device was stopped: count the jobs that are left. */
void client_finish(struct client *client);

/* client_step.c: run the step; 0, -EINTR when the run is to end, or another -errno. */
int client_run_step(struct client *client, uint32_t loop, uint32_t step);
/* Wait for a job of this client; NULL was never submitted and is not waited for. */
int client_wait_job(struct client *client, struct window_job *job, enum client_activity activity,
		    uint32_t step);
void client_set_activity(struct client *client, enum client_activity activity, uint32_t awaited);

/* client_submit.c: a batch step. */
int client_submit(struct client *client, uint32_t loop, uint32_t step);

/* client_via.c: wait for a job that was submitted through the driver, as client_wait_job(). */
int client_wait_via(struct client *client, struct via_place *place);
/* End all that would not end by itself.  No step runs any more. */
void client_end_via(struct client *client);
/* Wait for all jobs.  Of every client what is endless was ended. */
void client_drain_via(struct client *client);

/* client_count.c: count a job that has finished and give it back. */
void client_count_job(struct client *client, uint32_t loop, uint32_t batch);
/* Count one that could not be submitted. */
void client_count_failed(struct client *client, uint32_t loop, uint32_t step,
			 const struct window_job *job, int error);

#endif
