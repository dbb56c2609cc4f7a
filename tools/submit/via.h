/* SPDX-License-Identifier: MIT */
/*
 * `wwresv submit --via libdrm`: the same clients through files of the mock GPU's driver.
 *
 * The tool runs itself again with the preloaded library.  There each client has a render node of
 * its own, with a queue for each of the plan's, a handle for each slot, a syncobj for each job that
 * it may have in flight, and one for each software fence.  The plan's device has no jobs then: its
 * buffers hold the bytes of the beginning, and those of the end for the check of the result.
 *
 * via.c makes and looks at what there is before and after the jobs, via_jobs.c has the jobs and
 * via_fences.c the software fences.
 */
#ifndef VIA_H
#define VIA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/submit/options.h"

struct plan;
struct plan_access;
struct plan_batch;
struct plan_client;
struct via;
struct via_file;

/* What of the options and workloads cannot be asked of the driver.  0, or -EINVAL after a message.
 */
int via_check_options(const struct submit_options *options);
int via_check_workload(const struct wsim_workload *workload);

/* Is this the tool that the tool has run? */
bool via_is_inner(void);
/* Run the tool again, with the devices that the options ask for.  The exit code. */
int via_run_inner(const struct submit_options *options, int argc, char **argv);

/*
 * Open everything: a file for each client of the plan, its queues and buffers.  The plan outlives
 * it.  0, or -errno after a message.
 */
int via_create(const struct plan *plan, struct via **ret_via);
/* NULL is a no-op. */
void via_destroy(struct via *via);

/* How many jobs have finished, of all clients; any thread. */
uint64_t via_num_finished(const struct via *via);

struct wwr_device_bo_stats;
struct wwr_drm_submit_sync;
struct wwr_engine_info;

/* What an engine of the device has done, into num_jobs and busy_ns. */
void via_get_engine(const struct via *via, unsigned int index, struct wwr_engine_info *info);

/* The buffers' bytes of now into those of the plan, when no job runs.  0 or -errno. */
int via_fetch(struct via *via);

/* What submits met at the locks of the buffers, by buffer.  0 or -errno. */
int via_get_buffers(const struct via *via, struct wwr_device_bo_stats *ret_stats);

/* A client's file; borrowed. */
struct via_file *via_file(struct via *via, uint32_t client);

/* A job of a file, as its client knows it; zeroed at first.  The client's thread. */
struct via_place {
	uint32_t syncobj; /* with its fence; stays for the next job here */
	uint32_t queue;	  /* index into plan_workload.queues */
	bool submitted;
	bool finished; /* for sure */
	bool endless;  /* and nobody has ended it */
	uint64_t commit;
};

/* What a place needs once, before its first job.  0 or -errno. */
int via_make_place(const struct via_file *file, struct via_place *place);

/* A job as the driver takes it. */
struct via_job {
	uint32_t queue; /* index into plan_workload.queues */
	bool endless, preemptible;
	uint32_t retry_limit;
	uint64_t duration_ns, interval_ns, seed, label;
	const struct plan_access *accesses;
	uint32_t num_accesses;
	const struct wwr_drm_submit_sync *deps; /* what it waits for */
	uint32_t num_deps;
	const struct plan_batch *bound; /* the queue has its bonds; NULL = whatever it has */
};

/* What the driver answers. */
struct via_answer {
	uint64_t commit; /* place in the order of commits */
	uint32_t retries, num_backoffs, losses, restarts;
	uint64_t num_locks, wait_ns, reserve_ns;
	bool has_contended;
	uint32_t contended; /* index into plan.buffers, if it has */
};

/*
 * Submit a job.  The client's thread.  0 or -errno: -EINTR after a signal, -EAGAIN if it gave up;
 * then there is an answer, too.
 */
int via_submit(struct via_file *file, const struct via_job *job, struct via_place *place,
	       struct via_answer *ret_answer);

/*
 * Wait for a job that was submitted.  deadline_ns is of CLOCK_MONOTONIC.  Jobs of a queue finish in
 * their order: no ioctl is needed for one before another that was waited for.  0, -ETIME or -errno.
 */
int via_wait(struct via_file *file, struct via_place *place, int64_t deadline_ns);

/* The same for any of several syncobjs. */
int via_wait_any(const struct via_file *file, uint32_t *syncobjs, uint32_t num,
		 int64_t deadline_ns);

/* End a job that may be endless; others are left alone. */
void via_end(const struct via_file *file, struct via_place *place);

/* How a job ended that has finished: its error or 0, and the name of its engine, or "". */
int via_get_result(const struct via_file *file, const struct via_place *place, char *ret_engine,
		   size_t engine_bytes);

/* Jobs of a context that are submitted from now on have this priority, as far as it goes. */
int via_set_priority(const struct via_file *file, size_t ctx_index, int64_t priority);

/* An `f` step.  0 or -errno. */
int via_add_fence(struct via_file *file, uint32_t step);
/* The syncobj of an `f` step of this loop. */
uint32_t via_fence(const struct via_file *file, size_t step);
/* An `a` step: signal all software fences up to that step's. */
void via_reach_fence(struct via_file *file, size_t step);
/* The end of a loop, or of the client: signal all of them. */
void via_reach_all(struct via_file *file);

#endif
