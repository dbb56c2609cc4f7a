/* SPDX-License-Identifier: MIT */
/*
 * `wwresv submit --via libdrm`: the same clients through files of the mock GPU's driver.
 *
 * The tool runs itself again with the preloaded library.  There each client has a render node of
 * its own, with a queue for each of the plan's, a handle for each slot, and one timeline syncobj
 * whose point n is the client's job n.  The plan's device has no jobs then: its buffers hold the
 * bytes of the beginning, and those of the end for the check of the result.
 */
#ifndef VIA_H
#define VIA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/submit/options.h"

struct plan;
struct plan_access;
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

struct wwr_engine_info;

/* What an engine of the device has done, into num_jobs and busy_ns. */
void via_get_engine(const struct via *via, unsigned int index, struct wwr_engine_info *info);

/* The buffers' bytes of now into those of the plan, when no job runs.  0 or -errno. */
int via_fetch(struct via *via);

/* A client's file; borrowed. */
struct via_file *via_file(struct via *via, uint32_t client);

/* A job as the driver takes it. */
struct via_job {
	uint32_t queue; /* index into plan_workload.queues */
	uint64_t duration_ns, seed, label;
	const struct plan_access *accesses;
	uint32_t num_accesses;
};

/* What the driver answers. */
struct via_answer {
	uint64_t point;	 /* of the client's timeline, above 0 */
	uint64_t commit; /* place in the order of commits */
	uint32_t retries, num_backoffs, losses, restarts;
	uint64_t wait_ns, reserve_ns;
	bool has_contended;
	uint32_t contended; /* index into plan.buffers, if it has */
};

/*
 * Submit a job.  The client's thread.  0 or -errno: -EINTR after a signal.
 */
int via_submit(struct via_file *file, const struct via_job *job, struct via_answer *ret_answer);

/*
 * Wait for all jobs of this file up to a point; any thread.  deadline_ns is of CLOCK_MONOTONIC.
 * 0, -ETIME, or another -errno.
 */
int via_wait(const struct via_file *file, uint64_t point, int64_t deadline_ns);

/* All jobs of this file up to this point have finished. */
uint64_t via_reached(const struct via_file *file);

/* The last point so far, 0 = there is none; the client's thread. */
uint64_t via_last_point(const struct via_file *file);

#endif
