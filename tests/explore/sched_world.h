/* SPDX-License-Identifier: MIT */
#ifndef TESTS_EXPLORE_SCHED_WORLD_H
#define TESTS_EXPLORE_SCHED_WORLD_H

/*
 * A client that submits jobs, hardware that ends them, and something else that happens meanwhile:
 * what all scenarios of the scheduler are made of.  Each schedule's seed decides which fences never
 * signal and when the event comes.
 */
#include <wwresv/sched.h>

#include "tests/explore/explore.h"

#define SCHED_MAX_JOBS	   3
#define SCHED_MAX_ENTITIES 2
#define SCHED_MAX_RINGS	   2
#define SCHED_MAX_DEPS	   2

enum sched_flag {
	/* What never signals, in some schedules: the event ends the jobs all the same. */
	SCHED_STUCK_DEPS = 1 << 0,
	SCHED_STUCK_HW = 1 << 1,
	SCHED_TIMEOUT = 1 << 2,	    /* the oldest job has some time only */
	SCHED_LOSE = 1 << 3,	    /* a job that is late is the end of the device */
	SCHED_RUNNERS = 1 << 4,	    /* two fibers call wwr_sched_run(); there is no worker */
	SCHED_TWO_HW = 1 << 5,	    /* dependencies are signalled by a fiber of their own */
	SCHED_ONE_CREDIT = 1 << 6,  /* a ring has room for one job */
	SCHED_TWO_CLIENTS = 1 << 7, /* they submit to the same entities */
	SCHED_GUILTY = 1 << 8,	    /* two entities of a context that is guilty at once */
};

struct sched_record;

struct sched_config {
	unsigned int num_jobs;
	unsigned int num_entities; /* at most so many */
	unsigned int num_rings;	   /* that each entity may use */
	unsigned int num_deps;	   /* of each job, at most */
	unsigned int flags;
	void (*event)(void); /* what a fiber does after some time; NULL = nothing */
	bool destroys;	     /* the first ring, that is */
	/* Once all jobs have ended: may this one have ended so? */
	void (*check)(const struct sched_record *record);
};

/* What is known of a job. */
struct sched_record {
	unsigned int index;
	unsigned int entity;
	struct wwr_fence *hw; /* NULL = the ring ends it at once */
	bool fails;	      /* hw has an error */
	struct wwr_fence *deps[SCHED_MAX_DEPS];
	struct wwr_fence *scheduled, *finished;
	const struct wwr_sched *ring;
	struct wwr_fence_cb cb;
	uint64_t seqno; /* of the finished fence */
	bool armed, pushed;
	bool on_ring;	   /* run_job was called, and no reset since */
	bool after_event;  /* it was over before the job was armed */
	bool before_event; /* it had not begun when the job was armed */
	int error;	   /* of the finished fence */
	unsigned int num_runs, num_hangs, num_cancels, num_calls, num_frees;
};

struct sched_job {
	struct wwr_sched_job base;
	unsigned int index;
};

extern struct sched_world {
	const struct sched_config *config;
	struct wwr_sched *rings[SCHED_MAX_RINGS];
	bool ring_is_gone[SCHED_MAX_RINGS];
	struct wwr_sched_entity *entities[SCHED_MAX_ENTITIES]; /* the client's references */
	unsigned int num_entities;
	bool one_ctx;	     /* for all entities */
	unsigned int killed; /* 1 + entity, or 0 */
	uint32_t hang_limit;
	unsigned int num_resets;
	struct sched_record records[SCHED_MAX_JOBS];
	bool event_begins, event_ends;
	unsigned int hardware[2];	      /* fibers */
	unsigned int num_runners, num_others; /* fibers that the client waits for */
	bool wanted;			      /* somebody should call wwr_sched_run() */
	bool over;			      /* all jobs have ended */
} sched_world;

/* The driver: sched_driver.c. */
extern const struct wwr_sched_ops sched_driver_ops;
struct wwr_fence *sched_create_fence(unsigned int number);
void sched_finished_callback(struct wwr_fence *fence, struct wwr_fence_cb *cb);
/* Fibers that signal rings' fences and dependencies. */
void sched_hardware_main(void *arg);
void sched_other_hardware_main(void *arg);

/* Some steps of doing nothing. */
void sched_pause(void);

/* Destroy a ring and see that its jobs are freed. */
void sched_destroy_ring(unsigned int ring);

/* Of a scenario. */
void sched_setup(const struct ex_scenario *scenario);
void sched_check(const struct ex_scenario *scenario);

#endif /* TESTS_EXPLORE_SCHED_WORLD_H */
