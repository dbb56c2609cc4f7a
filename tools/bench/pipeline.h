/* SPDX-License-Identifier: MIT */
/*
 * A pipeline of one submitter and one engine: the least that a driver needs around fences.  Jobs go
 * through a ring; the engine reads the clock once for all that it finds there.
 */
#ifndef PIPELINE_H
#define PIPELINE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <wwresv/fence.h>

#include "lockset/wwr_atomic.h"

#define PIPELINE_JOBS 1024 /* a power of two */

struct pipeline {
	WWR_CACHE_ALIGNED uint64_t tail; /* (a) jobs submitted */
	uint64_t head_seen;		 /* the submitter's copy of head */
	bool may_sleep;
	WWR_CACHE_ALIGNED uint64_t head;   /* (a) jobs done */
	uint64_t num_run;		   /* the engine only */
	WWR_CACHE_ALIGNED uint32_t asleep; /* (a) the engine is, or is about to be */
	uint32_t park_word;		   /* where it sleeps */
	uint32_t stop;			   /* (a) */
	pthread_t thread;
	WWR_CACHE_ALIGNED struct wwr_fence *jobs[PIPELINE_JOBS];
};

/* Starts the engine.  0 or -errno after a message. */
int pipeline_start(struct pipeline *pipeline, bool may_sleep);
/* Waits for all jobs and ends the engine; returns how many it has run. */
uint64_t pipeline_stop(struct pipeline *pipeline);

/* The job's reference becomes the engine's.  Waits while there is no room. */
void pipeline_submit(struct pipeline *pipeline, struct wwr_fence *job);

/* The same with a mutex and two conditions, and a flag in the place of a fence. */
struct queue_job {
	uint32_t done; /* (a) */
};

struct queue {
	pthread_mutex_t mutex;
	pthread_cond_t not_empty, not_full;
	uint64_t head, tail, num_run;
	bool stop;
	pthread_t thread;
	struct queue_job *jobs[PIPELINE_JOBS];
};

int queue_start(struct queue *queue);
uint64_t queue_stop(struct queue *queue);
void queue_submit(struct queue *queue, struct queue_job *job);

#endif
