/* SPDX-License-Identifier: MIT */
#ifndef TESTS_DRIVERS_SCHED_SIM_H
#define TESTS_DRIVERS_SCHED_SIM_H

/*
 * A driver whose rings are simulated, with a clock that goes on only when the test says so.  No
 * threads: everything happens in sim_step() and in the calls of the test.
 */

#include <wwresv/sched.h>

#include <stdbool.h>
#include <stdint.h>

#define SIM_MAX_RINGS 4
#define SIM_MAX_LOG   4096
#define SIM_HANGS     INT64_MAX

struct sim;

struct sim_job {
	struct wwr_sched_job base;
	struct sim *sim;
	int id;
	int64_t duration_ns; /* SIM_HANGS = it never ends by itself */
	int run_error;	     /* what run_job returns */
	int hw_error;	     /* how the ring ends it */
	bool is_slow;	     /* no hang, whatever the ring's verdict is */
	bool at_once;	     /* run_job needs no fence */
	unsigned int num_runs;
	int64_t end_ns;
	struct wwr_fence *hw; /* referenced while it is on a ring */
	struct sim_job *next; /* on its ring */
	/* Kept after the job is gone, if the test wants so: referenced. */
	struct wwr_fence *scheduled, *finished;
};

struct sim_ring {
	struct sim *sim;
	struct wwr_sched *sched;
	struct sim_job *first; /* in order; the first one is executed */
	int64_t free_ns;       /* when the last one has ended */
	enum wwr_sched_verdict verdict;
	unsigned int num_timeouts, num_cancelled, num_wakes;
	struct sim_job *late;		 /* submitted just while a job is cancelled; then NULL */
	struct wwr_fence *late_finished; /* of that job: referenced */
	unsigned int end_in_timeout;	 /* so many of the oldest end while the driver is asked */
};

struct sim {
	int64_t now_ns;
	struct wwr_sched_group *group;
	struct sim_ring rings[SIM_MAX_RINGS];
	unsigned int num_rings;
	unsigned int num_live; /* jobs made and not freed */
	int log[SIM_MAX_LOG];  /* ids in the order of run_job */
	unsigned int num_log;
};

/* A group with as many rings; options may be NULL, ops and data are filled in. */
void sim_init(struct sim *sim, unsigned int num_rings, const struct wwr_sched_options *options);

/* End the rings that are left and the group. */
void sim_fini(struct sim *sim);

/* End one ring. */
void sim_destroy_ring(struct sim *sim, unsigned int ring);

/* On all rings. */
struct wwr_sched_entity *sim_entity(struct sim *sim, enum wwr_sched_priority priority,
				    struct wwr_sched_ctx *ctx);

/* Initialised, not armed. */
struct sim_job *sim_job(struct sim *sim, struct wwr_sched_entity *entity, int id,
			int64_t duration_ns);

/* Arm, keep references of the fences, push.  Returns them in the arrays unless NULL. */
void sim_submit(struct sim_job *job, struct wwr_fence **ret_scheduled,
		struct wwr_fence **ret_finished);

/* Run all rings until there is nothing to do now. */
void sim_run(struct sim *sim);

/* Go to the time of the next thing that happens, and let it; false = nothing will. */
bool sim_step(struct sim *sim);

/* A fence that the test signals. */
struct wwr_fence *sim_gate(void);

#endif /* TESTS_DRIVERS_SCHED_SIM_H */
